#include "tutorials/metrics/neighbours.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "autograd/error.h"
#include "tutorials/metrics/distances.h"
#include "tutorials/metrics/features.h"

namespace forger::metrics {
namespace {

void check_k(const char* op, int64_t k, int64_t most, SourceLoc loc) {
  if (k >= 1 && k <= most) return;
  fail(op, "k is out of range, for so many rows",
       {"found    " + std::to_string(k), "expected 1 to " + std::to_string(most)}, loc);
}

/// Returns the k nearest rows of b for each row of a, row i of b left out for row i if `others`.
/// Distances are squared.
Neighbours nearest_rows(const Points& a, const Points& b, int64_t k, bool others) {
  const auto size = static_cast<size_t>(a.n * k);
  Neighbours found{k, std::vector<int64_t>(size, -1),
                   std::vector<double>(size, std::numeric_limits<double>::infinity())};
  double* distances = found.distances.data();
  int64_t* index = found.index.data();
  for_each_block(a, b,
                 [=, &a, &b](int64_t i, int64_t first, int64_t count, const Scalar* partial,
                             const RowBounds& bounds) {
                   double* nearest = distances + i * k;  // of this row, ascending
                   int64_t* which = index + i * k;
                   const double offset = bounds.error - bounds.squared_norm;
                   double limit = nearest[k - 1] + offset;
                   for (int64_t j = 0; j < count; ++j) {
                     if (static_cast<double>(partial[j]) > limit || (others && first + j == i))
                       continue;
                     const double distance = squared_distance(a.row(i), b.row(first + j), a.d);
                     if (distance >= nearest[k - 1]) continue;
                     int64_t place = k - 1;
                     for (; place > 0 && distance < nearest[place - 1]; --place) {
                       nearest[place] = nearest[place - 1];
                       which[place] = which[place - 1];
                     }
                     nearest[place] = distance;
                     which[place] = first + j;
                     limit = nearest[k - 1] + offset;
                   }
                 });
  return found;
}

/// Returns the squared radius of the ball around each row: the squared distance to its k-th nearest
/// other row.
std::vector<double> squared_radii(const Points& x, int64_t k) {
  const Neighbours others = nearest_rows(x, x, k, true);
  std::vector<double> radii;
  for (size_t i = static_cast<size_t>(k) - 1; i < others.distances.size();
       i += static_cast<size_t>(k)) {
    radii.push_back(others.distances[i]);
  }
  return radii;
}

/// Returns the number of balls around rows of `centres` that hold each row of `points`.
std::vector<int64_t> count_balls(const Points& points, const Points& centres,
                                 const std::vector<double>& squared_radii) {
  std::vector<int64_t> counts(static_cast<size_t>(points.n));
  int64_t* out = counts.data();
  const double* radii = squared_radii.data();
  for_each_block(
      points, centres,
      [=, &points, &centres](int64_t i, int64_t first, int64_t count, const Scalar* partial,
                             const RowBounds& bounds) {
        int64_t inside = 0;
        for (int64_t j = 0; j < count; ++j) {
          const double radius = radii[first + j];
          const double excess = partial[j] + bounds.squared_norm - radius;
          if (excess > bounds.error) continue;
          if (excess < -bounds.error ||
              squared_distance(points.row(i), centres.row(first + j), points.d) <= radius) {
            ++inside;
          }
        }
        out[i] += inside;
      });
  return counts;
}

double share_above_zero(const std::vector<int64_t>& counts) {
  const auto holds = std::count_if(counts.begin(), counts.end(), [](int64_t c) { return c > 0; });
  return static_cast<double>(holds) / static_cast<double>(counts.size());
}

/// Returns the share of rows for which a[i] < b[i]; an equal pair counts half.
double share_less(const std::vector<double>& a, const std::vector<double>& b) {
  double less = 0;
  for (size_t i = 0; i < a.size(); ++i) less += a[i] < b[i] ? 1 : a[i] == b[i] ? 0.5 : 0;
  return less / static_cast<double>(a.size());
}

double mean_root(const std::vector<double>& squares) {
  double sum = 0;
  for (const double square : squares) sum += std::sqrt(square);
  return sum / static_cast<double>(squares.size());
}

Neighbours with_roots(Neighbours found) {
  for (double& distance : found.distances) distance = std::sqrt(distance);
  return found;
}

}  // namespace

Neighbours nearest(const Tensor& a, const Tensor& b, int64_t k, SourceLoc loc) {
  check_features("nearest", "a", a, "b", b, 1, loc);
  check_k("nearest", k, b.shape()[0], loc);
  const std::vector<double> origin = mean_row(b);
  return with_roots(nearest_rows(Points(a, origin), Points(b, origin), k, false));
}

Neighbours nearest_others(const Tensor& x, int64_t k, SourceLoc loc) {
  check_features("nearest_others", "x", x, 2, loc);
  check_k("nearest_others", k, x.shape()[0] - 1, loc);
  const Points points(x, mean_row(x));
  return with_roots(nearest_rows(points, points, k, true));
}

PrecisionRecall precision_recall(const Tensor& images, const Tensor& real, int64_t k,
                                 SourceLoc loc) {
  check_features("precision_recall", "images", images, "real", real, 2, loc);
  check_k("precision_recall", k, std::min(images.shape()[0], real.shape()[0]) - 1, loc);
  const std::vector<double> origin = mean_row(real);
  const Points a(images, origin), b(real, origin);
  return {share_above_zero(count_balls(a, b, squared_radii(b, k))),
          share_above_zero(count_balls(b, a, squared_radii(a, k)))};
}

DensityCoverage density_coverage(const Tensor& images, const Tensor& real, int64_t k,
                                 SourceLoc loc) {
  check_features("density_coverage", "images", images, "real", real, 1, loc);
  check_k("density_coverage", k, real.shape()[0] - 1, loc);
  const std::vector<double> origin = mean_row(real);
  const Points a(images, origin), b(real, origin);
  const std::vector<double> radii = squared_radii(b, k);
  int64_t balls = 0;
  for (const int64_t count : count_balls(a, b, radii)) balls += count;
  const std::vector<double> to_image = nearest_rows(b, a, 1, false).distances;
  int64_t covered = 0;
  for (size_t i = 0; i < radii.size(); ++i) covered += to_image[i] <= radii[i] ? 1 : 0;
  return {static_cast<double>(balls) / static_cast<double>(k * a.n),
          static_cast<double>(covered) / static_cast<double>(b.n)};
}

double expected_coverage(int64_t real, int64_t images, int64_t k, SourceLoc loc) {
  if (images < 0 || k < 1 || k >= real) {
    fail("expected_coverage", "k must be 1 to real - 1, and images not negative",
         {"found real " + std::to_string(real) + ", images " + std::to_string(images) + ", k " +
          std::to_string(k)},
         loc);
  }
  double uncovered = 1;
  for (int64_t i = 1; i <= k; ++i) {
    uncovered *= static_cast<double>(real - i) / static_cast<double>(real + images - i);
  }
  return 1 - uncovered;
}

NearestNeighbourAccuracy nearest_neighbour_accuracy(const Tensor& images, const Tensor& real,
                                                    SourceLoc loc) {
  check_features("nearest_neighbour_accuracy", "images", images, "real", real, 2, loc);
  if (images.shape()[0] != real.shape()[0]) {
    fail("nearest_neighbour_accuracy", "the sets must have the same number of rows",
         {"images  " + images.shape().str(), "real    " + real.shape().str()}, loc);
  }
  const std::vector<double> origin = mean_row(real);
  const Points a(images, origin), b(real, origin);
  const double on_images =
      share_less(nearest_rows(a, a, 1, true).distances, nearest_rows(a, b, 1, false).distances);
  const double on_real =
      share_less(nearest_rows(b, b, 1, true).distances, nearest_rows(b, a, 1, false).distances);
  return {(on_images + on_real) / 2, on_images, on_real};
}

Memorisation memorisation(const Tensor& images, const Tensor& training, const Tensor& test,
                          SourceLoc loc) {
  check_features("memorisation", "images", images, "training", training, 1, loc);
  check_features("memorisation", "images", images, "test", test, 1, loc);
  const std::vector<double> origin = mean_row(test);
  const Points points(images, origin);
  const std::vector<double> to_training =
      nearest_rows(points, Points(training, origin), 1, false).distances;
  const std::vector<double> to_test =
      nearest_rows(points, Points(test, origin), 1, false).distances;
  return {mean_root(to_training) / mean_root(to_test), share_less(to_training, to_test)};
}

}  // namespace forger::metrics
