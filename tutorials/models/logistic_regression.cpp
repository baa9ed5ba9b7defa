#include "tutorials/models/logistic_regression.h"

#include <cmath>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "tutorials/models/labels.h"
#include "tutorials/models/lbfgs.h"

namespace forger::models {
namespace {

/// Returns log p(y | x) [n, classes] of logits [n, classes].
Matrix log_softmax_rows(const Tensor& logits) {
  Matrix log_p(logits.shape()[0], logits.shape()[1]);
  const Scalar* a = logits.data();
  for (double& value : log_p.values) value = *a++;
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < log_p.rows; ++i) {
    const double total = log_sum_exp(log_p[i], log_p.columns);
    for (int64_t k = 0; k < log_p.columns; ++k) log_p[i][k] -= total;
  }
  return log_p;
}

/// Splits L-BFGS's vector into weight [classes, features] and, behind it, bias [classes].
std::pair<Tensor, Tensor> unpack(const Vector& parameters, int64_t classes, int64_t features) {
  const Tensor weight = Tensor::empty({classes, features}), bias = Tensor::empty({classes});
  Scalar *w = weight.mutable_data(), *b = bias.mutable_data();
  for (int64_t i = 0; i < weight.numel(); ++i) w[i] = static_cast<Scalar>(parameters.data()[i]);
  for (int64_t k = 0; k < classes; ++k) {
    b[k] = static_cast<Scalar>(parameters.data()[weight.numel() + k]);
  }
  return {weight, bias};
}

}  // namespace

LogisticRegression fit_logistic_regression(const Tensor& x, const std::vector<int>& labels,
                                           int classes, const LogisticRegressionOptions& options,
                                           SourceLoc loc) {
  const Examples rows = examples("fit_logistic_regression", x, loc);
  check_labels("fit_logistic_regression", labels, rows.count, classes, loc);
  if (!(options.penalty >= 0) || !std::isfinite(options.penalty)) {
    fail("fit_logistic_regression", "penalty out of range",
         {"found " + std::to_string(options.penalty) + ", expected a number of at least 0"}, loc);
  }
  const Tensor data = x.detach();
  const int64_t n = rows.count, d = rows.features, weights = classes * d;
  const double share = 1 / static_cast<double>(n);

  const auto objective = [&](const Vector& parameters, Vector& gradient) {
    const auto [weight, bias] = unpack(parameters, classes, d);
    const Matrix log_p = log_softmax_rows(linear(data, weight, bias));
    double loss = 0;
    // The derivative of -log p(y | x) by the logits is p - one_hot(y).
    const Tensor residual = Tensor::empty({n, classes});
    Scalar* r = residual.mutable_data();
    Vector bias_gradient(static_cast<size_t>(classes));
    for (int64_t i = 0; i < n; ++i) {
      const int label = labels.data()[i];
      loss -= share * log_p[i][label];
      for (int k = 0; k < classes; ++k) {
        const double slope = share * (std::exp(log_p[i][k]) - (k == label ? 1 : 0));
        bias_gradient.data()[k] += slope;
        *r++ = static_cast<Scalar>(slope);
      }
    }
    const Tensor weight_gradient = matmul(residual, data, {.transpose_a = true});
    for (int64_t j = 0; j < weights; ++j) {
      const double w = parameters.data()[j];
      loss += 0.5 * share * options.penalty * w * w;
      gradient.data()[j] = weight_gradient.data()[j] + share * options.penalty * w;
    }
    for (int k = 0; k < classes; ++k) {
      gradient.data()[weights + k] = bias_gradient.data()[k];
    }
    return loss;
  };
  const Minimum minimum =
      minimise(objective, Vector(static_cast<size_t>(weights + classes)),
               {.iterations = options.iterations, .tolerance = options.tolerance});
  const auto [weight, bias] = unpack(minimum.x, classes, d);
  return {weight, bias, {minimum.values.begin() + 1, minimum.values.end()}};
}

Matrix LogisticRegression::posterior(const Tensor& x, SourceLoc loc) const {
  examples("posterior", x, weight.shape()[1], loc);
  Matrix p = log_softmax_rows(linear(x.detach(), weight, bias));
  for (double& value : p.values) value = std::exp(value);
  return p;
}

std::vector<int> LogisticRegression::predict(const Tensor& x, SourceLoc loc) const {
  return row_argmax(posterior(x, loc));
}

}  // namespace forger::models
