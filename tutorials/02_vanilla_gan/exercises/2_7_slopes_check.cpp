#include <cmath>
#include <cstdint>
#include <string>

#include "2_7_slopes.h"
#include "tutorials/common/exercise.h"

namespace {

void check_all(forger::tutorials::Check& check) {
  check.about("logit 0: slope of -log D", slopes(0).non_saturating, -0.5, 1e-12);
  check.about("logit 0: slope of log(1 - D)", slopes(0).zero_sum, -0.5, 1e-12);
  for (const int logit : {-700, -40, -2, 2, 40, 700}) {
    const Slopes found = slopes(logit);
    const std::string name = "logit " + std::to_string(logit) + ": ";
    // Relative to the exact values -e^-l / (1 + e^-l) and -1 / (1 + e^-l), in long double.
    const long double e = std::exp(-static_cast<long double>(logit));
    check.about(name + "slope of -log D / its exact value",
                static_cast<double>(found.non_saturating / (-e / (1 + e))), 1, 1e-12);
    check.about(name + "slope of log(1 - D) / its exact value",
                static_cast<double>(found.zero_sum / (-1 / (1 + e))), 1, 1e-12);
  }
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("2.7", "Two losses, one direction", check_all);
}
