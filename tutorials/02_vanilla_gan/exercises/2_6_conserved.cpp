// Exercise 2.6: Why alternating steps orbit
#include "2_6_conserved.h"

double conserved(double theta, double psi, double h) {
  (void)h;
  return theta * theta + psi * psi;  // conserved if h is infinitely small: your code
}
