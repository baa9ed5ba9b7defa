// The errors of the classic models, word for word.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "message.h"
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

Tensor two_by_two() { return Tensor::from({2, 2}, {0, 1, 2, 4}); }

Matrix matrix(int64_t rows, int64_t columns, const Vector& values) {
  Matrix m(rows, columns);
  m.values = values;
  return m;
}

TEST_CASE("examples must be a matrix of finite numbers with the features of the model") {
  CHECK(message_of([] { fit_pca(Tensor::zeros({3}), 1); }) ==
        "fit_pca: the examples must be a matrix with at least one row and one column\n"
        "  x  [3]  (examples, features)");
  CHECK(message_of([] {
          moments(Tensor::zeros({0, 3}));
        }) ==
        "moments: the examples must be a matrix with at least one row and one column\n"
        "  x  [0, 3]  (examples, features)");
  CHECK(message_of([] {
          fit_naive_bayes(Tensor::from({2, 2}, {0, 1, std::numeric_limits<Scalar>::quiet_NaN(), 2}),
                          {0, 1}, 2);
        }) ==
        "fit_naive_bayes: the examples must be finite\n"
        "  found nan in row 1, column 0");
  CHECK(message_of([] {
          fit_naive_bayes(two_by_two(), {0, 0}, 1).predict(Tensor::zeros({1, 3}));
        }) ==
        "log_joint: the model was fitted to another number of features\n"
        "  found 3, expected 2");
}

TEST_CASE("labels must be classes, one for each example") {
  CHECK(message_of([] { fit_random_forest(two_by_two(), {0}, 2, 0); }) ==
        "fit_random_forest: each example needs one label\n"
        "  found 1 labels for 2 examples");
  CHECK(message_of([] {
          fit_logistic_regression(two_by_two(), {0, 2}, 2);
        }) ==
        "fit_logistic_regression: label out of range\n"
        "  found 2 at index 1, expected 0 to 1");
  CHECK(message_of([] {
          fit_naive_bayes(two_by_two(), {0, 0}, 0);
        }) ==
        "fit_naive_bayes: classes out of range\n"
        "  found 0, expected at least 1");
  CHECK(message_of([] {
          (void)accuracy({0, 1}, {0});
        }) ==
        "accuracy: two lists of the same length, at least 1, expected\n"
        "  found 2 and 1 numbers");
  CHECK(message_of([] { (void)purity({}, {}); }) ==
        "purity: two lists of the same length, at least 1, expected\n"
        "  found 0 and 0 numbers");
}

TEST_CASE("options out of range name the option") {
  CHECK(message_of([] {
          fit_random_forest(two_by_two(), {0, 1}, 2, 0, {.trees = 0});
        }) ==
        "fit_random_forest: trees out of range\n"
        "  found 0, expected 1 to 1000000");
  CHECK(message_of([] {
          fit_random_forest(two_by_two(), {0, 1}, 2, 0, {.features_per_split = 3});
        }) ==
        "fit_random_forest: features_per_split out of range\n"
        "  found 3, expected 0 to 2");
  CHECK(message_of([] {
          fit_logistic_regression(two_by_two(), {0, 1}, 2, {.penalty = -1});
        }) ==
        "fit_logistic_regression: penalty out of range\n"
        "  found -1.000000, expected a number of at least 0");
  CHECK(message_of([] {
          fit_naive_bayes(two_by_two(), {0, 1}, 2, -1);
        }) ==
        "fit_naive_bayes: smoothing out of range\n"
        "  found -1.000000, expected a number of at least 0");
  CHECK(message_of([] {
          GaussianMixture mixture{{1}, {{{0, 0}, matrix(2, 2, {1, 0, 0, 1})}}};
          em_step(two_by_two(), mixture, 0);
        }) ==
        "em_step: minimum_variance out of range\n"
        "  found 0.000000, expected a number above 0");
  Random random(0);
  CHECK(message_of([&] { k_means(two_by_two(), 3, random); }) ==
        "plus_plus_centres: the number of clusters is out of range\n"
        "  found 3, expected 1 to the number of examples, 2");
  CHECK(message_of([] { fit_pca(two_by_two(), 3); }) ==
        "fit_pca: the number of components is out of range\n"
        "  found 3, expected 1 to the number of features, 2");
}

TEST_CASE("a density that does not exist is an error") {
  CHECK(message_of([] {
          fit_naive_bayes(Tensor::from({2, 2}, {0, 1, 0, 2}), {0, 0}, 1, 0);
        }) ==
        "fit_naive_bayes: a feature does not vary within a class, so it has no density\n"
        "  found class 0, feature 0\n"
        "  expected features that vary, or a smoothing above 0");
  CHECK(message_of([] {
          (void)cholesky(matrix(2, 2, {1, 2, 2, 4}));
        }) ==
        "cholesky: the matrix is not positive definite\n"
        "  found 0.000000 as the square of L[1][1]\n"
        "  expected a finite number above 0");
  CHECK(message_of([] { (void)cholesky(Matrix(1, 2)); }) ==
        "cholesky: the matrix is not square\n"
        "  found 1 rows and 2 columns");
  CHECK(message_of([] {
          Random random(0);
          fit_pca_mixture(two_by_two(), fit_pca(two_by_two(), 1), 1, random);
        }) ==
        "fit_pca_mixture: the principal components leave no variance to the noise\n"
        "  found 1 components of 2 features\n"
        "  expected fewer components than the examples have directions");
  CHECK(
      message_of([] {
        const Tensor x = Tensor::from({4, 2}, {1, 0, -1, 0, 0, 0.5, 0, -0.5});  // noise 0.125
        PcaMixture model{fit_pca(x, 1), {{1}, {{{0}, matrix(1, 1, {0.1})}}}};
        (void)model.log_density(x);
      }) ==
      "log_density: a component of the mixture has less variance than the noise in some direction\n"
      "  found 0.100000, expected at least 0.125000");
  CHECK(message_of([] { fit_gaussian({}); }) ==
        "fit_gaussian: at least one number expected\n"
        "  found none");
}

TEST_CASE("a conditional needs different variables, a value for each, and one that is left") {
  const MultivariateGaussian gaussian{{0, 0}, matrix(2, 2, {1, 0, 0, 1})};
  CHECK(message_of([&] { (void)gaussian.conditional({2}, {0}); }) ==
        "conditional: no such variable\n"
        "  found 2, expected 0 to 1");
  CHECK(message_of([&] {
          (void)gaussian.marginal({1, 1});
        }) ==
        "marginal: a variable is named twice\n"
        "  found 1");
  CHECK(message_of([&] {
          (void)gaussian.conditional({0, 1}, {0, 0});
        }) ==
        "conditional: one value for each given variable, and one variable not given, expected\n"
        "  found 2 of 2 variables and 2 values");
  CHECK(message_of([&] { (void)gaussian.log_density(Vector{0}); }) ==
        "log_density: the point has another number of variables than the distribution\n"
        "  found 1, expected 2");
  CHECK(message_of([] { (void)merge({}, {}); }) ==
        "merge: one weight for each mixture, and at least one mixture, expected\n"
        "  found 0 mixtures and 0 weights");
}

}  // namespace
}  // namespace forger::models
