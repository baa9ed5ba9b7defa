// E1.6: The metrics of the book measure images of which it is known what is wrong with them.
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "experiments.h"
#include "images.h"
#include "tutorials/metrics/neighbours.h"
#include "tutorials/metrics/scores.h"
#include "tutorials/score/spoil.h"
#include "tutorials/score/yardstick.h"

namespace forger::generative {
namespace {

using metrics::Instrument;
using metrics::Scores;
using tutorials::Point;

constexpr uint64_t kSplits = 10;  // of the test images, for the spread of real against real

/// Two halves of the test images.
struct Halves {
  nn::ImageSet images, real;
};

Halves split_test(const nn::ImageSet& test, uint64_t seed) {
  const std::vector<int64_t> order = Random(seed).permutation(test.count);
  const auto middle = order.begin() + test.count / 2;
  return {tutorials::subset(test, {order.begin(), middle}),
          tutorials::subset(test, {middle, middle + test.count / 2})};
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  tutorials::Yardstick yardstick(sets.train, sets.test, sets.train.source);
  const auto score = [&](const nn::ImageSet& images, const metrics::Sample& real) {
    return metrics::score(yardstick.sample(images), real,
                          {yardstick.training_features(), real.features});
  };
  const auto record = [&](const std::string& set, const Scores& scores) {
    for (const Instrument& instrument : metrics::instruments()) {
      m.record(instrument.name, Point("images", set), scores.*instrument.value);
    }
  };

  std::vector<Scores> real_scores;
  for (uint64_t split = 0; split < kSplits; ++split) {
    const Halves halves = split_test(sets.test, split);
    const Scores scores = score(halves.images, yardstick.sample(halves.real));
    record("real", scores);
    m.record("density, real", scores.density);
    m.record("coverage, real", scores.coverage);
    m.record("1-NN accuracy, real", scores.nearest_neighbour_accuracy);
    m.record("MMD^2 / sigma, real", scores.mmd / scores.mmd_sigma);
    real_scores.push_back(scores);
  }
  m.progress("real images against real ones");

  for (const uint64_t seed : m.seeds()) {
    const Halves halves = split_test(sets.test, seed);
    const metrics::Sample real = yardstick.sample(halves.real);
    for (const auto& set : tutorials::spoilt_sets(halves.images, sets.train, seed)) {
      const Scores scores = score(set.images, real);
      record(set.name, scores);
      if (set.name == "one class removed") m.record("coverage, one class removed", scores.coverage);
      if (set.name == "noise images") m.record("density, noise images", scores.density);
      if (set.name == "training copies") m.record("distance ratio, copies", scores.training_ratio);
      // How far each instrument moves, in standard deviations of real images against real ones.
      for (const Instrument& instrument : metrics::instruments()) {
        if (instrument.value == &Scores::mmd_sigma) continue;  // the spread of another one
        std::vector<double> without_fault;
        for (const Scores& scored : real_scores) {
          without_fault.push_back(scored.*instrument.value);
        }
        const auto moved = tutorials::in_deviations(scores.*instrument.value, without_fault);
        if (moved) m.record(set.name, Point("instrument", std::string(instrument.name)), *moved);
      }
    }
    m.progress("spoilt sets, seed " + std::to_string(seed));
  }
}

}  // namespace

tutorials::Experiment yardstick() {
  return {
      .id = "1.6",
      .title = "The yardstick against itself",
      .predictions =
          {about("coverage, real", metrics::expected_coverage(5000, 5000), 0.01,
                 "1 - 2^-5 for k = 5, Naeem et al. 2020, lemma 2"),
           about("density, real", 1, 0.03, "Naeem et al. 2020, section 3.3"),
           about("1-NN accuracy, real", 0.5, 0.015, "the two sets cannot be told apart"),
           about("MMD^2 / sigma, real", 0, 2, "the estimate is unbiased"),
           about("coverage, one class removed", 0.87, 0.02,
                 "0.9 of the balls are covered as before, with 4,500 images; the others are not"),
           about("density, noise images", 0.9, 0.03, "a noise image lies in no ball"),
           about("distance ratio, copies", 0, 0, "the distance of a copy is 0")},
      .minutes = 10,
      .seeds = {0, 1, 2, 3, 4},
      .measure = measure,
      .source = __FILE__,
      .files = {"tutorials/common/classifier.safetensors"}};
}

}  // namespace forger::generative
