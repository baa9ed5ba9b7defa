#pragma once

#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

/// Logistic regression with several classes, a discriminative classifier: it models p(y | x) and
/// nothing else.
///
///     p(y | x) = exp(a_y) / sum over k of exp(a_k),  a = weight x + bias
struct LogisticRegression {
  Tensor weight;  // [classes, features]
  Tensor bias;    // [classes]
  Vector loss;    // after each iteration: cross entropy plus penalty, per example

  /// Returns p(y | x) [n, classes] of each row of x [n, features].
  Matrix posterior(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns the most probable class of each row.
  std::vector<int> predict(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
};

struct LogisticRegressionOptions {
  double penalty = 1;        // lambda: lambda |weight|^2 / 2 is added to the sum of cross entropies
  int64_t iterations = 100;  // at most
  double tolerance = 1e-4;   // ends when no element of the gradient per example is larger
};

/// Minimises the convex function
///
///     (sum over i of -log p(y_i | x_i) + lambda |weight|^2 / 2) / n
///
/// by L-BFGS, starting at 0. The products of matrices are the engine's, in float32. With a penalty
/// above 0 the minimum is unique, up to a constant that could be added to every bias. Features
/// should be of order 1.
LogisticRegression fit_logistic_regression(const Tensor& x, const std::vector<int>& labels,
                                           int classes,
                                           const LogisticRegressionOptions& options = {},
                                           SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
