#include "tutorials/models/naive_bayes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "autograd/error.h"
#include "tutorials/models/labels.h"

namespace forger::models {
namespace {

/// Adds row[j] of f(example, feature) to the row of the example's class. A thread owns some of the
/// columns, so that each sum is taken in the order of the examples.
template <class F>
Matrix sum_by_class(const Examples& x, const std::vector<int>& labels, int classes, const F& f) {
  constexpr int64_t kColumns = 64;
  Matrix sums(classes, x.features);
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < x.features; first += kColumns) {
    const int64_t last = std::min(x.features, first + kColumns);
    for (int64_t i = 0; i < x.count; ++i) {
      const int label = labels.data()[i];
      double* row = sums[label];
      for (int64_t j = first; j < last; ++j) row[j] += f(x[i][j], label, j);
    }
  }
  return sums;
}

}  // namespace

NaiveBayes fit_naive_bayes(const Tensor& x, const std::vector<int>& labels, int classes,
                           double smoothing, SourceLoc loc) {
  const Examples rows = examples("fit_naive_bayes", x, loc);
  check_labels("fit_naive_bayes", labels, rows.count, classes, loc);
  if (!(smoothing >= 0) || !std::isfinite(smoothing)) {
    fail("fit_naive_bayes", "smoothing out of range",
         {"found " + std::to_string(smoothing) + ", expected a number of at least 0"}, loc);
  }
  const int64_t d = rows.features;
  const double n = static_cast<double>(rows.count);
  Vector counts(static_cast<size_t>(classes));
  for (const int label : labels) ++counts.data()[label];

  NaiveBayes model;
  const auto value = [](double v, int, int64_t) { return v; };
  model.mean = sum_by_class(rows, labels, classes, value);
  Vector overall_mean(static_cast<size_t>(d));
  for (int k = 0; k < classes; ++k) {
    const double count = counts.data()[k];
    model.log_prior.push_back(std::log(count / n));  // -infinity without examples
    for (int64_t j = 0; j < d; ++j) {
      overall_mean.data()[j] += model.mean[k][j] / n;
      if (count > 0) model.mean[k][j] /= count;
    }
  }
  const Matrix& mean = model.mean;
  model.variance = sum_by_class(rows, labels, classes, [&mean](double v, int label, int64_t j) {
    const double deviation = v - mean[label][j];
    return deviation * deviation;
  });

  // The variance of all examples is the mean variance within classes plus that of the classes'
  // means.
  double largest = 0;
  for (int64_t j = 0; j < d; ++j) {
    double sum = 0;
    for (int k = 0; k < classes; ++k) {
      const double between = mean[k][j] - overall_mean.data()[j];
      sum += model.variance[k][j] + counts.data()[k] * between * between;
    }
    largest = std::max(largest, sum / n);
  }
  for (int k = 0; k < classes; ++k) {
    for (int64_t j = 0; j < d; ++j) {
      double& variance = model.variance[k][j];
      variance = variance / std::max(1.0, counts.data()[k]) + smoothing * largest;
      if (variance > 0 || counts.data()[k] == 0) continue;
      fail("fit_naive_bayes", "a feature does not vary within a class, so it has no density",
           {"found class " + std::to_string(k) + ", feature " + std::to_string(j),
            "expected features that vary, or a smoothing above 0"},
           loc);
    }
  }
  return model;
}

Matrix NaiveBayes::log_joint(const Tensor& x, const std::vector<bool>& observed,
                             SourceLoc loc) const {
  const Examples rows = examples("log_joint", x, mean.columns, loc);
  if (!observed.empty() && static_cast<int64_t>(observed.size()) != mean.columns) {
    fail("log_joint", "one element of `observed` for each feature expected",
         {"found " + std::to_string(observed.size()) + " for " + std::to_string(mean.columns)},
         loc);
  }
  // log N(v; m, s^2) = -log(2 pi s^2) / 2 - (v - m)^2 / (2 s^2). The first term is the same for all
  // examples. A feature that is not observed gets the factor 0 in both.
  Vector constant = log_prior;
  Matrix half_precision(mean.rows, mean.columns);
  for (int64_t k = 0; k < mean.rows; ++k) {
    if (log_prior.data()[k] == -std::numeric_limits<double>::infinity()) continue;
    for (int64_t j = 0; j < mean.columns; ++j) {
      if (!observed.empty() && !observed[static_cast<size_t>(j)]) continue;
      constant.data()[k] -= 0.5 * std::log(2 * std::numbers::pi * variance[k][j]);
      half_precision[k][j] = 0.5 / variance[k][j];
    }
  }
  Matrix result(rows.count, mean.rows);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows.count; ++i) {
    for (int64_t k = 0; k < mean.rows; ++k) {
      const Scalar* v = rows[i];
      const double *m = mean[k], *factor = half_precision[k];
      double sum = constant.data()[k];
      for (int64_t j = 0; j < mean.columns; ++j) sum -= factor[j] * (v[j] - m[j]) * (v[j] - m[j]);
      result[i][k] = sum;
    }
  }
  return result;
}

Matrix NaiveBayes::posterior(const Tensor& x, const std::vector<bool>& observed,
                             SourceLoc loc) const {
  Matrix p = log_joint(x, observed, loc);
  for (int64_t i = 0; i < p.rows; ++i) {
    const double evidence = log_sum_exp(p[i], p.columns);  // log p(x)
    for (int64_t k = 0; k < p.columns; ++k) p[i][k] = std::exp(p[i][k] - evidence);
  }
  return p;
}

std::vector<int> NaiveBayes::predict(const Tensor& x, const std::vector<bool>& observed,
                                     SourceLoc loc) const {
  return row_argmax(log_joint(x, observed, loc));
}

Tensor NaiveBayes::sample(const std::vector<int>& labels, Random& random, SourceLoc loc) const {
  const int64_t n = static_cast<int64_t>(labels.size()), d = mean.columns;
  check_labels("sample", labels, n, static_cast<int>(mean.rows), loc);
  const Tensor x = random.normal({n, d}, 0, 1, loc);
  Scalar* out = x.mutable_data();
  for (int64_t i = 0; i < n; ++i) {
    const double *m = mean[labels.data()[i]], *v = variance[labels.data()[i]];
    for (int64_t j = 0; j < d; ++j, ++out) {
      *out = static_cast<Scalar>(m[j] + std::sqrt(v[j]) * *out);
    }
  }
  return x;
}

}  // namespace forger::models
