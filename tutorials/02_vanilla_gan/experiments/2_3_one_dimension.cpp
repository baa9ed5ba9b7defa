// E2.3: G learns one Gaussian, and D ends at 1/2. What damps the circling?
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "experiments.h"
#include "nn/init.h"
#include "play.h"
#include "tutorials/common/evaluate.h"

namespace forger::vanilla {
namespace {

using tutorials::Point;

constexpr double kMean = 4, kDeviation = 1.25;
constexpr int64_t kHidden = 32, kSamples = 100'000, kPlaces = 201, kWatched = 200;
constexpr double kTail = 2.3263;  // 98 % of a Gaussian are within so many deviations
constexpr double kNear = 0.05;

struct Summary {
  double mean = 0, deviation = 0;
};

Summary summarise(Mlp& G, int64_t n) {
  const Tensor x = tutorials::evaluate(G, Random(0, 'T').normal({n, 1}));
  const double mean_x = mean(x).item();
  return {mean_x, std::sqrt(mean((x - mean_x) * (x - mean_x)).item())};
}

struct Outcome {
  Summary g;
  double from_half;                               // most that D differs from 1/2
  double loss_d;                                  // on fresh examples
  std::vector<std::pair<int64_t, Summary>> path;  // along the steps
  bool good() const {
    return std::abs(g.mean - kMean) < kNear && std::abs(g.deviation - kDeviation) < kNear &&
           from_half < kNear;
  }
};

Tensor real(int64_t n, Random& random) { return random.normal({n, 1}) * kDeviation + kMean; }

Outcome learn(const Play& options, uint64_t seed) {
  nn::seed_init(seed);
  Mlp G("G", {1, kHidden, 1}), D("D", {1, kHidden, 1});
  Outcome outcome{};
  play(G, D, options, real, seed, [&](int64_t step) {
    if (step % kWatched == 0) outcome.path.emplace_back(step, summarise(G, kSamples / 100));
  });
  outcome.g = summarise(G, kSamples);
  std::vector<float> places;
  for (int64_t i = 0; i < kPlaces; ++i) {
    const double t = 2 * static_cast<double>(i) / static_cast<double>(kPlaces - 1) - 1;
    places.push_back(static_cast<float>(kMean + t * kTail * kDeviation));
  }
  const Tensor at = tutorials::evaluate(D, Tensor::from({kPlaces, 1}, places));
  outcome.from_half = max(abs(sigmoid(at) - 0.5)).item();
  Random random(seed, 'E');
  const Tensor fake = tutorials::evaluate(G, random.normal({kSamples, 1}));
  outcome.loss_d = discriminator_loss(tutorials::evaluate(D, real(kSamples, random)),
                                      tutorials::evaluate(D, fake))
                       .item();
  return outcome;
}

void measure(tutorials::Measurement& m) {
  const Play damped = {.steps = m.quick() ? 1000 : 6000,
                       .batch_size = 256,
                       .latent = 1,
                       .lr_g = 5e-4,
                       .lr_d = 3e-3,
                       .beta1 = 0,
                       .r1 = 1};
  Play without_penalty = damped, without_decay = damped, without_both = damped;
  without_penalty.r1 = without_both.r1 = 0;
  without_decay.decay_from = without_both.decay_from = 1;
  const std::pair<std::string, Play> ways[] = {{"penalty and decay", damped},
                                               {"decay alone", without_penalty},
                                               {"penalty alone", without_decay},
                                               {"neither", without_both}};
  for (const auto& [name, options] : ways) {
    const bool is_damped = &options == &ways[0].second;
    const auto outcomes = for_seeds<Outcome>(
        m.seeds(), [&options = options](uint64_t seed) { return learn(options, seed); });
    double good = 0;
    for (const Outcome& outcome : outcomes) {
      const Point way("damping", name);
      m.record("error of the mean", way, std::abs(outcome.g.mean - kMean));
      m.record("error of the deviation", way, std::abs(outcome.g.deviation - kDeviation));
      m.record("most that D differs from 1/2", way, outcome.from_half);
      m.record("all three within 0.05", way, outcome.good() ? 1 : 0);
      good += outcome.good() ? 1 : 0;
      if (!is_damped) continue;
      m.record("mean of G's numbers", outcome.g.mean);
      m.record("deviation of G's numbers", outcome.g.deviation);
      m.record("loss of D", outcome.loss_d);
    }
    if (is_damped) {
      m.record("share of seeds with all three within 0.05",
               good / static_cast<double>(outcomes.size()));
    }
    // The path of the first seed alone: a mean over seeds would hide the circling.
    if (is_damped || name == "neither") {
      for (const auto& [step, g] : outcomes.front().path) {
        const Point at("step", step);
        m.record("mean, " + name, at, g.mean);
        m.record("deviation, " + name, at, g.deviation);
      }
    }
    m.progress(name);
  }
}

}  // namespace

tutorials::Experiment one_dimension() {
  return {.id = "2.3",
          .title = "G learns one Gaussian, and D ends at 1/2",
          .predictions =
              {about("mean of G's numbers", kMean, kNear, "at the end of the game q = p"),
               about("deviation of G's numbers", kDeviation, kNear, "at the end of the game q = p"),
               about("loss of D", 2 * std::log(2.0), 0.02, "D = 1/2 everywhere: -2 log(1/2)"),
               at_least("share of seeds with all three within 0.05", 0.8,
                        "a choice: what is asked of a recipe that works")},
          .minutes = 4,
          .seeds = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::vanilla
