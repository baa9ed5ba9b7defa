// Exercise 2.5: Counting modes
#include "2_5_count_modes.h"

#include <cmath>

// This counts a mode with a single point near it, and says nothing about the share of good points.
Modes judge_modes(const std::vector<Point>& points, const std::vector<Point>& centres,
                  double stddev) {
  Modes modes{{}, 0};
  for (size_t k = 0; k < centres.size(); ++k) {
    bool found = false;
    for (const Point& p : points) {
      found |= std::hypot(p[0] - centres[k][0], p[1] - centres[k][1]) <= 3 * stddev;
    }
    if (!found) modes.missing.push_back(k);
  }
  return modes;
}
