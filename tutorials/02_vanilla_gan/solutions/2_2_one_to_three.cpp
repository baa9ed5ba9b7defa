#include "2_2_one_to_three.h"

#include <algorithm>
#include <cmath>

// With shares s and 1 - s the integrand of exercise 2.1 is -s p log D - (1 - s) q log(1 - D), so
// D* = s p / (s p + (1 - s) q), which is s where p = q. The mean loss is the entropy of the shares.
// D always names the more frequent kind.
Verdict best_verdict(double real_share) {
  const double s = real_share;
  return {s, -s * std::log(s) - (1 - s) * std::log(1 - s), std::max(s, 1 - s)};
}
