// Exercise 1.3: Two ways to one decision line
#include "1_3_one_line.h"

LogOdds shared_covariance_log_odds(const std::vector<Point>& x, const std::vector<int>& labels) {
  (void)x, (void)labels;
  return {{1, 0}, 0};  // your code
}
