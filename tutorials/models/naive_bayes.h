#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

/// Gaussian naive Bayes, a generative classifier. It describes each class y by a Gaussian per
/// feature, as if the features were independent of each other within the class:
///
///     log p(x, y) = log p(y) + sum over j of log N(x_j; mean[y][j], variance[y][j])
///
/// Bayes' rule turns the description into a classifier: p(y | x) = p(x, y) / sum over y of p(x, y).
struct NaiveBayes {
  Vector log_prior;       // [classes]: log p(y)
  Matrix mean, variance;  // [classes, features]

  /// Returns log p(x, y) [n, classes] of each row of x [n, features]. The sum of logarithms does
  /// not underflow, as the product of 784 densities would. `observed` has one element per feature
  /// and leaves out those that are false; the marginal distribution of the others remains, because
  /// the features are independent. An empty one observes all.
  Matrix log_joint(const Tensor& x, const std::vector<bool>& observed = {},
                   SourceLoc loc = SourceLoc::here()) const;
  /// Returns p(y | x) [n, classes].
  Matrix posterior(const Tensor& x, const std::vector<bool>& observed = {},
                   SourceLoc loc = SourceLoc::here()) const;
  /// Returns the most probable class of each row.
  std::vector<int> predict(const Tensor& x, const std::vector<bool>& observed = {},
                           SourceLoc loc = SourceLoc::here()) const;
  /// Returns one sample of each given class [labels, features].
  Tensor sample(const std::vector<int>& labels, Random& random,
                SourceLoc loc = SourceLoc::here()) const;
};

/// Counts the classes and takes mean and variance of each feature in each class. The variances are
/// raised by `smoothing` times the largest variance of a feature in all of x. Without that, a pixel
/// that never varies within a class would have variance 0, and no density. A class without
/// examples is never predicted: its prior is 0.
NaiveBayes fit_naive_bayes(const Tensor& x, const std::vector<int>& labels, int classes,
                           double smoothing = 1e-9, SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
