// E1.2: Who wins with ten examples, who with 60,000?
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "convolutional.h"
#include "experiments.h"
#include "images.h"
#include "nn/init.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/logistic_regression.h"
#include "tutorials/models/naive_bayes.h"
#include "tutorials/models/random_forest.h"

namespace forger::generative {
namespace {

using tutorials::Point;

// Chosen by the accuracy on the images that are held out, after learning from 1,000 and 10,000: of
// 1e-9, 0.001, 0.01, 0.1 and 1, and of 0.0001, 0.1, 1, 10, 100 and 1,000.
constexpr double kSmoothing = 0.1, kPenalty = 10;
constexpr int64_t kEpochs = 6, kLeastSteps = 400;  // of the network
constexpr double kNear = 0.02;                     // accuracy that is missing to a model's limit

/// The models, in the order in which a figure names them.
constexpr const char* kBayes = "naive Bayes";
constexpr const char* kRegression = "logistic regression";
constexpr const char* kForest = "random forest";
constexpr const char* kNetwork = "convolutional network";

/// Returns all images that are no test images.
nn::ImageSet join(const nn::ImageSet& a, const nn::ImageSet& b) {
  nn::ImageSet both = a;
  both.count += b.count;
  both.pixels.insert(both.pixels.end(), b.pixels.begin(), b.pixels.end());
  both.labels.insert(both.labels.end(), b.labels.begin(), b.labels.end());
  return both;
}

/// Returns the test accuracy of each model after learning from `images`.
std::map<std::string, double> accuracies(const nn::ImageSet& images, const nn::ImageSet& test,
                                         const Tensor& test_pixels, uint64_t seed) {
  const Tensor x = pixels(images);
  const int classes = static_cast<int>(images.class_names.size());
  const auto of = [&](const auto& model) {
    return models::accuracy(model.predict(test_pixels), test.labels);
  };
  std::map<std::string, double> found;
  found[kBayes] = of(models::fit_naive_bayes(x, images.labels, classes, kSmoothing));
  found[kRegression] =
      of(models::fit_logistic_regression(x, images.labels, classes, {.penalty = kPenalty}));
  found[kForest] = of(models::fit_random_forest(x, images.labels, classes, seed));
  nn::seed_init(seed);
  tutorials::Classifier C(
      {.image_size = images.height, .channels = images.channels, .classes = classes});
  train(C, images, {.steps = std::max(kLeastSteps, kEpochs * images.count / 64)}, seed);
  found[kNetwork] = test_accuracy(C, test);
  return found;
}

/// Returns the number of examples from which on b is at least as accurate as a, between the sizes
/// along a line over log n. The first size if b is never behind, the last if it is behind there.
double crossing(const std::vector<int64_t>& sizes, const std::vector<double>& a,
                const std::vector<double>& b) {
  size_t i = sizes.size();
  while (i > 0 && b[i - 1] >= a[i - 1]) --i;
  if (i == 0) return static_cast<double>(sizes.front());
  if (i == sizes.size()) return static_cast<double>(sizes.back());
  const double before = a[i - 1] - b[i - 1], after = b[i] - a[i];
  const double from = std::log(static_cast<double>(sizes[i - 1]));
  const double to = std::log(static_cast<double>(sizes[i]));
  return std::exp(from + (to - from) * before / (before + after));
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  const nn::ImageSet all = join(sets.train, sets.held_out);
  const Tensor test_pixels = pixels(sets.test);
  const std::vector<int64_t> sizes =
      m.quick() ? std::vector<int64_t>{10, 100, 1000}
                : std::vector<int64_t>{10, 30, 100, 300, 1000, 3000, 10000, 30000, 60000};
  for (const uint64_t seed : m.seeds()) {
    std::map<std::string, std::vector<double>> curves;
    for (const int64_t n : sizes) {
      const nn::ImageSet images = tutorials::subset(all, tutorials::balanced(all, n, seed));
      const auto found = accuracies(images, sets.test, test_pixels, seed);
      for (const char* model : {kBayes, kRegression, kForest, kNetwork}) {
        m.record(std::string("accuracy of ") + model, Point("training images", n), found.at(model));
        curves[model].push_back(found.at(model));
      }
      m.progress("seed " + std::to_string(seed) + ", " + std::to_string(n) + " images");
    }
    for (const char* model : {kBayes, kRegression, kForest, kNetwork}) {
      const std::vector<double>& curve = curves[model];
      m.record(std::string("accuracy of ") + model + ", all images", curve.back());
      const std::vector<double> near_limit(sizes.size(), curve.back() - kNear);
      m.record(std::string(model) + " is within 2 points of its limit at",
               crossing(sizes, near_limit, curve));
      if (model == kBayes) continue;
      m.record(std::string(model) + " passes naive Bayes at",
               crossing(sizes, curves[kBayes], curve));
    }
    m.record("convolutional network passes random forest at",
             crossing(sizes, curves[kForest], curves[kNetwork]));
  }
}

}  // namespace

tutorials::Experiment how_many_examples() {
  const std::string all = ", all images";
  const char* const xiao = "Xiao et al. 2017, arXiv 1708.07747, table 3";
  return {
      .id = "1.2",
      .title = "Accuracy against the number of examples",
      .predictions = {not_predicted(
                          "logistic regression passes naive Bayes at",
                          "Ng & Jordan 2001: naive Bayes nears its limit with of the order of "
                          "log d examples, logistic regression with of the order of d; no number"),
                      about("accuracy of naive Bayes" + all, 0.51, 0.02, xiao),
                      about("accuracy of logistic regression" + all, 0.84, 0.01, xiao),
                      about("accuracy of random forest" + all, 0.87, 0.01, xiao),
                      at_least("accuracy of convolutional network" + all, 0.9,
                               "the default run of this chapter")},
      .minutes = 20,
      .seeds = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
      .measure = measure,
      .source = __FILE__};
}

}  // namespace forger::generative
