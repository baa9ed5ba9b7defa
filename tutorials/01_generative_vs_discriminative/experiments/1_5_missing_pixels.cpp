// E1.5: The lower half of each image is hidden. A density fills it in and classifies without it; a
// classifier has to be fed something.
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
#include "nn/init.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/evaluate.h"
#include "tutorials/metrics/neighbours.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/naive_bayes.h"
#include "tutorials/models/pca.h"

namespace forger::generative {
namespace {

using tutorials::Point;

constexpr int64_t kDirections = 50, kComponents = 10;
constexpr Scalar kBlack = -1, kGrey = 0;

/// Returns the rows of a, but the hidden half of each from b, whose rows repeat.
Tensor join_halves(const Tensor& a, const Tensor& b) {
  const int64_t d = a.shape()[1];
  const Tensor joined = a.clone();
  Scalar* out = joined.mutable_data();
  for (int64_t i = 0; i < a.shape()[0]; ++i) {
    const Scalar* row = b.data() + i % b.shape()[0] * d;
    for (int64_t j = d / 2; j < d; ++j) out[i * d + j] = row[j];
  }
  return joined;
}

/// Returns the mean squared error per hidden pixel, whose values run from 0 to 1 here.
double hidden_error(const Tensor& filled, const Tensor& x) {
  const int64_t d = x.shape()[1];
  double sum = 0;
  for (int64_t i = 0; i < x.shape()[0]; ++i) {
    for (int64_t j = d / 2; j < d; ++j) {
      const double difference = (filled.data()[i * d + j] - x.data()[i * d + j]) / 2;
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(x.shape()[0] * (d - d / 2));
}

/// Fills each lower half with that of the training image whose upper half is nearest.
Tensor nearest_halves(const Tensor& x, const Tensor& train) {
  const int64_t d = x.shape()[1];
  const metrics::Neighbours nearest =
      metrics::nearest(slice(x, 1, 0, d / 2), slice(train, 1, 0, d / 2));
  return join_halves(x, index_select(train, 0, nearest.index));
}

/// One row for the first test image of each class: the image itself, its upper half, and the ways
/// of filling it in.
nn::Image picture_of(const nn::ImageSet& test, const std::vector<Tensor>& ways) {
  const int64_t d = test.image_bytes();
  std::vector<Tensor> rows;
  for (size_t label = 0; label < test.class_names.size(); ++label) {
    const auto at = std::find(test.labels.begin(), test.labels.end(), static_cast<int>(label));
    if (at == test.labels.end()) continue;
    const int64_t i = at - test.labels.begin();
    for (const Tensor& way : ways) rows.push_back(slice(way, 0, i, i + 1));
  }
  const Tensor x = reshape(concat(rows, 0), {static_cast<int64_t>(rows.size()), test.channels,
                                             test.height, d / test.height / test.channels});
  return tutorials::contact_sheet(x, static_cast<int64_t>(ways.size()));
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  const Tensor train_x = pixels(sets.train), x = pixels(sets.test);
  const std::vector<int>& labels = sets.test.labels;
  const int64_t d = x.shape()[1];
  const int classes = static_cast<int>(sets.train.class_names.size());
  std::vector<bool> observed(static_cast<size_t>(d), false);
  std::fill(observed.begin(), observed.begin() + d / 2, true);

  // What does not depend on chance.
  const Tensor black = join_halves(x, Tensor::full({1, d}, kBlack));
  const Tensor grey = join_halves(x, Tensor::full({1, d}, kGrey));
  const Tensor mean_filled = join_halves(x, mean(train_x, {0}, true));
  const Tensor nearest_filled = nearest_halves(x, train_x);
  const models::Pca pca = models::fit_pca(train_x, kDirections);
  const models::NaiveBayes bayes =
      models::fit_naive_bayes(train_x, sets.train.labels, classes, 0.01);
  m.progress("nearest images found");

  for (const uint64_t seed : m.seeds()) {
    Random random(seed);
    const models::PcaMixture gaussian = models::fit_pca_mixture(train_x, pca, 1, random);
    const ClassMixtures mixtures = fit_class_mixtures(sets.train, pca, kComponents, random);
    const models::PcaMixture density = mixtures.merged();
    const Tensor gaussian_filled = gaussian.conditional_mean(x, observed);
    const Tensor mixture_filled = density.conditional_mean(x, observed);
    const Tensor sampled = density.conditional_sample(x, observed, random);
    m.progress("halves filled in, seed " + std::to_string(seed));

    const double mixture_error = hidden_error(mixture_filled, x);
    const auto record_error = [&](const std::string& way, const Tensor& filled) {
      m.record("squared error per pixel", Point("filled in by", way), hidden_error(filled, x));
    };
    m.record("error of the conditional mean / of the mean image",
             mixture_error / hidden_error(mean_filled, x));
    m.record("error of a conditional sample / of the conditional mean",
             hidden_error(sampled, x) / mixture_error);
    // Where the density is right by construction, and where it has seen the images.
    const int64_t few = std::min<int64_t>(2000, x.shape()[0]);
    const auto sample_ratio = [&](const Tensor& images) {
      return hidden_error(density.conditional_sample(images, observed, random), images) /
             hidden_error(density.conditional_mean(images, observed), images);
    };
    m.record("the same for images that the density drew",
             sample_ratio(density.sample(few, random)));
    m.record("the same for training images", sample_ratio(slice(train_x, 0, 0, few)));
    record_error("black", black);
    record_error("mean image", mean_filled);
    record_error("nearest training image", nearest_filled);
    record_error("one Gaussian, conditional mean", gaussian_filled);
    record_error("mixture, conditional mean", mixture_filled);
    record_error("mixture, conditional sample", sampled);

    nn::seed_init(seed);
    tutorials::Classifier C(
        {.image_size = sets.train.height, .channels = sets.train.channels, .classes = classes});
    train(C, sets.train, {.steps = 2 * sets.train.count / 64}, seed);
    m.progress("classifier trained");
    const auto record_accuracy = [&](const std::string& way, double accuracy) {
      m.record("accuracy", Point("classifier", way), accuracy);
    };
    const auto of_network = [&](const Tensor& images) {
      const Tensor shaped =
          reshape(images, {x.shape()[0], sets.test.channels, sets.test.height, sets.test.width});
      return tutorials::accuracy(tutorials::evaluate(C, shaped), labels);
    };
    const double half_bayes = models::accuracy(bayes.predict(x, observed), labels);
    const double half_network = of_network(black);
    m.record("accuracy of naive Bayes on half images", half_bayes);
    m.record("accuracy of the network on half images", half_network);
    record_accuracy("naive Bayes, whole image", models::accuracy(bayes.predict(x), labels));
    record_accuracy("naive Bayes, half marginalised", half_bayes);
    record_accuracy("naive Bayes, half black", models::accuracy(bayes.predict(black), labels));
    record_accuracy("mixtures, whole image", models::accuracy(mixtures.predict(x), labels));
    record_accuracy("mixtures, half marginalised",
                    models::accuracy(mixtures.predict(x, observed), labels));
    record_accuracy("network, whole image", of_network(x));
    record_accuracy("network, half black", half_network);
    record_accuracy("network, half grey", of_network(grey));
    record_accuracy("network, half mean image", of_network(mean_filled));
    record_accuracy("network, half by the mixture's mean", of_network(mixture_filled));
    record_accuracy("network, half by the mixture's sample", of_network(sampled));
    m.progress("half images classified");
    if (seed == m.seeds()[0]) {
      m.picture("filled", picture_of(sets.test, {x, black, mean_filled, nearest_filled,
                                                 gaussian_filled, mixture_filled, sampled}));
    }
  }
}

}  // namespace

tutorials::Experiment missing_pixels() {
  return {
      .id = "1.5",
      .title = "Half of an image is missing",
      .predictions =
          {at_most("error of the conditional mean / of the mean image", 1,
                   "the conditional mean has the least expected squared error of all functions of "
                   "the visible half, if the density is right"),
           about("error of a conditional sample / of the conditional mean", 2, 0.2,
                 "a sample and the truth are two independent draws from one distribution, so the "
                 "variance counts twice, if the density is right"),
           about("the same for images that the density drew", 2, 0.05,
                 "for these images the density is right"),
           not_predicted(
               "the same for training images",
               "above the value for test images if the density has memorised training images"),
           not_predicted("accuracy of naive Bayes on half images",
                         "it depends on how much the upper half says"),
           not_predicted("accuracy of the network on half images",
                         "the network never saw a half image; nothing says what it does with one")},
      .minutes = 10,
      .seeds = {0, 1, 2},
      .measure = measure,
      .source = __FILE__};
}

}  // namespace forger::generative
