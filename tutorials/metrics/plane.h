#pragma once

#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// Metrics for points in the plane, [n, 2], where the true distribution is known: those of
/// nn/data/toy2d.h.
namespace forger::metrics {

struct Modes {
  std::vector<int64_t> counts;  // good points per mode
  int64_t covered;              // modes with at least one good point
  double good;                  // share of good points
};

/// Counts the modes of a mixture that points reach. A point is good if it lies within 3 standard
/// deviations of the nearest mode, and a mode is covered if it is the nearest one of a good point
/// (Srivastava et al. 2017, arXiv 1705.07761, the experiments on synthetic data). Of points that
/// the mixture itself draws, 1 - exp(-4.5) = 0.9889 are good. `centres` are [modes, 2]. Throws
/// Error unless there are points and modes, all finite, and stddev > 0.
Modes count_modes(const Tensor& points, const Tensor& centres, double stddev,
                  SourceLoc loc = SourceLoc::here());

/// A square of side x side cells around the origin. Cell (row, column) is number row * side +
/// column; columns count along x and rows along y, from below. The last cell, number side * side,
/// is the rest of the plane.
struct Grid {
  int64_t side = 64;
  double half_width = 4;  // the square is [-half_width, half_width)^2

  int64_t cells() const { return side * side + 1; }
};

/// Returns the probability of each cell for a mixture of equal Gaussians around centres [modes, 2],
/// with this standard deviation along both axes. It is exact: a cell's probability is a product of
/// differences of the normal distribution function.
std::vector<double> mixture_cells(const Tensor& centres, double stddev, const Grid& grid = {},
                                  SourceLoc loc = SourceLoc::here());

/// Returns the share of points [n, 2] in each cell.
std::vector<double> point_cells(const Tensor& points, const Grid& grid = {},
                                SourceLoc loc = SourceLoc::here());

/// Returns the Jensen-Shannon distance of two distributions over the same cells: the square root of
/// H((p + q) / 2) - H(p) / 2 - H(q) / 2 in nats (Lin 1991, "Divergence measures based on the
/// Shannon entropy", eq. 4.1; the root is a metric: Endres & Schindelin 2003). It is 0 for equal
/// distributions and sqrt(log 2) = 0.8326 for disjoint ones. The shares of n points of p itself
/// have a distance from p above 0, which falls with n: compare values of the same n and grid.
/// Throws Error unless both have the same size, no entry below 0, and a sum of 1 within 1e-6.
double js_distance(const std::vector<double>& p, const std::vector<double>& q,
                   SourceLoc loc = SourceLoc::here());

}  // namespace forger::metrics
