#include "tutorials/models/gaussian.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "autograd/error.h"

namespace forger::models {
namespace {

const double kLog2Pi = std::log(2 * std::numbers::pi);

/// Throws Error unless `indices` are different numbers from 0 to dimensions - 1.
void check_indices(const char* op, const std::vector<int64_t>& indices, int64_t dimensions,
                   SourceLoc loc) {
  std::vector<bool> seen(static_cast<size_t>(dimensions));
  for (const int64_t index : indices) {
    if (index < 0 || index >= dimensions) {
      fail(op, "no such variable",
           {"found " + std::to_string(index) + ", expected 0 to " + std::to_string(dimensions - 1)},
           loc);
    }
    if (seen[static_cast<size_t>(index)]) {
      fail(op, "a variable is named twice", {"found " + std::to_string(index)}, loc);
    }
    seen[static_cast<size_t>(index)] = true;
  }
}

/// Returns the numbers 0 to dimensions - 1 that are not among `indices`.
std::vector<int64_t> others(const std::vector<int64_t>& indices, int64_t dimensions) {
  std::vector<int64_t> rest;
  for (int64_t i = 0; i < dimensions; ++i) {
    if (std::find(indices.begin(), indices.end(), i) == indices.end()) rest.push_back(i);
  }
  return rest;
}

Matrix block(const Matrix& a, const std::vector<int64_t>& rows,
             const std::vector<int64_t>& columns) {
  Matrix b(static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size()));
  for (int64_t i = 0; i < b.rows; ++i) {
    for (int64_t j = 0; j < b.columns; ++j) b[i][j] = a[rows.data()[i]][columns.data()[j]];
  }
  return b;
}

}  // namespace

double Gaussian::log_density(double x) const {
  const double z = (x - mean) / stddev;
  return -0.5 * (kLog2Pi + z * z) - std::log(stddev);
}

double Gaussian::sample(Random& random) const { return mean + stddev * random.normal(); }

Gaussian fit_gaussian(const Vector& x, SourceLoc loc) {
  if (x.empty()) fail("fit_gaussian", "at least one number expected", {"found none"}, loc);
  double sum = 0;
  for (const double value : x) sum += value;
  const double n = static_cast<double>(x.size());
  const double mean = sum / n;
  if (!std::isfinite(mean)) {
    fail("fit_gaussian", "finite numbers expected", {"found the sum " + std::to_string(sum)}, loc);
  }
  double squares = 0;
  for (const double value : x) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / n)};
}

Vector MultivariateGaussian::log_density(const Tensor& x, SourceLoc loc) const {
  const Examples rows = examples("log_density", x, dimensions(), loc);
  const GaussianDensity density(*this, loc);
  Vector result(static_cast<size_t>(rows.count));
  density(rows, 0, rows.count, result.data(), 1);
  return result;
}

double MultivariateGaussian::log_density(const Vector& x, SourceLoc loc) const {
  if (x.size() != mean.size()) {
    fail("log_density", "the point has another number of variables than the distribution",
         {"found " + std::to_string(x.size()) + ", expected " + std::to_string(mean.size())}, loc);
  }
  const Matrix root = cholesky(covariance, loc);
  Vector y = x;
  for (size_t i = 0; i < y.size(); ++i) y[i] -= mean[i];
  solve_lower(root, y.data());
  double sum = static_cast<double>(dimensions()) * kLog2Pi + log_determinant(root);
  for (const double value : y) sum += value * value;
  return -0.5 * sum;
}

Tensor MultivariateGaussian::sample(int64_t n, Random& random, SourceLoc loc) const {
  const Matrix root = cholesky(covariance, loc);
  const int64_t d = dimensions();
  const Tensor e = random.normal({n, d}, 0, 1, loc);
  const Tensor x = Tensor::empty({n, d});
  Scalar* out = x.mutable_data();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < d; ++j) {
      double value = mean.data()[j];
      for (int64_t k = 0; k <= j; ++k) value += root[j][k] * e.data()[i * d + k];
      out[i * d + j] = static_cast<Scalar>(value);
    }
  }
  return x;
}

MultivariateGaussian MultivariateGaussian::marginal(const std::vector<int64_t>& kept,
                                                    SourceLoc loc) const {
  check_indices("marginal", kept, dimensions(), loc);
  MultivariateGaussian result{{}, block(covariance, kept, kept)};
  for (const int64_t i : kept) result.mean.push_back(mean.data()[i]);
  return result;
}

MultivariateGaussian MultivariateGaussian::conditional(const std::vector<int64_t>& given,
                                                       const Vector& values, SourceLoc loc) const {
  check_indices("conditional", given, dimensions(), loc);
  if (values.size() != given.size() || static_cast<int64_t>(given.size()) == dimensions()) {
    fail("conditional", "one value for each given variable, and one variable not given, expected",
         {"found " + std::to_string(given.size()) + " of " + std::to_string(dimensions()) +
          " variables and " + std::to_string(values.size()) + " values"},
         loc);
  }
  const std::vector<int64_t> hidden = others(given, dimensions());
  MultivariateGaussian result = marginal(hidden, loc);
  if (given.empty()) return result;

  // With S_gg = L L^T, S_hg S_gg^-1 r = (L^-1 S_gh)^T (L^-1 r): only triangular systems are solved.
  const Matrix l = cholesky(block(covariance, given, given), loc);
  Vector r = values;
  for (size_t i = 0; i < given.size(); ++i) r[i] -= mean.data()[given[i]];
  solve_lower(l, r.data());
  Matrix w = block(covariance, hidden, given);  // row h becomes L^-1 S_gh
  for (int64_t h = 0; h < w.rows; ++h) solve_lower(l, w[h]);
  for (int64_t a = 0; a < w.rows; ++a) {
    for (int64_t g = 0; g < w.columns; ++g) result.mean.data()[a] += w[a][g] * r.data()[g];
    for (int64_t b = 0; b < w.rows; ++b) {
      for (int64_t g = 0; g < w.columns; ++g) result.covariance[a][b] -= w[a][g] * w[b][g];
    }
  }
  return result;
}

MultivariateGaussian fit_multivariate_gaussian(const Tensor& x, SourceLoc loc) {
  Moments fitted = moments(x, loc);
  return {fitted.mean, fitted.covariance};
}

GaussianDensity::GaussianDensity(const MultivariateGaussian& gaussian, SourceLoc loc)
    : mean_(gaussian.mean), root_(cholesky(gaussian.covariance, loc)) {
  log_normaliser_ =
      -0.5 * (static_cast<double>(gaussian.dimensions()) * kLog2Pi + log_determinant(root_));
}

void GaussianDensity::operator()(const Examples& x, int64_t begin, int64_t end, double* out,
                                 int64_t stride) const {
  // (x - mean)^T S^-1 (x - mean) = |y|^2 with L y = x - mean. Forward substitution runs for several
  // examples side by side, one in each lane of the vector registers.
  constexpr int64_t kLanes = 16;
  const int64_t d = root_.rows;
  Matrix y(d, kLanes);
  for (int64_t first = begin; first < end; first += kLanes) {
    const int64_t count = std::min(kLanes, end - first);
    double squares[kLanes] = {};
    for (int64_t i = 0; i < d; ++i) {
      double* yi = y[i];
      for (int64_t lane = 0; lane < count; ++lane) {
        yi[lane] = x[first + lane][i] - mean_.data()[i];
      }
      for (int64_t j = 0; j < i; ++j) {
        const double factor = root_[i][j];
        const double* yj = y[j];
        for (int64_t lane = 0; lane < kLanes; ++lane) yi[lane] -= factor * yj[lane];
      }
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        yi[lane] /= root_[i][i];
        squares[lane] += yi[lane] * yi[lane];
      }
    }
    for (int64_t lane = 0; lane < count; ++lane) {
      out[(first + lane) * stride] = log_normaliser_ - 0.5 * squares[lane];
    }
  }
}

}  // namespace forger::models
