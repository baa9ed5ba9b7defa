#include "tutorials/metrics/frechet.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "autograd/error.h"
#include "tutorials/metrics/features.h"

namespace forger::metrics {
namespace {

using models::Matrix;
using models::Moments;

/// Returns F^T with S = F F^T: row i is an eigenvector times the root of its eigenvalue. A negative
/// eigenvalue is a rounding error of 0.
Matrix factor(const Matrix& covariance, SourceLoc loc) {
  models::SymmetricEigen eigen = models::symmetric_eigen(covariance, loc);
  for (int64_t i = 0; i < covariance.rows; ++i) {
    const double root = std::sqrt(std::max(eigen.values[static_cast<size_t>(i)], 0.0));
    for (int64_t j = 0; j < covariance.rows; ++j) eigen.vectors[i][j] *= root;
  }
  return eigen.vectors;
}

/// Returns tr((S1 S2)^(1/2)). The eigenvalues of the symmetric matrix [[0, C], [C^T, 0]] are the
/// singular values of C = F1^T F2 and their negatives.
double trace_of_root(const Matrix& s1, const Matrix& s2, SourceLoc loc) {
  const Matrix f1 = factor(s1, loc), f2 = factor(s2, loc);
  const int64_t d = s1.rows;
  Matrix block(2 * d, 2 * d);
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j < d; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < d; ++k) sum += f2[i][k] * f1[j][k];
      block[d + i][j] = sum;  // C^T; only what is below the diagonal is read
    }
  }
  double sum = 0;
  for (const double value : models::symmetric_eigen(block, loc).values) sum += std::abs(value) / 2;
  return sum;
}

/// Returns the moments of the rows of x, with the unbiased covariance.
Moments unbiased_moments(const Tensor& x, SourceLoc loc) {
  Moments moments = models::moments(x, loc);
  const auto n = static_cast<double>(x.shape()[0]);
  for (double& value : moments.covariance.values) value *= n / (n - 1);
  return moments;
}

bool fit_together(const Moments& a, const Moments& b) {
  const auto d = static_cast<int64_t>(a.mean.size());
  return d > 0 && b.mean.size() == a.mean.size() && a.covariance.rows == d &&
         a.covariance.columns == d && b.covariance.rows == d && b.covariance.columns == d;
}

}  // namespace

double frechet_distance(const Moments& a, const Moments& b, SourceLoc loc) {
  if (!fit_together(a, b)) {
    const auto sizes = [](const Moments& m) {
      return std::to_string(m.mean.size()) + " means, covariance " +
             std::to_string(m.covariance.rows) + " x " + std::to_string(m.covariance.columns);
    };
    fail("frechet_distance", "the dimensions differ", {"a  " + sizes(a), "b  " + sizes(b)}, loc);
  }
  double distance = -2 * trace_of_root(a.covariance, b.covariance, loc);
  for (size_t i = 0; i < a.mean.size(); ++i) {
    const double shift = a.mean[i] - b.mean[i];
    const auto diagonal = static_cast<int64_t>(i);
    distance += shift * shift + a.covariance[diagonal][i] + b.covariance[diagonal][i];
  }
  return std::max(distance, 0.0);  // below 0 only by rounding
}

double frechet_distance(const Tensor& a, const Tensor& b, SourceLoc loc) {
  check_features("frechet_distance", "a", a, "b", b, 2, loc);
  return frechet_distance(unbiased_moments(a, loc), unbiased_moments(b, loc), loc);
}

}  // namespace forger::metrics
