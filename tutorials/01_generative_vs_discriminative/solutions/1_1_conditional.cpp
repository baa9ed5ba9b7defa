#include "1_1_conditional.h"

// With dx = x - mean_x and dy = y - mean_y, and D = variance_x variance_y - covariance^2,
//
//     log p(x, y) = -(variance_y dx^2 - 2 covariance dx dy + variance_x dy^2) / (2 D) + const
//                 = -(dy - dx covariance / variance_x)^2 / (2 D / variance_x) + (a function of x).
Gaussian1 conditional(const Gaussian2& joint, double x) {
  const double slope = joint.covariance / joint.variance_x;
  return {joint.mean_y + slope * (x - joint.mean_x), joint.variance_y - slope * joint.covariance};
}
