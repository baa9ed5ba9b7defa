// Exercise 1.4: k-means++
#include "1_4_k_means_plus_plus.h"

#include <cstdint>

// This is a random start. Prefer points that are far from those taken so far.
std::vector<size_t> choose_centres(const std::vector<Point>& points, size_t k,
                                   forger::Random& random) {
  const std::vector<int64_t> order = random.permutation(static_cast<int64_t>(points.size()));
  return {order.begin(), order.begin() + static_cast<int64_t>(k)};
}
