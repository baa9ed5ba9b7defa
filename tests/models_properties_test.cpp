// Properties of the classic models: what never rises, never falls or never underflows; samples that
// have the moments of their model; results that do not depend on the number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "nn/data/digits.h"
#include "threads.h"
#include "tutorials/models/gaussian.h"
#include "tutorials/models/k_means.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/logistic_regression.h"
#include "tutorials/models/mixture.h"
#include "tutorials/models/naive_bayes.h"
#include "tutorials/models/pca.h"
#include "tutorials/models/pca_mixture.h"
#include "tutorials/models/random_forest.h"

namespace forger::models {
namespace {

constexpr int kDigits = 10;

struct Labelled {
  Tensor x;  // [n, pixels]
  std::vector<int> labels;
};
Labelled digits(int64_t n, int64_t size, uint64_t seed = 0) {
  const nn::ImageSet images = nn::make_digits(n, seed, size);
  return {reshape(images_to_tensor(images, 0, n), {n, size * size}), images.labels};
}

/// The bits of numbers, for thread_dependence().
void append_bits(std::vector<Scalar>& bits, const Vector& values) {
  const size_t before = bits.size();
  bits.resize(before + 2 * values.size());
  std::memcpy(bits.data() + before, values.data(), values.size() * sizeof(double));
}

/// Three clusters of `n` points each, far from each other.
Tensor clusters(int64_t n, Random& random) {
  const MultivariateGaussian at_origin{{0, 0}, [] {
                                         Matrix m(2, 2);
                                         m.values = {1, 0.5, 0.5, 2};
                                         return m;
                                       }()};
  std::vector<Tensor> parts;
  for (const double centre : {-10, 0, 10}) {
    parts.push_back(at_origin.sample(n, random) + Tensor::scalar(static_cast<Scalar>(centre)));
  }
  return concat(parts, 0);
}

double total(const Vector& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

TEST_CASE("the inertia of k-means never rises, from any start") {
  const Tensor x = digits(600, 14).x;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    for (const int64_t k : {1, 2, 7, 40, 600}) {
      for (const bool plus_plus : {false, true}) {
        const KMeans model =
            k_means(x, plus_plus ? plus_plus_centres(x, k, random) : random_centres(x, k, random));
        for (size_t i = 1; i < model.inertia.size(); ++i) {
          REQUIRE(model.inertia[i] <= model.inertia[i - 1] * (1 + 1e-13));
        }
      }
    }
  }
}

TEST_CASE("the inertia never rises where float32 cannot tell which centre is nearest") {
  // Numbers near 1e5 are multiples of 2^-7, and products of 1e5 and 1 have errors of that order.
  Random random(9);
  const Tensor x = random.normal({2000, 2}, 1e5, 1);
  for (int trial = 0; trial < 5; ++trial) {
    const Vector inertia = k_means(x, random_centres(x, 100, random)).inertia;
    for (size_t i = 1; i < inertia.size(); ++i) {
      REQUIRE(inertia[i] <= inertia[i - 1] * (1 + 1e-13));
    }
  }
}

TEST_CASE("a squared distance is the sum of squared differences, for any length") {
  Random random(10);
  for (int64_t n = 1; n < 40; ++n) {
    const Tensor x = random.normal({n});
    Vector y;
    double expected = 0;
    for (int64_t j = 0; j < n; ++j) {
      y.push_back(random.normal());
      expected += (x.data()[j] - y.back()) * (x.data()[j] - y.back());
    }
    REQUIRE(squared_distance(x.data(), y.data(), n) == doctest::Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("k-means ends where every example is in the cluster of the nearest centre") {
  Random random(3);
  const Tensor x = digits(400, 14).x;
  const KMeans model = k_means(x, 12, random);
  CHECK(model.predict(x) == model.clusters);
  Vector sums(12), counts(12);
  for (int64_t i = 0; i < 400; ++i) {
    const int k = model.clusters.data()[i];
    sums.data()[k] += x.at({i, 90});
    ++counts.data()[k];
  }
  for (int64_t k = 0; k < 12; ++k) {
    CHECK(model.centres[k][90] == doctest::Approx(sums.data()[k] / counts.data()[k]));
  }
}

TEST_CASE("k-means leaves no cluster empty while examples differ") {
  // All centres begin at one place, so that all but one are empty after the first assignment.
  Random random(1);
  const Tensor x = clusters(20, random);
  const KMeans model = k_means(x, Matrix(5, 2));
  Vector counts(5);
  for (const int cluster : model.clusters) ++counts.data()[cluster];
  CHECK(*std::min_element(counts.begin(), counts.end()) > 0);
  // Each of the four empty clusters takes another example at once.
  const KMeans moved = k_means(x, Matrix(5, 2), {.iterations = 2});
  std::set<std::pair<double, double>> places;
  for (int64_t k = 0; k < 5; ++k) places.insert({moved.centres[k][0], moved.centres[k][1]});
  CHECK(places.size() == 5);
  CHECK(places.count({0, 0}) == 0);
}

TEST_CASE("k-means++ starts below the inertia of a random start in 20 of 20") {
  Random random(5);
  const Tensor x = clusters(100, random);
  int lower = 0;
  for (int trial = 0; trial < 20; ++trial) {
    double random_inertia = 0, inertia = 0;
    for (int repeat = 0; repeat < 20; ++repeat) {
      const KMeansOptions once{.iterations = 1};
      random_inertia += k_means(x, random_centres(x, 3, random), once).inertia[0];
      inertia += k_means(x, plus_plus_centres(x, 3, random), once).inertia[0];
    }
    lower += inertia < random_inertia ? 1 : 0;
  }
  CHECK(lower == 20);
}

TEST_CASE("k-means++ takes each example once, unless none is left that differs") {
  Random random(0);
  const Tensor x = Tensor::from({4, 1}, {1, 2, 2, 3});
  for (int trial = 0; trial < 20; ++trial) {
    Vector values = plus_plus_centres(x, 3, random).values;
    std::sort(values.begin(), values.end());
    REQUIRE(values == Vector{1, 2, 3});
  }
  CHECK(plus_plus_centres(x, 4, random).values.size() == 4);
}

TEST_CASE("the likelihood of EM never falls, also where variances meet their bound") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    // The first have fewer examples than pixels, so that most eigenvalues are at the bound.
    for (const int64_t n : {30, 400}) {
      const Tensor x = digits(n, 8, seed).x;
      for (const double least : {1e-6, 0.01}) {
        const FittedMixture fitted = fit_mixture(
            x, 5, random, {.iterations = 30, .tolerance = 0, .minimum_variance = least});
        const Vector& history = fitted.log_likelihood;
        for (size_t i = 1; i < history.size(); ++i) {
          REQUIRE(history[i] >= history[i - 1] - 1e-9 * std::abs(history[i - 1]));
        }
        const Vector log_p = fitted.mixture.log_density(x);
        REQUIRE(total(log_p) / static_cast<double>(n) == doctest::Approx(history.back()));
        for (const MultivariateGaussian& part : fitted.mixture.parts) {
          REQUIRE(symmetric_eigen(part.covariance).values.back() > least * (1 - 1e-6));
        }
      }
    }
  }
}

TEST_CASE("EM finds the Gaussians that points were drawn from") {
  Random random(2);
  const Tensor x = clusters(5000, random);
  const GaussianMixture mixture = fit_mixture(x, 3, random).mixture;
  for (size_t k = 0; k < 3; ++k) {
    const MultivariateGaussian& part = mixture.parts[k];
    CHECK(mixture.weights[k] == doctest::Approx(1 / 3.0).epsilon(1e-3));
    // Standard errors at n = 5,000 are 0.02 for the mean and 0.03 for a variance.
    CHECK(std::abs(part.mean[0] - 10 * std::round(part.mean[0] / 10)) < 0.1);
    CHECK(std::abs(part.covariance[0][0] - 1) < 0.1);
    CHECK(std::abs(part.covariance[0][1] - 0.5) < 0.1);
    CHECK(std::abs(part.covariance[1][1] - 2) < 0.15);
  }
}

TEST_CASE("naive Bayes on 784 pixels has no underflow, where the product of densities is 0") {
  const Labelled train = digits(500, 28), test = digits(200, 28, 1);
  const NaiveBayes model = fit_naive_bayes(train.x, train.labels, kDigits, 1e-2);
  const Matrix log_joint = model.log_joint(test.x), posterior = model.posterior(test.x);
  bool product_underflows = false;
  for (int64_t i = 0; i < 200; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < kDigits; ++k) {
      REQUIRE(std::isfinite(log_joint[i][k]));
      product_underflows = product_underflows || std::exp(log_joint[i][k]) == 0;
      sum += posterior[i][k];
    }
    REQUIRE(sum == doctest::Approx(1).epsilon(1e-12));
  }
  CHECK(product_underflows);
  CHECK(accuracy(model.predict(test.x), test.labels) > 0.8);
}

TEST_CASE("a class without examples is never predicted by naive Bayes") {
  const NaiveBayes model = fit_naive_bayes(Tensor::from({4, 1}, {0, 1, 5, 6}), {0, 0, 2, 2}, 3);
  const Matrix p = model.posterior(Tensor::from({3, 1}, {0, 3, 6}));
  for (int64_t i = 0; i < 3; ++i) CHECK(p[i][1] == 0);
  CHECK(model.predict(Tensor::from({2, 1}, {0, 6})) == std::vector<int>{0, 2});
}

TEST_CASE("samples have the moments of their model") {
  Random random(7);
  constexpr int64_t kSamples = 100'000;  // standard errors are about 0.003 to 0.01
  const Gaussian gaussian{2, 3};
  Vector drawn;
  for (int64_t i = 0; i < kSamples; ++i) drawn.push_back(gaussian.sample(random));
  const Gaussian again = fit_gaussian(drawn);
  CHECK(std::abs(again.mean - 2) < 0.04);
  CHECK(std::abs(again.stddev - 3) < 0.03);

  Matrix covariance(2, 2);
  covariance.values = {2, -0.75, -0.75, 0.5};
  const GaussianMixture mixture{
      {0.25, 0.5, 0.25}, {{{1, 2}, covariance}, {{-3, 0}, covariance}, {{5, 2}, covariance}}};
  const Moments moments_of = moments(mixture.sample(kSamples, random));
  CHECK(mixture.mean() == Vector{0, 1});
  CHECK(std::abs(moments_of.mean[0]) < 0.04);
  CHECK(std::abs(moments_of.mean[1] - 1) < 0.02);
  // The components' covariance and that of their means.
  CHECK(std::abs(moments_of.covariance[0][0] - (2 + 11)) < 0.15);
  CHECK(std::abs(moments_of.covariance[0][1] - (-0.75 + 3)) < 0.06);

  const NaiveBayes bayes =
      fit_naive_bayes(Tensor::from({4, 2}, {0, 1, 2, 5, -4, 0, -2, 8}), {0, 0, 1, 1}, 2);
  const Moments of_class_1 =
      moments(bayes.sample(std::vector<int>(static_cast<size_t>(kSamples), 1), random));
  CHECK(std::abs(of_class_1.mean[0] + 3) < 0.02);
  CHECK(std::abs(of_class_1.covariance[1][1] - 16) < 0.4);
  CHECK(std::abs(of_class_1.covariance[0][1]) < 0.08);
}

TEST_CASE(
    "samples of a PCA mixture have its moments, and conditional samples those given a pixel") {
  Random random(4);
  const Tensor x = digits(2000, 8).x;
  const Pca pca = fit_pca(x, 6);
  const PcaMixture model = fit_pca_mixture(x, pca, 1, random);
  constexpr int64_t kSamples = 20'000;
  // With one component, the model is a Gaussian of all pixels: the examples' covariance in the
  // space of PCA, and the noise around it.
  const Moments drawn = moments(model.sample(kSamples, random)), true_ones = moments(x);
  double trace = 0, expected = 0, mean_error = 0;
  for (int64_t j = 0; j < 64; ++j) {
    trace += drawn.covariance[j][j];
    expected += true_ones.covariance[j][j];
    mean_error += std::pow(drawn.mean.data()[j] - true_ones.mean.data()[j], 2);
  }
  CHECK(trace == doctest::Approx(expected).epsilon(0.02));
  CHECK(mean_error < 4 * expected / kSamples);
  double plane = 0;  // without noise, the samples lie in the space of PCA
  const Tensor plain = model.sample(200, random, false);
  const Tensor back = pca.reconstruct(pca.project(plain));
  for (int64_t i = 0; i < plain.numel(); ++i) {
    plane = std::max<double>(plane, std::abs(plain.data()[i] - back.data()[i]));
  }
  CHECK(plane < 1e-5);

  std::vector<bool> observed(64, false);
  std::fill(observed.begin(), observed.begin() + 32, true);
  const Tensor image = slice(x, 0, 0, 1);
  std::vector<Tensor> copies(static_cast<size_t>(kSamples) / 10, image);
  const Tensor filled = model.conditional_sample(concat(copies, 0), observed, random);
  const Tensor mean_image = model.conditional_mean(image, observed);
  const Moments of_filled = moments(filled);
  double error = 0, variance = 0;
  for (int64_t j = 0; j < 64; ++j) {
    error += std::pow(of_filled.mean.data()[j] - mean_image.data()[j], 2);
    variance += of_filled.covariance[j][j];
    if (j < 32) REQUIRE(of_filled.covariance[j][j] < 1e-12);
  }
  CHECK(error < 3 * variance / (kSamples / 10));

  // The Gaussian of all pixels that the model is.
  MultivariateGaussian full{true_ones.mean, Matrix(64, 64)};
  const Matrix& s = model.mixture.parts[0].covariance;
  const double noise = pca.noise_variance;
  for (int64_t i = 0; i < 64; ++i) {
    for (int64_t j = 0; j < 64; ++j) {
      full.covariance[i][j] = i == j ? noise : 0;
      for (int64_t a = 0; a < 6; ++a) {
        for (int64_t b = 0; b < 6; ++b) {
          full.covariance[i][j] += pca.components.at({a, i}) * (s[a][b] - (a == b ? noise : 0)) *
                                   pca.components.at({b, j});
        }
      }
    }
  }
  std::vector<int64_t> upper(32);
  std::iota(upper.begin(), upper.end(), 0);
  const MultivariateGaussian lower =
      full.conditional(upper, Vector(image.data(), image.data() + 32));
  double expected_variance = 0;
  for (int64_t j = 0; j < 32; ++j) {
    expected_variance += lower.covariance[j][j];
    REQUIRE(std::abs(lower.mean.data()[j] - mean_image.data()[32 + j]) < 1e-4);
  }
  CHECK(variance == doctest::Approx(expected_variance).epsilon(0.03));
}

TEST_CASE("merged mixtures have the weighted density") {
  Matrix unit(1, 1);
  unit[0][0] = 1;
  const GaussianMixture a{{1}, {{{0}, unit}}}, b{{0.5, 0.5}, {{{4}, unit}, {{8}, unit}}};
  const Tensor x = Tensor::from({3, 1}, {0, 3, 9});
  const Vector of_a = a.log_density(x), of_b = b.log_density(x);
  const Vector merged = merge({a, b}, {0.3, 0.7}).log_density(x);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(merged[i] ==
          doctest::Approx(std::log(0.3 * std::exp(of_a[i]) + 0.7 * std::exp(of_b[i]))));
  }
}

TEST_CASE("a mixture's conditional is its joint density divided by its marginal") {
  Random random(6);
  const GaussianMixture mixture = fit_mixture(digits(300, 8).x, 4, random).mixture;
  GaussianMixture few{mixture.weights, {}};
  for (const MultivariateGaussian& part : mixture.parts) {
    few.parts.push_back(part.marginal({27, 28, 35, 36}));
  }
  GaussianMixture marginal{few.weights, {}};
  for (const MultivariateGaussian& part : few.parts)
    marginal.parts.push_back(part.marginal({3, 0}));
  const GaussianMixture conditional = few.conditional({3, 0}, {0.25, -0.5});
  for (const Scalar value : {-1.0F, 0.0F, 0.5F}) {
    const double joint = few.log_density(Tensor::from({1, 4}, {-0.5F, value, 0.75F, 0.25F}))[0];
    const double given = marginal.log_density(Tensor::from({1, 2}, {0.25F, -0.5F}))[0];
    CHECK(conditional.log_density(Tensor::from({1, 2}, {value, 0.75F}))[0] ==
          doctest::Approx(joint - given).epsilon(1e-9));
  }
  CHECK(total(conditional.weights) == doctest::Approx(1).epsilon(1e-12));
}

TEST_CASE("the loss of logistic regression never rises") {
  const Labelled train = digits(400, 14);
  const Vector loss = fit_logistic_regression(train.x, train.labels, kDigits).loss;
  for (size_t i = 1; i < loss.size(); ++i) REQUIRE(loss[i] <= loss[i - 1]);
  CHECK(loss.front() < std::log(10.0));
}

TEST_CASE("a full tree separates all examples that differ, with 300 values in 256 bins or not") {
  Random random(8);
  for (const int64_t values : {50, 300}) {
    std::vector<Scalar> x;
    std::vector<int> labels;
    for (int64_t i = 0; i < 1000; ++i) {
      x.push_back(static_cast<Scalar>(i % values));
      labels.push_back(i % values < values / 3 ? 0 : 1 + static_cast<int>(i % values % 2));
    }
    const Tensor examples = Tensor::from({1000, 1}, x);
    const RandomForest tree =
        fit_random_forest(examples, labels, 3, 0, {.trees = 1, .bootstrap = false});
    const double right = accuracy(tree.predict(examples), labels);
    if (values <= 256) CHECK(right == 1);
    // The last 200 values have 3 examples each and alternating classes. A bin holds 1000 / 256
    // = 3.9 examples, so these values have 154 bins, and 46 pairs of neighbours share one.
    if (values > 256) CHECK(right >= 1 - 46 * 3 / 1000.0);
  }
}

TEST_CASE("bins have about equal counts, also where half of the values are equal") {
  // 5,000 zeros and 5,000 different numbers. The class is a number's decile, and 0 a class of its
  // own.
  std::vector<Scalar> x;
  std::vector<int> labels;
  for (int i = 0; i < 10'000; ++i) {
    const int value = i * 7 % 10'000 - 4'999;
    x.push_back(static_cast<Scalar>(std::max(0, value)));
    labels.push_back(value <= 0 ? 0 : 1 + (value - 1) / 500);
  }
  const Tensor examples = Tensor::from({10'000, 1}, x);
  const RandomForest tree =
      fit_random_forest(examples, labels, 11, 0, {.trees = 1, .bootstrap = false});
  // Each of the ten boundaries may be off by a bin of 40 examples.
  CHECK(accuracy(tree.predict(examples), labels) > 1 - 10 * 40 / 10'000.0);
}

TEST_CASE("a node looks at further features while those it has drawn do not vary") {
  // Nine features are constant. The tenth decides.
  std::vector<Scalar> x(200, 3);
  std::vector<int> labels;
  for (size_t i = 0; i < 20; ++i) {
    x[10 * i + 9] = static_cast<Scalar>(i);
    labels.push_back(i < 7 ? 0 : 1);
  }
  const Tensor examples = Tensor::from({20, 10}, x);
  const RandomForest forest =
      fit_random_forest(examples, labels, 2, 0, {.trees = 5, .features_per_split = 1});
  for (const DecisionTree& tree : forest.trees) {
    CHECK(tree.nodes.size() == 3);
    CHECK(tree.nodes[0].feature == 9);
    CHECK(tree.nodes[0].threshold > 5);
  }
}

TEST_CASE("models have the same bits for any number of threads") {
  const Labelled train = digits(1000, 14), test = digits(300, 14, 1);
  CHECK(thread_dependence([&] {
          std::vector<Scalar> bits;
          append_bits(bits, moments(train.x).covariance.values);
          append_bits(
              bits, fit_naive_bayes(train.x, train.labels, kDigits, 1e-3).log_joint(test.x).values);
          append_bits(bits,
                      fit_logistic_regression(train.x, train.labels, kDigits, {.iterations = 10})
                          .posterior(test.x)
                          .values);
          append_bits(bits, fit_random_forest(train.x, train.labels, kDigits, 0, {.trees = 10})
                                .posterior(test.x)
                                .values);
          Random random(0);
          append_bits(bits, k_means(train.x, 20, random).centres.values);
          const PcaMixture model =
              fit_pca_mixture(train.x, fit_pca(train.x, 10), 5, random, {.iterations = 5});
          append_bits(bits, model.log_density(test.x));
          std::vector<bool> observed(196, true);
          std::fill(observed.begin() + 98, observed.end(), false);
          const Tensor filled = model.conditional_sample(test.x, observed, random);
          bits.insert(bits.end(), filled.data(), filled.data() + filled.numel());
          return bits;
        }) == "");
}

TEST_CASE("purity and accuracy count what they should") {
  CHECK(accuracy({0, 1, 2, 2}, {0, 1, 1, 2}) == 0.75);
  CHECK(purity({5, 5, 5, 7, 7}, {0, 0, 1, 2, 2}) == doctest::Approx(0.8));
  CHECK(purity({0, 1, 2}, {4, 4, 4}) == 1);
}

}  // namespace
}  // namespace forger::models
