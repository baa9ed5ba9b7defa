// E2.1: The best discriminator between N(0, 1) and N(m, 1). Nothing but D learns. Its loss then
// measures the Jensen-Shannon divergence, its accuracy the total variation (Goodfellow et al. 2014,
// arXiv 1406.2661, section 4.1).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "../models/mlp.h"
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "experiments.h"
#include "nn/init.h"
#include "nn/optim.h"

namespace forger::vanilla {
namespace {

constexpr int64_t kBatch = 512;         // real and generated examples of a step
constexpr double kLearningRate = 0.01;  // at the beginning; falls to 0 along half a cosine
constexpr double kEqual = 0.5, kOneToThree = 0.25;  // shares of real examples

constexpr MlpOptions kNetwork = {.in = 1, .hidden = 32, .out = 1};

/// Trains D on fresh examples in every step. A share of them is real, from N(0, 1); the others are
/// from N(m, 1). The loss is the mean over all.
void train(Mlp& D, double m, double real_share, int64_t steps, Random& random) {
  nn::Adam optimizer(D, {.lr = kLearningRate});
  const auto real_count = static_cast<int64_t>(real_share * kBatch);
  for (int64_t step = 0; step < steps; ++step) {
    optimizer.lr = nn::cosine_lr(kLearningRate, step, steps);
    const Tensor real = random.normal({real_count, 1});
    const Tensor fake = random.normal({kBatch - real_count, 1}, m);
    const Tensor loss = real_share * bce_with_logits(D(real), 1.0) +
                        (1 - real_share) * bce_with_logits(D(fake), 0.0);
    optimizer.zero_grad();
    backward(loss, D.parameters());
    optimizer.step();
  }
}

/// What D reaches on examples that it has not seen. Each is a mean over real plus one over fakes.
struct Verdict {
  double loss_real, loss_fake;    // -log D and -log(1 - D)
  double right_real, right_fake;  // shares judged rightly

  double loss(double real_share) const {
    return real_share * loss_real + (1 - real_share) * loss_fake;
  }
  double accuracy(double real_share) const {
    return real_share * right_real + (1 - real_share) * right_fake;
  }
};

Verdict judge(Mlp& D, double m, int64_t count, Random& random) {
  const NoGrad no_grad;
  const Tensor on_real = D(random.normal({count, 1})), on_fake = D(random.normal({count, 1}, m));
  return {bce_with_logits(on_real, 1.0).item(), bce_with_logits(on_fake, 0.0).item(),
          mean(greater(on_real, 0)).item(), mean(less(on_fake, 0)).item()};
}

/// Returns D at evenly spaced points.
std::vector<double> probabilities(Mlp& D, const std::vector<double>& x) {
  const NoGrad no_grad;
  const std::vector<Scalar> points(x.begin(), x.end());
  const Tensor d = sigmoid(D(Tensor::from({static_cast<int64_t>(x.size()), 1}, points)));
  const std::vector<Scalar> values = d.to_vector();
  return {values.begin(), values.end()};
}

std::vector<double> points(double from, double to, int count) {
  std::vector<double> x;
  for (int i = 0; i < count; ++i) x.push_back(from + (to - from) * i / (count - 1));
  return x;
}

double density(double x, double mean) {
  return std::exp(-(x - mean) * (x - mean) / 2) / std::sqrt(2 * std::numbers::pi);
}

/// The best discriminator: the share of real examples among those at x.
double best(double x, double m, double real_share = kEqual) {
  const double p = real_share * density(x, 0), q = (1 - real_share) * density(x, m);
  return p / (p + q);
}

/// What theory says, by quadrature. Each number is the integral of its own definition.
struct Theory {
  explicit Theory(double m) {
    constexpr double kStep = 1e-3;
    double below = 0;  // the mixture's mass to the left
    for (double x = -9; x < m + 9; x += kStep) {
      const double p = density(x, 0), q = density(x, m), d = p / (p + q);
      loss -= (p * std::log(d) + q * std::log(1 - d)) * kStep;
      js += (p * std::log(2 * p / (p + q)) + q * std::log(2 * q / (p + q))) / 2 * kStep;
      tv += std::abs(p - q) / 2 * kStep;
      const double before = below;
      below += (p + q) / 2 * kStep;
      if (before < 0.01 && below >= 0.01) low = x;
      if (before < 0.99 && below >= 0.99) high = x;
    }
  }

  double loss = 0;           // of D* on a real and a generated example
  double js = 0, tv = 0;     // Jensen-Shannon divergence in nats, total variation
  double low = 0, high = 0;  // the middle 98 % of the mixture
};

struct Deviation {
  double largest = 0, mean_of_d = 0;
};
/// Compares D with p / (p + q) on the middle 98 % of the mixture.
Deviation deviation(Mlp& D, double m, double real_share) {
  const Theory theory(m);
  const std::vector<double> x = points(theory.low, theory.high, 400);
  const std::vector<double> d = probabilities(D, x);
  Deviation result;
  for (size_t i = 0; i < x.size(); ++i) {
    result.largest = std::max(result.largest, std::abs(d[i] - best(x[i], m, real_share)));
    result.mean_of_d += d[i] / static_cast<double>(x.size());
  }
  return result;
}

void measure(tutorials::Measurement& out) {
  const int64_t steps = out.quick() ? 2500 : 5000, count = out.quick() ? 50'000 : 200'000;
  for (const uint64_t seed : out.seeds()) {
    Random random(seed);
    nn::seed_init(seed);
    for (const double m : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0}) {
      Mlp D("D", kNetwork);
      train(D, m, kEqual, steps, random);
      const Verdict verdict = judge(D, m, count, random);
      const double loss = 2 * verdict.loss(kEqual), accuracy = verdict.accuracy(kEqual);
      const double js = std::numbers::ln2 - loss / 2;
      const tutorials::Point at("m", m);
      const Theory theory(m);
      out.record("loss", at, loss);
      out.record("2 log 2 - 2 JS", at, theory.loss);
      out.record("accuracy", at, accuracy);
      out.record("1/2 + TV / 2", at, (1 + theory.tv) / 2);
      if (m == std::floor(m) && m < 3) {
        const std::string name = "m = " + at.text + ": ";
        out.record(name + "loss", loss);
        out.record(name + "accuracy", accuracy);
        out.record(name + "log 2 - loss / 2", js);
        out.record(name + "largest |D - p/(p+q)|", deviation(D, m, kEqual).largest);
      }
      if (m != 1) continue;
      const std::vector<double> x = points(-3, 4, 29), d = probabilities(D, x);
      for (size_t i = 0; i < x.size(); ++i) {
        out.record("D(x), learned", {"x", x[i]}, d[i]);
        out.record("p(x) / (p(x) + q(x))", {"x", x[i]}, best(x[i], m));
      }
    }
    Mlp D("D", kNetwork);
    train(D, 0, kOneToThree, steps, random);
    const Verdict verdict = judge(D, 0, count, random);
    out.record("one real to three: loss per example", verdict.loss(kOneToThree));
    out.record("one real to three: mean of D", deviation(D, 0, kOneToThree).mean_of_d);
    out.record("one real to three: largest |D - 1/4|", deviation(D, 0, kOneToThree).largest);
    out.record("one real to three: accuracy", verdict.accuracy(kOneToThree));
    out.progress("seed " + std::to_string(seed));
  }
}

}  // namespace

tutorials::Experiment best_discriminator() {
  const double entropy =
      -kOneToThree * std::log(kOneToThree) - (1 - kOneToThree) * std::log(1 - kOneToThree);
  std::vector<tutorials::Prediction> predictions;
  for (const int m : {1, 2, 0}) {
    const Theory theory(m);
    const std::string name = "m = " + std::to_string(m) + ": ";
    predictions.push_back(about(name + "loss", theory.loss, 0.01, "2 log 2 - 2 JS"));
    predictions.push_back(about(name + "accuracy", (1 + theory.tv) / 2, 0.01, "1/2 + TV / 2"));
    predictions.push_back(
        about(name + "log 2 - loss / 2", theory.js, 0.01, "the Jensen-Shannon divergence in nats"));
    predictions.push_back(at_most(name + "largest |D - p/(p+q)|", 0.01,
                                  "D* = p / (p + q), on the middle 98 % of the examples"));
  }
  predictions.push_back(about("one real to three: mean of D", kOneToThree, 0.01,
                              "D* = p / (p + 3 q) = 1/4 where p = q"));
  predictions.push_back(at_most("one real to three: largest |D - 1/4|", 0.01, "the same"));
  predictions.push_back(about("one real to three: loss per example", entropy, 0.01,
                              "the entropy of the shares, -log(1/4) / 4 - 3 log(3/4) / 4"));
  predictions.push_back(about("one real to three: accuracy", 1 - kOneToThree, 0.01,
                              "D calls everything a fake, and three of four are"));
  return {.id = "2.1",
          .title = "The best discriminator, and what its loss measures",
          .predictions = predictions,
          .minutes = 1,
          .seeds = {0, 1, 2, 3, 4},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::vanilla
