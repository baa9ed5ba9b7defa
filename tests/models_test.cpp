// Compares the classic models with scikit-learn, SciPy and NumPy: fixtures/models.py computes the
// expected values.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "golden.h"
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

using nlohmann::json;

const json& golden() {
  static const json all = read_golden("models");
  return all;
}

/// The integers of the fixture as examples.
Tensor examples_of(const std::string& name) {
  std::vector<Scalar> values;
  for (const json& row : golden()[name]) {
    for (const json& number : row) {
      values.push_back(static_cast<Scalar>(number.get<double>() / golden()["scale"].get<double>()));
    }
  }
  const auto rows = static_cast<int64_t>(golden()[name].size());
  return Tensor::from({rows, static_cast<int64_t>(values.size()) / rows}, values);
}
Tensor x() { return examples_of("x"); }
Tensor test() { return examples_of("test"); }
std::vector<int> labels() { return golden()["labels"].get<std::vector<int>>(); }
constexpr int kClasses = 3;

/// All numbers of nested lists, in order.
Vector numbers(const json& nested) {
  if (nested.is_number()) return {nested.get<double>()};
  Vector all;
  for (const json& part : nested) {
    const Vector more = numbers(part);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}
Vector numbers(const Tensor& tensor) {
  const std::vector<Scalar> values = tensor.to_vector();
  return {values.begin(), values.end()};
}
Matrix matrix(const json& rows) {
  Matrix m(static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size()));
  m.values = numbers(rows);
  return m;
}

/// Returns the largest difference, divided by the largest expected number.
double difference(const Vector& found, const json& expected) {
  const Vector wanted = numbers(expected);
  REQUIRE(found.size() == wanted.size());
  double largest = 0, scale = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    largest = std::max(largest, std::abs(found[i] - wanted[i]));
    scale = std::max(scale, std::abs(wanted[i]));
  }
  return largest / scale;
}

// Both sides compute in double, in another order. Conditions of the matrices are below 1e3.
constexpr double kDouble = 1e-11;
// One side rounds to float32.
constexpr double kFloat = 1e-6;

TEST_CASE("eigenvalues, eigenvectors and Cholesky's factor are NumPy's") {
  const json& expected = golden()["eigen"];
  const Matrix covariance = matrix(golden()["gaussian"]["covariance"]);
  const SymmetricEigen eigen = symmetric_eigen(covariance);
  CHECK(difference(eigen.values, expected["values"]) < kDouble);
  CHECK(difference(eigen.vectors.values, expected["vectors"]) < kDouble);
  CHECK(difference(cholesky(covariance).values, expected["cholesky"]) < kDouble);
}

TEST_CASE("a Gaussian's moments, density and conditional are those of NumPy and SciPy") {
  const json& expected = golden()["gaussian"];
  const MultivariateGaussian gaussian = fit_multivariate_gaussian(x());
  CHECK(difference(gaussian.mean, expected["mean"]) < kDouble);
  CHECK(difference(gaussian.covariance.values, expected["covariance"]) < kDouble);
  CHECK(difference(gaussian.log_density(test()), expected["log_density"]) < kDouble);
  const MultivariateGaussian conditional =
      gaussian.conditional(expected["given"], numbers(expected["values"]));
  CHECK(difference(conditional.mean, expected["conditional_mean"]) < kDouble);
  CHECK(difference(conditional.covariance.values, expected["conditional_covariance"]) < kDouble);
}

TEST_CASE("naive Bayes is scikit-learn's GaussianNB") {
  const json& expected = golden()["naive_bayes"];
  const NaiveBayes model = fit_naive_bayes(x(), labels(), kClasses, expected["smoothing"]);
  CHECK(difference(model.mean.values, expected["mean"]) < kDouble);
  CHECK(difference(model.variance.values, expected["variance"]) < kDouble);
  CHECK(difference(model.log_joint(test()).values, expected["log_joint"]) < kDouble);
  CHECK(difference(model.posterior(test()).values, expected["posterior"]) < kDouble);

  std::vector<bool> observed(5);
  for (const json& feature : expected["seen"]) observed[feature.get<size_t>()] = true;
  CHECK(difference(model.posterior(test(), observed).values, expected["marginal_posterior"]) <
        kDouble);
}

TEST_CASE("logistic regression finds the minimum of scikit-learn's LogisticRegression") {
  const json& expected = golden()["logistic_regression"];
  const LogisticRegression model =
      fit_logistic_regression(x(), labels(), kClasses,
                              {.penalty = expected["penalty"], .iterations = 1000, .tolerance = 0});
  // L-BFGS ends where the float32 rounding of the logits hides a further decrease, some 1e-7 of the
  // loss. Near a minimum the parameters are then off by the root of that.
  CHECK(std::abs(model.loss.back() - expected["loss"].get<double>()) < 1e-6);
  CHECK(difference(numbers(model.weight), expected["weight"]) < 1e-3);
  CHECK(difference(numbers(model.bias), expected["bias"]) < 1e-3);
  CHECK(difference(model.posterior(test()).values, expected["posterior"]) < 1e-3);
}

TEST_CASE("a tree without chance is scikit-learn's DecisionTreeClassifier") {
  for (const json& expected : golden()["trees"]) {
    CAPTURE(expected["depth"].get<int>());
    const RandomForest tree = fit_random_forest(
        x(), labels(), kClasses, 0,
        {.trees = 1, .features_per_split = 5, .max_depth = expected["depth"], .bootstrap = false});
    CHECK(difference(tree.posterior(test()).values, expected["posterior"]) < kFloat);
  }
}

TEST_CASE("forests agree with those of scikit-learn's RandomForestClassifier on average") {
  const json& expected = golden()["forest"];
  const std::vector<int> test_labels = golden()["test_labels"];
  const Vector accuracies = numbers(expected["accuracies"]);
  Vector posterior(numbers(expected["posterior"]).size());
  double nodes = 0;
  constexpr int kForests = 20, kTrees = 100;
  double mean_accuracy = 0;
  for (int seed = 0; seed < kForests; ++seed) {
    const RandomForest forest =
        fit_random_forest(x(), labels(), kClasses, static_cast<uint64_t>(seed));
    const Matrix p = forest.posterior(test());
    for (size_t i = 0; i < posterior.size(); ++i) posterior[i] += p.values[i] / kForests;
    for (const DecisionTree& tree : forest.trees) {
      nodes += static_cast<double>(tree.nodes.size()) / (kForests * kTrees);
    }
    mean_accuracy += accuracy(row_argmax(p), test_labels) / kForests;
  }
  // Both sides are means over 2,000 trees of shares with a deviation of at most 0.5: a difference
  // of 0.07 is 4.4 standard deviations.
  CHECK(difference(posterior, expected["posterior"]) < 0.07);
  CHECK(std::abs(nodes / expected["nodes"].get<double>() - 1) < 0.02);
  CHECK(mean_accuracy >= *std::min_element(accuracies.begin(), accuracies.end()));
  CHECK(mean_accuracy <= *std::max_element(accuracies.begin(), accuracies.end()));
}

TEST_CASE("k-means is scikit-learn's KMeans from the same centres") {
  const json& expected = golden()["k_means"];
  Matrix start(4, 5);
  const Vector all = numbers(x());
  std::copy_n(all.begin(), start.values.size(), start.values.begin());
  const KMeans model = k_means(x(), start);
  CHECK(model.clusters == expected["clusters"].get<std::vector<int>>());
  CHECK(difference(model.centres.values, expected["centres"]) < kDouble);
  CHECK(std::abs(model.inertia.back() / expected["inertia"].get<double>() - 1) < kDouble);
}

TEST_CASE("20 steps of EM are those of scikit-learn's GaussianMixture") {
  const json& expected = golden()["mixture"];
  GaussianMixture mixture{{0.5, 0.3, 0.2}, {}};
  Matrix identity(5, 5);
  for (int64_t i = 0; i < 5; ++i) identity[i][i] = 1;
  const Vector all = numbers(x());
  for (int64_t k = 0; k < 3; ++k) {
    mixture.parts.push_back({{all.begin() + 5 * k, all.begin() + 5 * k + 5}, identity});
  }
  for (int step = 0; step < 20; ++step) em_step(x(), mixture);
  Vector means, covariances;
  for (const MultivariateGaussian& part : mixture.parts) {
    means.insert(means.end(), part.mean.begin(), part.mean.end());
    covariances.insert(covariances.end(), part.covariance.values.begin(),
                       part.covariance.values.end());
  }
  // Rounding errors grow from step to step.
  CHECK(difference(mixture.weights, expected["weights"]) < 1e-8);
  CHECK(difference(means, expected["means"]) < 1e-8);
  CHECK(difference(covariances, expected["covariances"]) < 1e-8);
  CHECK(difference(mixture.log_density(test()), expected["log_density"]) < 1e-8);
  Matrix responsibilities = mixture.log_joint(test());
  for (int64_t i = 0; i < responsibilities.rows; ++i) {
    const double total = log_sum_exp(responsibilities[i], 3);
    for (int64_t k = 0; k < 3; ++k) {
      responsibilities[i][k] = std::exp(responsibilities[i][k] - total);
    }
  }
  CHECK(difference(responsibilities.values, expected["responsibilities"]) < 1e-8);
  CHECK(std::abs(em_step(x(), mixture) - expected["score"].get<double>()) < 1e-8);
}

TEST_CASE("PCA is scikit-learn's, with variances divided by n") {
  const json& expected = golden()["pca"];
  const Pca pca = fit_pca(x(), expected["k"]);
  CHECK(difference(numbers(pca.components), expected["components"]) < kFloat);
  CHECK(difference(pca.variances, expected["variances"]) < kDouble);
  CHECK(difference({pca.noise_variance}, expected["noise_variance"]) < kDouble);
  CHECK(difference(numbers(pca.project(test())), expected["projected"]) < kFloat);
}

TEST_CASE("a PCA mixture is a mixture of Gaussians of all features, also where some are hidden") {
  const json& expected = golden()["pca_mixture"];
  const Vector means = numbers(expected["means"]);
  PcaMixture model{fit_pca(x(), golden()["pca"]["k"]), {numbers(expected["weights"]), {}}};
  for (size_t k = 0; k < 2; ++k) {
    model.mixture.parts.push_back(
        {{means[2 * k], means[2 * k + 1]}, matrix(expected["covariances"][k])});
  }
  CHECK(difference(model.log_density(test()), expected["log_density"]) < kFloat);

  std::vector<bool> observed(5);
  for (const json& feature : expected["seen"]) observed[feature.get<size_t>()] = true;
  CHECK(difference(model.log_density(test(), observed), expected["seen_log_density"]) < kFloat);
  const Tensor filled = model.conditional_mean(test(), observed);
  Vector hidden;
  for (int64_t i = 0; i < filled.shape()[0]; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      if (observed[static_cast<size_t>(j)]) {
        REQUIRE(filled.at({i, j}) == test().at({i, j}));
      } else {
        hidden.push_back(filled.at({i, j}));
      }
    }
  }
  CHECK(difference(hidden, expected["hidden_means"]) < kFloat);
}

}  // namespace
}  // namespace forger::models
