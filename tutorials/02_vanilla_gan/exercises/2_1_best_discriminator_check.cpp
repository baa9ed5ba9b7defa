#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "2_1_best_discriminator.h"
#include "autograd/random.h"
#include "tutorials/common/exercise.h"

namespace {

/// D's mean loss per pair of examples at one x.
double loss(double p, double q, double d) { return -p * std::log(d) - q * std::log(1 - d); }

void check_all(forger::tutorials::Check& check) {
  check.about("p = 3, q = 1", best_discriminator(3, 1), 0.75, 1e-12);
  check.about("p = q", best_discriminator(0.2, 0.2), 0.5, 1e-12);
  check.about("p = 0", best_discriminator(0, 2), 0, 1e-12);
  check.about("q = 0", best_discriminator(2, 0), 1, 1e-12);
  check.about("p = q = 0", best_discriminator(0, 0), 0.5, 1e-12);
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  check.about("p and q equal and as small as can be", best_discriminator(kLeast, kLeast), 0.5,
              1e-12);
  // No other probability has a smaller loss.
  forger::Random random(0);
  for (int i = 1; i <= 3; ++i) {
    const double p = random.uniform(), q = random.uniform();
    const double best = best_discriminator(p, q);
    double least = std::numeric_limits<double>::infinity();
    for (int step = 1; step < 10'000; ++step) {
      least = std::min(least, loss(p, q, step / 1e4) - loss(p, q, best));
    }
    check.about("random case " + std::to_string(i) + ": the best loss of 9,999 others less yours",
                least, 0, 1e-7);
  }
}

}  // namespace

int main() { return forger::tutorials::check_exercise("2.1", "The best discriminator", check_all); }
