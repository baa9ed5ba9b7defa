#include "2_7_slopes.h"

#include <cmath>

// -log D = log(1 + e^-l) has the slope -e^-l / (1 + e^-l) = -(1 - D), and log(1 - D) = -log(1 +
// e^l) has -e^l / (1 + e^l) = -D. As 1 - D the first would lose its digits where D is near 1:
// sigmoid(-l) is the same without a difference.
Slopes slopes(double logit) {
  const auto sigmoid = [](double l) { return 1 / (1 + std::exp(-l)); };
  return {-sigmoid(-logit), -sigmoid(logit)};
}
