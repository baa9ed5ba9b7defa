// Exercise 2.7: Two losses, one direction
#include "2_7_slopes.h"

#include <cmath>

Slopes slopes(double logit) {
  const auto d = [](double l) { return 1 / (1 + std::exp(-l)); };
  const double above = d(logit + 1e-5), below = d(logit - 1e-5);
  return {(std::log(below) - std::log(above)) / 2e-5,
          (std::log(1 - above) - std::log(1 - below)) / 2e-5};
}
