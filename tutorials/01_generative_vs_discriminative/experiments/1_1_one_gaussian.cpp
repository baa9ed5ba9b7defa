// E1.1: One Gaussian is summarised by two numbers and sampled from. The error of the numbers falls
// with the root of the number of examples.
#include <cmath>
#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "experiments.h"
#include "fit_line.h"
#include "tutorials/models/gaussian.h"

namespace forger::generative {
namespace {

using models::Gaussian;

constexpr Gaussian kTruth = {.mean = 170, .stddev = 7};
constexpr int kRepeats = 200;
const std::vector<int64_t> kExamples = {20, 63, 200, 632, 2000, 6325, 20000};

/// Returns the Kullback-Leibler divergence of q from p: the mean of log p(x) - log q(x) over x from
/// p. It measures q as a whole, where the errors of mean and deviation measure parts.
double divergence(const Gaussian& p, const Gaussian& q) {
  const double ratio = p.stddev / q.stddev, shift = (p.mean - q.mean) / q.stddev;
  return -std::log(ratio) + (ratio * ratio + shift * shift - 1) / 2;
}

/// The means over all repeats with n examples.
struct Errors {
  double mean, stddev;  // root mean squared error
  double divergence;
};

Errors measure_errors(int64_t n, Random& random) {
  Errors errors{};
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    models::Vector x;
    for (int64_t i = 0; i < n; ++i) x.push_back(kTruth.sample(random));
    const Gaussian fitted = models::fit_gaussian(x);
    errors.mean += std::pow(fitted.mean - kTruth.mean, 2) / kRepeats;
    errors.stddev += std::pow(fitted.stddev - kTruth.stddev, 2) / kRepeats;
    errors.divergence += divergence(kTruth, fitted) / kRepeats;
  }
  return {std::sqrt(errors.mean), std::sqrt(errors.stddev), errors.divergence};
}

void measure(tutorials::Measurement& m) {
  for (const uint64_t seed : m.seeds()) {
    Random random(seed);
    std::vector<double> log_n, log_mean, log_stddev, log_divergence;
    for (const int64_t n : kExamples) {
      const Errors errors = measure_errors(n, random);
      const tutorials::Point point("examples", n);
      m.record("error of the mean", point, errors.mean);
      m.record("error of the deviation", point, errors.stddev);
      m.record("divergence of the fit", point, errors.divergence);
      log_n.push_back(std::log(n));
      log_mean.push_back(std::log(errors.mean));
      log_stddev.push_back(std::log(errors.stddev));
      log_divergence.push_back(std::log(errors.divergence));
    }
    m.record("slope of the mean's error", slope(log_n, log_mean));
    m.record("slope of the deviation's error", slope(log_n, log_stddev));
    m.record("slope of the divergence", slope(log_n, log_divergence));

    // Samples of a fitted Gaussian, summarised again.
    models::Vector x, drawn;
    for (int64_t i = 0; i < kExamples.back(); ++i) x.push_back(kTruth.sample(random));
    const Gaussian fitted = models::fit_gaussian(x);
    double within = 0;
    for (int64_t i = 0; i < kExamples.back(); ++i) {
      drawn.push_back(fitted.sample(random));
      within += std::abs(drawn.back() - kTruth.mean) < kTruth.stddev ? 1 : 0;
    }
    m.record("share of samples within one deviation", within / static_cast<double>(drawn.size()));
    m.record("mean of the samples", models::fit_gaussian(drawn).mean);
  }
}

}  // namespace

tutorials::Experiment one_gaussian() {
  return {
      .id = "1.1",
      .title = "One Gaussian, summarised and sampled",
      .predictions =
          {about("slope of the mean's error", -0.5, 0.05,
                 "the variance of a mean of n independent numbers is sigma^2 / n"),
           about("slope of the deviation's error", -0.5, 0.05,
                 "the variance of the fitted deviation is sigma^2 / (2n) for large n, from the "
                 "fourth moment 3 sigma^4 of a Gaussian"),
           about("slope of the divergence", -1, 0.05,
                 "the expected divergence of a fit with two parameters is 2 / (2n) for large n "
                 "(Wilks 1938)"),
           about("share of samples within one deviation", std::erf(std::sqrt(0.5)), 0.01,
                 "erf(1 / sqrt 2)"),
           about("mean of the samples", kTruth.mean, 0.2,
                 "two standard errors, of the fit and of the samples: 7 sqrt(2 / 20,000) = 0.07")},
      .minutes = 0.2,
      .seeds = {0, 1, 2, 3, 4},
      .measure = measure,
      .source = __FILE__};
}

}  // namespace forger::generative
