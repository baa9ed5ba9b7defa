// Exercise 2.2: One real image to three fakes
#include "2_2_one_to_three.h"

Verdict best_verdict(double real_share) {
  (void)real_share;
  return {0.5, 0.693147, 0.5};  // right only for equal numbers: your code
}
