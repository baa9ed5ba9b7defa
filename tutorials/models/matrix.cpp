#include "tutorials/models/matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "autograd/error.h"

namespace forger::models {

Matrix cholesky(const Matrix& a, SourceLoc loc) {
  if (a.rows != a.columns) {
    fail(
        "cholesky", "the matrix is not square",
        {"found " + std::to_string(a.rows) + " rows and " + std::to_string(a.columns) + " columns"},
        loc);
  }
  Matrix l(a.rows, a.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (int64_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      if (j < i) {
        l[i][j] = sum / l[j][j];
      } else if (sum > 0 && std::isfinite(sum)) {
        l[i][i] = std::sqrt(sum);
      } else {
        fail("cholesky", "the matrix is not positive definite",
             {"found " + std::to_string(sum) + " as the square of L[" + std::to_string(i) + "][" +
                  std::to_string(i) + "]",
              "expected a finite number above 0"},
             loc);
      }
    }
  }
  return l;
}

void solve_lower(const Matrix& l, double* b) {
  for (int64_t i = 0; i < l.rows; ++i) {
    for (int64_t j = 0; j < i; ++j) b[i] -= l[i][j] * b[j];
    b[i] /= l[i][i];
  }
}

void solve_lower_transposed(const Matrix& l, double* b) {
  for (int64_t i = l.rows; i-- > 0;) {
    b[i] /= l[i][i];
    for (int64_t j = 0; j < i; ++j) b[j] -= l[i][j] * b[i];
  }
}

double log_determinant(const Matrix& l) {
  double sum = 0;
  for (int64_t i = 0; i < l.rows; ++i) sum += std::log(l[i][i]);
  return 2 * sum;
}

Moments moments(const Tensor& x, SourceLoc loc) {
  const Examples rows = examples("moments", x, loc);
  const int64_t n = rows.count, d = rows.features;
  Moments result{Vector(static_cast<size_t>(d)), Matrix(d, d)};
  double* mean = result.mean.data();
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < d; ++j) mean[j] += rows[i][j];
  }
  for (int64_t j = 0; j < d; ++j) mean[j] /= static_cast<double>(n);

  // Blocks of examples stay in cache while all rows of the covariance pass over them. A thread owns
  // some of these rows, so that each element is summed in the order of the examples.
  constexpr int64_t kBlock = 64;
  Matrix centred(kBlock, d);
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t count = std::min(kBlock, n - first);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < d; ++j) centred[i][j] = rows[first + i][j] - mean[j];
    }
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t a = 0; a < d; ++a) {
      double* sums = result.covariance[a];
      for (int64_t i = 0; i < count; ++i) {
        const double* row = centred[i];
        const double factor = row[a];
        for (int64_t b = 0; b <= a; ++b) sums[b] += factor * row[b];
      }
    }
  }
  for (int64_t a = 0; a < d; ++a) {
    for (int64_t b = 0; b <= a; ++b) {
      result.covariance[a][b] /= static_cast<double>(n);
      result.covariance[b][a] = result.covariance[a][b];
    }
  }
  return result;
}

Examples examples(const char* op, const Tensor& x, SourceLoc loc) {
  if (x.rank() != 2 || x.numel() == 0) {
    fail(op, "the examples must be a matrix with at least one row and one column",
         {"x  " + x.shape().str() + "  (examples, features)"}, loc);
  }
  const Examples rows{x.data(), x.shape()[0], x.shape()[1]};
  const Scalar* bad =
      std::find_if_not(rows.data, rows.data + x.numel(), [](Scalar v) { return std::isfinite(v); });
  if (bad != rows.data + x.numel()) {
    const int64_t at = bad - rows.data;
    fail(op, "the examples must be finite",
         {"found " + std::to_string(*bad) + " in row " + std::to_string(at / rows.features) +
          ", column " + std::to_string(at % rows.features)},
         loc);
  }
  return rows;
}

Examples examples(const char* op, const Tensor& x, int64_t features, SourceLoc loc) {
  const Examples rows = examples(op, x, loc);
  if (rows.features != features) {
    fail(op, "the model was fitted to another number of features",
         {"found " + std::to_string(rows.features) + ", expected " + std::to_string(features)},
         loc);
  }
  return rows;
}

double log_sum_exp(const double* x, int64_t n) {
  const double largest = *std::max_element(x, x + n);
  if (largest == -std::numeric_limits<double>::infinity()) return largest;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - largest);
  return largest + std::log(sum);
}

double squared_distance(const Scalar* x, const double* y, int64_t n) {
  constexpr int64_t kParts = 8;
  double parts[kParts] = {};
  int64_t i = 0;
  for (; i + kParts <= n; i += kParts) {
    for (int64_t p = 0; p < kParts; ++p) {
      const double difference = x[i + p] - y[i + p];
      parts[p] += difference * difference;
    }
  }
  double sum = 0;
  for (; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  for (const double part : parts) sum += part;
  return sum;
}

}  // namespace forger::models
