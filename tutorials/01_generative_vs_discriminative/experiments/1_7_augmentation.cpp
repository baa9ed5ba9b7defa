// E1.7: What do shifted and flipped copies of few images buy?
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "convolutional.h"
#include "experiments.h"
#include "images.h"
#include "nn/init.h"

namespace forger::generative {
namespace {

using tutorials::Point;

constexpr int64_t kPerClass = 100, kSteps = 2000, kQuickSteps = 200;
constexpr int64_t kShift = 2;  // pixels

/// Returns the share of images of each class that are labelled correctly.
std::vector<double> accuracy_by_class(tutorials::Classifier& C, const nn::ImageSet& images) {
  std::vector<double> shares;
  for (size_t label = 0; label < images.class_names.size(); ++label) {
    shares.push_back(test_accuracy(C, images_of_class(images, static_cast<int>(label))));
  }
  return shares;
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  const auto classes = static_cast<int64_t>(sets.train.class_names.size());
  const std::pair<const char*, tutorials::Augmentation> ways[] = {
      {"none", {}},
      {"shift", {.shift = kShift}},
      {"flip", {.flip = true}},
      {"both", {.shift = kShift, .flip = true}}};
  for (const uint64_t seed : m.seeds()) {
    const nn::ImageSet images =
        tutorials::subset(sets.train, tutorials::balanced(sets.train, kPerClass * classes, seed));
    double plain = 0;
    std::vector<double> plain_classes;
    for (const auto& [name, augmentation] : ways) {
      nn::seed_init(seed);
      tutorials::Classifier C(
          {.image_size = images.height, .channels = images.channels, .classes = classes});
      train(C, images, {.steps = m.quick() ? kQuickSteps : kSteps, .augmentation = augmentation},
            seed);
      const double test = test_accuracy(C, sets.test);
      const Point way("augmentation", name);
      m.record("training accuracy", way, test_accuracy(C, images));
      m.record("test accuracy", way, test);
      const std::vector<double> by_class = accuracy_by_class(C, sets.test);
      if (augmentation.shift == 0 && !augmentation.flip) {
        plain = test;
        plain_classes = by_class;
        continue;
      }
      m.record("points gained by " + std::string(name), 100 * (test - plain));
      for (size_t label = 0; label < by_class.size(); ++label) {
        m.record("points gained by " + std::string(name),
                 Point("class", sets.test.class_names[label]),
                 100 * (by_class[label] - plain_classes[label]));
      }
    }
    m.progress("seed " + std::to_string(seed));
  }
}

}  // namespace

tutorials::Experiment augmentation() {
  const char* const reason = "a measurement: it depends on the images";
  return {.id = "1.7",
          .title = "Shift and flip at 100 images a class",
          .predictions = {not_predicted("points gained by both", reason),
                          not_predicted("points gained by shift", reason),
                          not_predicted("points gained by flip", reason)},
          .minutes = 4,
          .seeds = {0, 1, 2, 3, 4},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::generative
