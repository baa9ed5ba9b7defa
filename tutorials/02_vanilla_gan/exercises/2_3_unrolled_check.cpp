#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "2_3_unrolled.h"
#include "autograd/engine.h"
#include "autograd/random.h"
#include "tutorials/common/exercise.h"

namespace {

using forger::Scalar;
using forger::Tensor;
using Psi = std::array<double, 3>;
using Numbers = std::vector<double>;

double logit(const Psi& psi, double x) { return psi[0] + psi[1] * x + psi[2] * x * x; }
double sigmoid(double l) { return 1 / (1 + std::exp(-l)); }

/// Adds the gradient of the mean of -log D (target 1) or -log(1 - D) (target 0).
void add_gradient(const Psi& psi, const Numbers& x, double target, Psi& gradient) {
  for (const double value : x) {
    const double slope = (sigmoid(logit(psi, value)) - target) / static_cast<double>(x.size());
    gradient[0] += slope;
    gradient[1] += slope * value;
    gradient[2] += slope * value * value;
  }
}

/// The same loss in double and without an engine, for finite differences.
double unrolled(const Numbers& real, const Numbers& fake, Psi psi, double h) {
  Psi gradient{};
  add_gradient(psi, real, 1, gradient);
  add_gradient(psi, fake, 0, gradient);
  for (size_t i = 0; i < 3; ++i) psi[i] -= h * gradient[i];
  double loss = 0;
  for (const double x : fake) loss += std::log1p(std::exp(-logit(psi, x)));
  return loss / static_cast<double>(fake.size());
}

void check_case(forger::tutorials::Check& check, const std::string& name, double h) {
  forger::Random random(0);
  const Tensor real = random.normal({4, 1}, 1);
  Tensor fake = random.normal({3, 1}, -1);
  Tensor psi = Tensor::from({3}, {0.1F, 0.6F, -0.2F});
  fake.set_requires_grad();
  psi.set_requires_grad();
  const Tensor loss = unrolled_loss(real, fake, psi, h);
  const std::vector<Scalar> r = real.to_vector(), f = fake.to_vector(), s = psi.to_vector();
  const Numbers x(r.begin(), r.end()), z(f.begin(), f.end());
  const Psi p{s[0], s[1], s[2]};
  check.about(name + "loss", loss.item(), unrolled(x, z, p, h), 1e-5);
  const Tensor gradient = forger::grad({loss}, {fake})[0];
  for (size_t i = 0; i < z.size(); ++i) {
    constexpr double kShift = 1e-5;
    Numbers above = z, below = z;
    above[i] += kShift;
    below[i] -= kShift;
    const double expected = (unrolled(x, above, p, h) - unrolled(x, below, p, h)) / (2 * kShift);
    check.about(name + "gradient by fake " + std::to_string(i),
                gradient.at({static_cast<int64_t>(i), 0}), expected, 1e-5);
  }
  check.equal(name + "psi is unchanged", psi.to_vector() == s ? "yes" : "no", "yes");
}

void check_all(forger::tutorials::Check& check) {
  check_case(check, "h = 0: ", 0);
  check_case(check, "h = 0.5: ", 0.5);
  check_case(check, "h = 2: ", 2);
}

}  // namespace

int main() {
  return forger::tutorials::check_exercise("2.3", "One step of the unrolled loss", check_all);
}
