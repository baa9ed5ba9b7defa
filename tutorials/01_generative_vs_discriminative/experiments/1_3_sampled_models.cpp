// E1.3: Models of p(image | class) are sampled, class by class. A classifier tells the samples from
// real images: it sees what a model has left out.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "class_mixtures.h"
#include "convolutional.h"
#include "experiments.h"
#include "images.h"
#include "tutorials/common/draw.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/naive_bayes.h"
#include "tutorials/models/pca.h"

namespace forger::generative {
namespace {

using tutorials::Point;

constexpr int64_t kDirections = 50, kComponents = 10;  // of the mixtures
constexpr int64_t kShown = 8;                          // samples of each class in a picture

/// Fits naive Bayes with the smoothing under which the held-out images are most likely.
models::NaiveBayes fit_smoothed_naive_bayes(const tutorials::Splits& sets, double& smoothing) {
  const Tensor x = pixels(sets.train), held_out = pixels(sets.held_out);
  const int classes = static_cast<int>(sets.train.class_names.size());
  models::NaiveBayes best;
  double most = -INFINITY;
  for (const double candidate : {1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1}) {
    const models::NaiveBayes model =
        models::fit_naive_bayes(x, sets.train.labels, classes, candidate);
    const models::Matrix log_joint = model.log_joint(held_out);
    double sum = 0;
    for (int64_t i = 0; i < log_joint.rows; ++i)
      sum += log_joint[i][sets.held_out.labels.data()[i]];
    if (sum > most) {
      most = sum;
      best = model;
      smoothing = candidate;
    }
  }
  return best;
}

/// The labels 0, 1, ..., classes - 1, 0, 1, ...
std::vector<int> labels_in_turn(int64_t n, int64_t classes) {
  std::vector<int> labels;
  for (int64_t i = 0; i < n; ++i) labels.push_back(static_cast<int>(i % classes));
  return labels;
}

/// Returns the correlation of pixels with their right neighbours within classes.
double neighbour_correlation(const nn::ImageSet& images, const std::vector<int>& labels) {
  const Tensor x = pixels(images);
  const int classes = 1 + *std::max_element(labels.begin(), labels.end());
  const models::NaiveBayes moments = models::fit_naive_bayes(x, labels, classes, 1);
  double products = 0, left = 0, right = 0;
  for (int64_t i = 0; i < images.count; ++i) {
    const double* mean = moments.mean[labels.data()[i]];
    const Scalar* image = x.data() + i * images.image_bytes();
    for (int64_t j = 0; j + 1 < images.image_bytes(); ++j) {
      if ((j + 1) % images.width == 0) continue;
      const double a = image[j] - mean[j], b = image[j + 1] - mean[j + 1];
      products += a * b;
      left += a * a;
      right += b * b;
    }
  }
  return products / std::sqrt(left * right);
}

/// Images to train and to test the classifier that compares.
struct Pair {
  nn::ImageSet train, test;
};

/// kShown images of each class in turn, one class in a row.
nn::Image picture_of(const nn::ImageSet& images, int64_t classes) {
  std::vector<int64_t> order;
  for (int64_t label = 0; label < classes; ++label) {
    for (int64_t i = 0; i < kShown; ++i) order.push_back(label + i * classes);
  }
  return tutorials::contact_sheet(images_to_tensor(images, order), kShown);
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  const int64_t classes = static_cast<int64_t>(sets.train.class_names.size());
  // Half of the test images are compared; the other half shows what the comparison says about real
  // images.
  const int64_t to_test = sets.test.count / 2, to_train = 2 * to_test;
  const int64_t steps = 2 * (2 * to_train) / 64;  // two epochs
  const auto part = [](const nn::ImageSet& images, int64_t begin, int64_t end) {
    std::vector<int64_t> indices;
    for (int64_t i = begin; i < end; ++i) indices.push_back(i);
    return tutorials::subset(images, indices);
  };
  const Pair real{part(sets.train, 0, to_train), part(sets.test, 0, to_test)};
  const Pair other_real{part(sets.train, to_train, 2 * to_train),
                        part(sets.test, to_test, 2 * to_test)};

  double smoothing = 0;
  const models::NaiveBayes bayes = fit_smoothed_naive_bayes(sets, smoothing);
  m.record("smoothing of naive Bayes", smoothing);
  const models::Pca pca = models::fit_pca(pixels(sets.train), kDirections);
  const Pair projected{to_images(pca.reconstruct(pca.project(pixels(real.train))), sets.train),
                       to_images(pca.reconstruct(pca.project(pixels(real.test))), sets.train)};
  const std::vector<int> labels = labels_in_turn(to_train + to_test, classes);
  m.record("correlation of neighbours, real", neighbour_correlation(real.train, real.train.labels));

  for (const uint64_t seed : m.seeds()) {
    Random random(seed);
    const ClassMixtures mixtures = fit_class_mixtures(sets.train, pca, kComponents, random);
    m.progress("mixtures fitted, seed " + std::to_string(seed));
    const Tensor of_bayes = bayes.sample(labels, random);
    const Tensor of_mixtures = mixtures.sample(labels, random, true);
    const Tensor without_noise = mixtures.sample(labels, random, false);
    m.record("naive Bayes names its samples", models::accuracy(bayes.predict(of_bayes), labels));
    m.record("the mixtures name their samples",
             models::accuracy(mixtures.predict(of_mixtures), labels));
    m.record("naive Bayes names test images",
             models::accuracy(bayes.predict(pixels(sets.test)), sets.test.labels));
    m.record("the mixtures name test images",
             models::accuracy(mixtures.predict(pixels(sets.test)), sets.test.labels));

    const auto pair_of = [&](const Tensor& x) {
      const nn::ImageSet images = to_images(x, sets.train);
      return Pair{part(images, 0, to_train), part(images, to_train, to_train + to_test)};
    };
    const Pair bayes_pair = pair_of(of_bayes), mixture_pair = pair_of(of_mixtures),
               plain_pair = pair_of(without_noise);
    const std::vector<int> train_labels(labels.begin(), labels.begin() + to_train);
    m.record("correlation of neighbours, naive Bayes",
             neighbour_correlation(bayes_pair.train, train_labels));
    m.record("correlation of neighbours, mixtures",
             neighbour_correlation(mixture_pair.train, train_labels));

    const auto told_apart = [&](const Pair& a, const Pair& b) {
      return two_sample_accuracy(a.train, b.train, a.test, b.test, steps, seed);
    };
    const double told_bayes = told_apart(real, bayes_pair);
    m.record("naive Bayes told from real", told_bayes);
    m.record("told apart", Point("samples", "real images"), told_apart(real, other_real));
    m.record("told apart", Point("samples", "naive Bayes"), told_bayes);
    m.record("told apart", Point("samples", "mixtures"), told_apart(real, mixture_pair));
    m.record("told apart", Point("samples", "mixtures without noise"),
             told_apart(real, plain_pair));
    m.record("told apart", Point("samples", "real images, projected"), told_apart(real, projected));
    m.record("told apart", Point("samples", "mixtures without noise, from projected images"),
             told_apart(projected, plain_pair));
    m.progress("samples compared");
    if (seed != m.seeds()[0]) continue;
    m.picture("naive_bayes", picture_of(bayes_pair.test, classes));
    m.picture("mixtures", picture_of(mixture_pair.test, classes));
    m.picture("mixtures_without_noise", picture_of(plain_pair.test, classes));
  }
}

}  // namespace

tutorials::Experiment sampled_models() {
  return {
      .id = "1.3",
      .title = "Naive Bayes and mixtures of Gaussians, sampled class by class",
      .predictions = {at_least("naive Bayes told from real", 0.99,
                               "independent pixels look like noise; one 4 x 4 window of the "
                               "classifier is enough to see it"),
                      at_least(
                          "naive Bayes names its samples", 0.95,
                          "the model is right about its own samples, and many pixels speak for a "
                          "class"),
                      about("correlation of neighbours, naive Bayes", 0, 0.01,
                            "the model draws each pixel on its own"),
                      not_predicted("the mixtures name their samples",
                                    "it depends on how far the classes overlap"),
                      not_predicted("correlation of neighbours, mixtures",
                                    "the noise lowers it, by how much depends on the images")},
      .minutes = 15,
      .seeds = {0, 1, 2},
      .measure = measure,
      .source = __FILE__};
}

}  // namespace forger::generative
