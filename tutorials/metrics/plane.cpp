#include "tutorials/metrics/plane.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

#include "autograd/error.h"
#include "tutorials/metrics/features.h"

namespace forger::metrics {
namespace {

constexpr double kGoodWithin = 3;  // standard deviations

void check_plane(const char* op, const char* argument, const Tensor& x, SourceLoc loc) {
  check_features(op, argument, x, 1, loc);
  if (x.shape()[1] == 2) return;
  fail(op, "these are no points in the plane",
       {argument + ("  " + x.shape().str()), "expected  [n, 2]"}, loc);
}

void check_stddev(const char* op, double stddev, SourceLoc loc) {
  if (std::isfinite(stddev) && stddev > 0) return;
  fail(op, "stddev must be finite and above 0", {"found " + std::to_string(stddev)}, loc);
}

void check_grid(const char* op, const Grid& grid, SourceLoc loc) {
  if (grid.side >= 1 && grid.side <= 4096 && std::isfinite(grid.half_width) &&
      grid.half_width > 0) {
    return;
  }
  fail(op, "a grid has 1 to 4096 cells a side and a finite half width above 0",
       {"found side " + std::to_string(grid.side) + ", half width " +
        std::to_string(grid.half_width)},
       loc);
}

/// Returns the probability that a normal variable lies in each of the grid's columns.
std::vector<double> axis_cells(double mean, double stddev, const Grid& grid) {
  const double scale = 1 / (stddev * std::sqrt(2.0));
  std::vector<double> cells;
  const double width = 2 * grid.half_width / static_cast<double>(grid.side);
  for (int64_t i = 0; i < grid.side; ++i) {
    const double low = (-grid.half_width + width * static_cast<double>(i) - mean) * scale;
    const double high = (-grid.half_width + width * static_cast<double>(i + 1) - mean) * scale;
    // Each tail is a difference of its own small numbers.
    cells.push_back(low > 0 ? (std::erfc(low) - std::erfc(high)) / 2
                            : (std::erfc(-high) - std::erfc(-low)) / 2);
  }
  return cells;
}

void check_distribution(const char* argument, const std::vector<double>& p, SourceLoc loc) {
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  const bool negative = std::any_of(p.begin(), p.end(), [](double x) { return !(x >= 0); });
  if (!negative && std::abs(sum - 1) <= 1e-6) return;
  fail("js_distance", "not a distribution",
       {argument + std::string("  ") +
        (negative ? "has an entry that is not at least 0" : "sums to " + std::to_string(sum))},
       loc);
}

double p_log_p(double p) { return p > 0 ? p * std::log(p) : 0; }

}  // namespace

Modes count_modes(const Tensor& points, const Tensor& centres, double stddev, SourceLoc loc) {
  check_plane("count_modes", "points", points, loc);
  check_plane("count_modes", "centres", centres, loc);
  check_stddev("count_modes", stddev, loc);
  const int64_t n = points.shape()[0], modes = centres.shape()[0];
  Modes found{std::vector<int64_t>(static_cast<size_t>(modes)), 0, 0};
  const double reach = kGoodWithin * stddev;
  int64_t good = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Scalar* point = points.data() + 2 * i;
    int64_t nearest = 0;
    double least = INFINITY;
    for (int64_t mode = 0; mode < modes; ++mode) {
      const Scalar* centre = centres.data() + 2 * mode;
      const double dx = static_cast<double>(point[0]) - centre[0];
      const double dy = static_cast<double>(point[1]) - centre[1];
      if (dx * dx + dy * dy >= least) continue;
      least = dx * dx + dy * dy;
      nearest = mode;
    }
    if (least > reach * reach) continue;
    ++good;
    if (found.counts[static_cast<size_t>(nearest)]++ == 0) ++found.covered;
  }
  found.good = static_cast<double>(good) / static_cast<double>(n);
  return found;
}

std::vector<double> mixture_cells(const Tensor& centres, double stddev, const Grid& grid,
                                  SourceLoc loc) {
  check_plane("mixture_cells", "centres", centres, loc);
  check_stddev("mixture_cells", stddev, loc);
  check_grid("mixture_cells", grid, loc);
  const int64_t modes = centres.shape()[0];
  const auto side = static_cast<size_t>(grid.side);
  std::vector<double> cells(side * side + 1);
  double inside = 0;
  for (int64_t mode = 0; mode < modes; ++mode) {
    const std::vector<double> columns = axis_cells(centres.at({mode, 0}), stddev, grid);
    const std::vector<double> rows = axis_cells(centres.at({mode, 1}), stddev, grid);
    for (size_t row = 0; row < side; ++row) {
      for (size_t column = 0; column < side; ++column) {
        const double share = rows[row] * columns[column] / static_cast<double>(modes);
        cells[row * side + column] += share;
        inside += share;
      }
    }
  }
  cells.back() = std::max(1 - inside, 0.0);
  return cells;
}

std::vector<double> point_cells(const Tensor& points, const Grid& grid, SourceLoc loc) {
  check_plane("point_cells", "points", points, loc);
  check_grid("point_cells", grid, loc);
  const int64_t n = points.shape()[0];
  const double cells_per_unit = static_cast<double>(grid.side) / (2 * grid.half_width);
  std::vector<double> cells(static_cast<size_t>(grid.cells()));
  for (int64_t i = 0; i < n; ++i) {
    const double column = std::floor((points.at({i, 0}) + grid.half_width) * cells_per_unit);
    const double row = std::floor((points.at({i, 1}) + grid.half_width) * cells_per_unit);
    const auto side = static_cast<double>(grid.side);
    const bool inside = column >= 0 && column < side && row >= 0 && row < side;
    ++cells[inside ? static_cast<size_t>(row * side + column) : cells.size() - 1];
  }
  for (double& cell : cells) cell /= static_cast<double>(n);
  return cells;
}

double js_distance(const std::vector<double>& p, const std::vector<double>& q, SourceLoc loc) {
  if (p.size() != q.size()) {
    fail("js_distance", "the distributions have different sizes",
         {"p  " + std::to_string(p.size()), "q  " + std::to_string(q.size())}, loc);
  }
  check_distribution("p", p, loc);
  check_distribution("q", q, loc);
  double divergence = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    divergence += (p_log_p(p[i]) + p_log_p(q[i])) / 2 - p_log_p((p[i] + q[i]) / 2);
  }
  return std::sqrt(std::max(divergence, 0.0));
}

}  // namespace forger::metrics
