#include "1_4_k_means_plus_plus.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

std::vector<size_t> choose_centres(const std::vector<Point>& points, size_t k,
                                   forger::Random& random) {
  std::vector<size_t> chosen = {
      static_cast<size_t>(random.below(static_cast<int64_t>(points.size())))};
  std::vector<double> squares(points.size(), std::numeric_limits<double>::infinity());
  while (chosen.size() < k) {
    const Point& last = points[chosen.back()];
    double total = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      const double dx = points[i][0] - last[0], dy = points[i][1] - last[1];
      squares[i] = std::min(squares[i], dx * dx + dy * dy);
      total += squares[i];
    }
    // Point i has the interval of length squares[i] in [0, total).
    double rest = random.uniform() * total;
    size_t next = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      if (squares[i] == 0) continue;  // taken already
      next = i;
      rest -= squares[i];
      if (rest < 0) break;
    }
    chosen.push_back(next);
  }
  return chosen;
}
