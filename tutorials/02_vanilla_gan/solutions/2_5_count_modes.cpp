#include "2_5_count_modes.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

Modes judge_modes(const std::vector<Point>& points, const std::vector<Point>& centres,
                  double stddev) {
  std::vector<size_t> counts(centres.size(), 0);
  size_t good = 0;
  for (const Point& p : points) {
    size_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t k = 0; k < centres.size(); ++k) {
      const double distance = std::hypot(p[0] - centres[k][0], p[1] - centres[k][1]);
      if (distance < least) nearest = k, least = distance;
    }
    if (least > 3 * stddev) continue;
    ++counts[nearest];
    ++good;
  }
  Modes modes{{}, static_cast<double>(good) / static_cast<double>(points.size())};
  for (size_t k = 0; k < centres.size(); ++k) {
    if (100 * counts[k] < points.size()) modes.missing.push_back(k);
  }
  return modes;
}
