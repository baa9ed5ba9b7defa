#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "1_5_em_step.h"
#include "autograd/random.h"
#include "tutorials/common/exercise.h"
#include "tutorials/models/mixture.h"

namespace {

using namespace forger;

models::GaussianMixture to_models(const std::vector<Component>& mixture) {
  models::GaussianMixture result;
  for (const Component& c : mixture) {
    models::Matrix variance(1, 1);
    variance[0][0] = c.variance;
    result.weights.push_back(c.weight);
    result.parts.push_back({{c.mean}, variance});
  }
  return result;
}

/// Mean of log p(x).
double log_likelihood(const Tensor& x, const std::vector<Component>& mixture) {
  double sum = 0;
  for (const double value : to_models(mixture).log_density(x)) sum += value;
  return sum / static_cast<double>(x.numel());
}

void check_all(tutorials::Check& check) {
  // Worked by hand: both components have the same density at 0, and 2 is nearer to the second one.
  const std::vector<Component> start = {{0.5, -1, 1}, {0.5, 1, 1}};
  const std::vector<Component> next = em_step({0, 2}, start);
  const double r = 1 / (1 + std::exp(-4));  // of the second component for 2
  if (next.size() != 2) return check.equal("components", static_cast<int64_t>(next.size()), 2);
  check.about("0 and 2: weight", next[1].weight, (0.5 + r) / 2, 1e-9);
  check.about("0 and 2: mean", next[1].mean, 2 * r / (0.5 + r), 1e-9);
  check.about("0 and 2: variance", next[1].variance, 4 * r * 0.5 / std::pow(0.5 + r, 2), 1e-9);

  const std::vector<Component> far = em_step({-1000, -999, 999, 1000}, start);
  check.about("numbers near 1,000: mean", far[1].mean, 999.5, 1e-6);
  check.about("numbers near 1,000: variance", far[1].variance, 0.25, 1e-6);

  Random random(0);
  std::vector<Scalar> values;
  for (int i = 0; i < 3000; ++i) {
    const double centre = i % 3 == 0 ? 4 : 0;  // a third around 4, the rest around 0
    values.push_back(static_cast<Scalar>(centre + (i % 3 == 0 ? 0.5 : 1.5) * random.normal()));
  }
  const Tensor x = Tensor::from({3000, 1}, values);
  const std::vector<double> numbers(values.begin(), values.end());
  std::vector<Component> mixture = {{0.5, -1, 1}, {0.5, 1, 1}};
  double least_rise = 1, before = log_likelihood(x, mixture);
  const double at_start = before;
  for (int step = 0; step < 60; ++step) {
    mixture = em_step(numbers, mixture);
    const double after = log_likelihood(x, mixture);
    least_rise = std::min(least_rise, after - before);
    before = after;
  }
  check.at_least("60 iterations: the least rise of the log-likelihood", least_rise, -1e-12);
  check.at_least("60 iterations: the rise of all", before - at_start, 0.1);
  check.about("60 iterations: the larger mean", mixture[1].mean, 4, 0.1);
  check.about("60 iterations: its weight", mixture[1].weight, 1 / 3.0, 0.03);
  check.about("60 iterations: its deviation", std::sqrt(mixture[1].variance), 0.5, 0.05);
}

}  // namespace

int main() { return forger::tutorials::check_exercise("1.5", "One iteration of EM", check_all); }
