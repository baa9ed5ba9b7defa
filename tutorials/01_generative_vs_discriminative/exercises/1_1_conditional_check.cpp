#include <string>

#include "1_1_conditional.h"
#include "autograd/random.h"
#include "tutorials/common/exercise.h"
#include "tutorials/models/gaussian.h"

namespace {

using forger::models::MultivariateGaussian;

void check_all(forger::tutorials::Check& check) {
  // Worked by hand: the slope of the line of means is 3/4, so 2 + 3/4 (3 - 1) and 9 - 3/4 * 3.
  const Gaussian2 joint{1, 2, 4, 9, 3};
  check.about("mean of y where x = 3", conditional(joint, 3).mean, 3.5, 1e-6);
  check.about("variance of y where x = 3", conditional(joint, 3).variance, 6.75, 1e-6);
  check.about("variance of y where x = -5", conditional(joint, -5).variance, 6.75, 1e-6);
  check.about("mean of y without a covariance", conditional({1, 2, 4, 9, 0}, 3).mean, 2, 1e-6);

  forger::Random random(0);
  for (int i = 1; i <= 3; ++i) {
    const double a = random.normal(), b = random.normal(), c = random.normal();
    const Gaussian2 other{a, b, a * a + 1, b * b + c * c + 1, a * b};
    MultivariateGaussian known{{other.mean_x, other.mean_y}, forger::models::Matrix(2, 2)};
    known.covariance.values = {other.variance_x, other.covariance, other.covariance,
                               other.variance_y};
    const MultivariateGaussian expected = known.conditional({0}, {c});
    const Gaussian1 found = conditional(other, c);
    const std::string name = "random case " + std::to_string(i) + ", ";
    check.about(name + "mean", found.mean, expected.mean[0], 1e-6);
    check.about(name + "variance", found.variance, expected.covariance[0][0], 1e-6);
  }
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("1.1", "The conditional of a Gaussian", check_all);
}
