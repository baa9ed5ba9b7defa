#include "1_3_one_line.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

// log p(k | x) = log share_k - (x - m_k)^T S^-1 (x - m_k) / 2 + const. The difference of k = 1 and
// k = 0 has no term x^T S^-1 x:
//
//     weight = S^-1 (m_1 - m_0),  bias = log(share_1 / share_0) - weight^T (m_0 + m_1) / 2.
LogOdds shared_covariance_log_odds(const std::vector<Point>& x, const std::vector<int>& labels) {
  std::array<Point, 2> mean{};
  std::array<double, 2> count{};
  for (size_t i = 0; i < x.size(); ++i) {
    const auto k = static_cast<size_t>(labels[i]);
    ++count[k];
    for (size_t j = 0; j < 2; ++j) mean[k][j] += x[i][j];
  }
  for (size_t k = 0; k < 2; ++k) {
    for (double& value : mean[k]) value /= count[k];
  }
  double a = 0, b = 0, c = 0;  // S = (a b; b c)
  for (size_t i = 0; i < x.size(); ++i) {
    const Point& m = mean[static_cast<size_t>(labels[i])];
    const double dx = x[i][0] - m[0], dy = x[i][1] - m[1], n = static_cast<double>(x.size());
    a += dx * dx / n;
    b += dx * dy / n;
    c += dy * dy / n;
  }
  const double dx = mean[1][0] - mean[0][0], dy = mean[1][1] - mean[0][1], det = a * c - b * b;
  LogOdds odds{{(c * dx - b * dy) / det, (a * dy - b * dx) / det}, std::log(count[1] / count[0])};
  for (size_t j = 0; j < 2; ++j) odds.bias -= odds.weight[j] * (mean[0][j] + mean[1][j]) / 2;
  return odds;
}
