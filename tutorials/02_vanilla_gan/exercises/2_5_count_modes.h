#pragma once

#include <array>
#include <cstddef>
#include <vector>

using Point = std::array<double, 2>;

/// What is left of a mixture's modes.
struct Modes {
  std::vector<size_t> missing;  // indices of modes that do not count, ascending
  double good;                  // share of good points
};

/// Judges points that were made to look like a mixture of Gaussians with these centres and this
/// standard deviation along both axes. There is at least one point and one centre.
///
/// A point is good if it lies within 3 standard deviations of its nearest centre, and then belongs
/// to that mode. A mode counts if at least 1 % of all points are good and belong to it.
Modes judge_modes(const std::vector<Point>& points, const std::vector<Point>& centres,
                  double stddev);
