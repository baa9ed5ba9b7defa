// The yardstick against itself: two halves of the test images, and six spoilt sets. Fashion-MNIST
// is used where it is installed, drawn digits elsewhere. Experiment 1.6 measures the same with all
// sizes.
#include "tutorials/score/yardstick.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "message.h"
#include "nn/data/dataset.h"
#include "nn/data/digits.h"
#include "nn/data/idx.h"
#include "tutorials/common/splits.h"
#include "tutorials/metrics/scores.h"
#include "tutorials/score/spoil.h"

namespace forger::tutorials {
namespace {

#ifdef FORGER_SANITIZED
constexpr int64_t kHalf = 60;
constexpr bool kJudged = false;  // numbers that depend on learned weights are not checked
#else
constexpr int64_t kHalf = 5000;
constexpr bool kJudged = true;
#endif

nn::ImageSet range(const nn::ImageSet& images, int64_t begin, int64_t end) {
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return subset(images, indices);
}

/// 2 kHalf training and 2 kHalf test images.
Yardstick make_yardstick() {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  if (!nn::find_idx(folder) || !nn::find_idx(folder, nn::IdxPart::kTest)) {
    return {nn::make_digits(2 * kHalf, 0), nn::make_digits(2 * kHalf, 0, 28, 2 * kHalf), "digits"};
  }
  const auto part = [&](nn::IdxPart which) {
    nn::ImageSet images = nn::read_idx_folder(folder, which);
    images.class_names = nn::fashion_mnist_classes();
    return range(images, 0, 2 * kHalf);
  };
  return {part(nn::IdxPart::kTrain), part(nn::IdxPart::kTest), "fashion-mnist"};
}

TEST_CASE("real images against real ones give the values that theory names") {
  Yardstick yardstick = make_yardstick();
  const Measured measured = yardstick.measure(range(yardstick.test(), 0, kHalf));
  CHECK(measured.given == kHalf);
  CHECK(measured.scores.n == kHalf);
  CHECK(measured.real.n == kHalf);
  // The first half of the test images are the images here and the compared ones of `scores`.
  CHECK(measured.scores.coverage == 1);
  CHECK(measured.scores.frechet < 1e-3);
  CHECK(measured.scores.nearest_neighbour_accuracy == 0);
  CHECK(measured.scores.training_ratio == measured.real.training_ratio);
  CHECK(std::accumulate(measured.classes.begin(), measured.classes.end(), int64_t{0}) == kHalf);
  if (!kJudged) return;
  CHECK(std::abs(measured.real.density - 1) <= 0.03);
  CHECK(std::abs(measured.real.coverage - 0.969) <= 0.01);
  CHECK(std::abs(measured.real.nearest_neighbour_accuracy - 0.5) <= 0.015);
  CHECK(std::abs(measured.real.mmd) <= 2 * measured.real.mmd_sigma);
  CHECK(measured.real.class_distance < 0.04);
}

TEST_CASE("each spoilt set moves the instruments that its fault concerns, and copies only one") {
  Yardstick yardstick = make_yardstick();
  constexpr int64_t n = kJudged ? 1500 : kHalf;
  const nn::ImageSet images = range(yardstick.test(), 0, n);
  const metrics::Sample others = yardstick.sample(range(yardstick.test(), kHalf, kHalf + n));
  const auto score = [&](const nn::ImageSet& set) {
    return metrics::score(yardstick.sample(set), others,
                          {yardstick.training_features(), others.features});
  };
  const metrics::Scores real = score(images);
  std::map<std::string, metrics::Scores> spoilt;
  for (const SpoiltSet& set : spoilt_sets(images, yardstick.training(), 0)) {
    spoilt[set.name] = score(set.images);
  }
  CHECK(spoilt["training copies"].training_ratio == 0);
  CHECK(spoilt["training copies"].training_nearer == 1);
  if (!kJudged) return;

  const auto moves = [&](const char* set, double metrics::Scores::*value, double by) {
    CAPTURE(set);
    const double change = spoilt[set].*value - real.*value;
    CAPTURE(change);
    CHECK((by > 0 ? change >= by : change <= by));
  };
  using metrics::Scores;
  moves("blur", &Scores::frechet, 10);
  moves("blur", &Scores::recall, -0.2);
  moves("blur", &Scores::nearest_neighbour_accuracy, 0.1);
  moves("noise images", &Scores::frechet, 2);
  moves("shift", &Scores::frechet, 10);
  moves("shift", &Scores::coverage, -0.2);
  moves("shift", &Scores::nearest_neighbour_accuracy, 0.1);
  moves("fewer modes", &Scores::coverage, -0.2);
  moves("fewer modes", &Scores::recall, -0.1);
  for (const char* set : {"one class removed", "blur", "noise images", "shift", "fewer modes"}) {
    CAPTURE(set);
    CHECK(spoilt[set].training_ratio > 0.5);
  }
  const Scores& copies = spoilt["training copies"];
  CHECK(std::abs(copies.coverage - real.coverage) < 0.03);
  CHECK(std::abs(copies.nearest_neighbour_accuracy - 0.5) < 0.04);
  CHECK(std::abs(copies.mmd) < 3 * copies.mmd_sigma);
  CHECK(std::abs(spoilt["fewer modes"].class_distance - real.class_distance) < 0.04);

  // The features were learned from clothes: of drawn digits, they do not show these faults as well.
  if (yardstick.data() != "fashion-mnist") return;
  moves("one class removed", &Scores::coverage, -0.05);
  moves("one class removed", &Scores::class_distance, 0.04);
  moves("one class removed", &Scores::frechet, 2);
  moves("noise images", &Scores::class_distance, 0.02);
  for (const char* set : {"one class removed", "blur", "noise images", "shift", "fewer modes"}) {
    CAPTURE(set);
    CHECK(spoilt[set].mmd > 2 * spoilt[set].mmd_sigma);
  }
}

TEST_CASE("a yardstick needs labels, and its images are of the right size and classes") {
  nn::ImageSet few = nn::make_digits(20, 0), unlabelled = few;
  unlabelled.labels.clear();
  few.source = unlabelled.source = "digits";
  CHECK(message_of([&] { Yardstick(unlabelled, few, "digits"); }) ==
        "digits: images without labels, which a yardstick needs");
  CHECK(message_of([&] { Yardstick(few, unlabelled, "digits"); }) ==
        "digits: images without labels, which a yardstick needs");
  Yardstick yardstick(few, few, "digits");
  CHECK(message_of([&] { yardstick.measure(range(few, 0, 5)); }) ==
        "digits: too few images to measure\n  found    5\n  expected at least 6");
  nn::ImageSet wrong = few;
  wrong.class_names.clear();
  wrong.labels[3] = 12;
  CHECK(message_of([&] { yardstick.measure(wrong); }) ==
        "digits: a label that is no class of the real images\n  found    12, label 3\n"
        "  expected 0 to 9");
}

}  // namespace
}  // namespace forger::tutorials
