// E1.4: k-means and EM group images without a label. The labels then tell how pure the groups are,
// and how far one label a group goes.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograd/random.h"
#include "experiments.h"
#include "images.h"
#include "tutorials/common/draw.h"
#include "tutorials/models/k_means.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/logistic_regression.h"
#include "tutorials/models/mixture.h"
#include "tutorials/models/pca.h"

namespace forger::generative {
namespace {

using models::KMeans;
using tutorials::Point;

constexpr int64_t kDirections = 50;  // principal components in which the mixtures live
constexpr models::KMeansOptions kKMeans = {.iterations = 100, .tolerance = 1e-4};

/// Returns how often a number is below the one before it by more than rounding.
int64_t falls(const models::Vector& history, double sign = 1) {
  int64_t count = 0;
  for (size_t i = 1; i < history.size(); ++i) {
    const double change = sign * (history[i] - history[i - 1]);
    count += change < -1e-12 * std::abs(history[i]) ? 1 : 0;
  }
  return count;
}

/// Returns for each centre the example nearest to it. No two centres are equal, but one example may
/// be nearest to several.
std::vector<int64_t> medoids(const Tensor& x, const KMeans& model) {
  const int64_t d = model.centres.columns;
  std::vector<int64_t> nearest(static_cast<size_t>(model.centres.rows), 0);
  std::vector<double> least(nearest.size(), INFINITY);
  for (int64_t i = 0; i < x.shape()[0]; ++i) {
    const int64_t k = model.clusters.data()[i];
    const double distance = models::squared_distance(x.data() + i * d, model.centres[k], d);
    if (distance < least.data()[k]) {
      least.data()[k] = distance;
      nearest.data()[k] = i;
    }
  }
  return nearest;
}

/// Accuracy on the test images if one image of each cluster, the one nearest to its centre, is
/// labelled, and the whole cluster gets this label.
double accuracy_of_named_clusters(const Tensor& x, const tutorials::Splits& sets,
                                  const KMeans& model, const std::vector<int>& test_clusters) {
  std::vector<int> names;
  for (const int64_t i : medoids(x, model)) names.push_back(sets.train.labels.data()[i]);
  std::vector<int> predicted;
  for (const int cluster : test_clusters) predicted.push_back(names.data()[cluster]);
  return models::accuracy(predicted, sets.test.labels);
}

/// Accuracy of a classifier that gets as many labels, of random images.
double accuracy_of_labels(const tutorials::Splits& sets, const Tensor& test, int64_t labels,
                          Random& random) {
  std::vector<int64_t> chosen = random.permutation(sets.train.count);
  chosen.resize(static_cast<size_t>(labels));
  const nn::ImageSet images = tutorials::subset(sets.train, chosen);
  const auto classes = static_cast<int>(sets.train.class_names.size());
  return models::accuracy(
      models::fit_logistic_regression(pixels(images), images.labels, classes).predict(test),
      sets.test.labels);
}

Tensor centres_as_tensor(const models::Matrix& centres) {
  std::vector<Scalar> values;
  for (const double value : centres.values) values.push_back(static_cast<Scalar>(value));
  return Tensor::from({centres.rows, centres.columns}, values);
}

void measure(tutorials::Measurement& m) {
  const tutorials::Splits sets = experiment_images(m);
  const Tensor x = pixels(sets.train), test = pixels(sets.test);
  const models::Pca pca = models::fit_pca(x, kDirections);
  const Tensor z = pca.project(x), test_z = pca.project(test);

  for (const uint64_t seed : m.seeds()) {
    Random random(seed);
    int64_t rises = 0, likelihood_falls = 0;
    for (const int64_t k : {10, 20, 50, 100}) {
      const Point point("clusters", k);
      const KMeans from_random = k_means(x, models::random_centres(x, k, random), kKMeans);
      const KMeans model = k_means(x, models::plus_plus_centres(x, k, random), kKMeans);
      rises += falls(from_random.inertia, -1) + falls(model.inertia, -1);
      const std::vector<int> test_clusters = model.predict(test);
      const double purity = models::purity(test_clusters, sets.test.labels);
      m.record("inertia per image", point,
               model.inertia.back() / static_cast<double>(sets.train.count));
      m.record("inertia at the start, k-means++ / random", point,
               model.inertia.front() / from_random.inertia.front());
      m.record("inertia at the end, k-means++ / random", point,
               model.inertia.back() / from_random.inertia.back());
      m.record("purity of k-means", point, purity);
      m.record("accuracy, one label a cluster", point,
               accuracy_of_named_clusters(x, sets, model, test_clusters));
      m.record("accuracy, as many random labels", point, accuracy_of_labels(sets, test, k, random));
      if (k == 10) m.record("purity of 10 clusters", purity);
      if (k == 10 && seed == m.seeds()[0]) {
        const nn::ImageSet centres = to_images(centres_as_tensor(model.centres), sets.train);
        m.picture("centres", tutorials::contact_sheet(images_to_tensor(centres, 0, k), k));
      }
      m.progress("k-means with " + std::to_string(k) + " clusters");
      if (k > 50) continue;  // a mixture of 100 would take longer than the rest together
      const models::FittedMixture fitted = models::fit_mixture(
          z, k, random, {.iterations = 50, .minimum_variance = pca.noise_variance});
      likelihood_falls += falls(fitted.log_likelihood);
      m.record(
          "purity of the mixture", point,
          models::purity(models::row_argmax(fitted.mixture.log_joint(test_z)), sets.test.labels));
      m.record("log-likelihood per image", point, fitted.log_likelihood.back());
      m.progress("mixture of " + std::to_string(k) + " Gaussians, " +
                 std::to_string(fitted.log_likelihood.size()) + " iterations");
    }
    m.record("rises of the inertia", static_cast<double>(rises));
    m.record("falls of the log-likelihood", static_cast<double>(likelihood_falls));
  }
}

}  // namespace

tutorials::Experiment clusters() {
  return {.id = "1.4",
          .title = "k-means and EM: groups without labels",
          .predictions =
              {about("rises of the inertia", 0, 0,
                     "each assignment and each move of a centre can only lower the sum of squares "
                     "(Lloyd 1982)"),
               about("falls of the log-likelihood", 0, 0,
                     "each iteration of EM maximises a lower bound that touches the likelihood "
                     "(Dempster, Laird & Rubin 1977)"),
               not_predicted("purity of 10 clusters",
                             "nothing says that groups of near pixels are the classes")},
          .minutes = 12,
          .seeds = {0, 1, 2},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::generative
