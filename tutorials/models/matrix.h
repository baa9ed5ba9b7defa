#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// Matrices of doubles, and the linear algebra of the models.
namespace forger::models {

using Vector = std::vector<double>;

/// A dense matrix of doubles, row-major. m[i][j] is the element in row i and column j.
struct Matrix {
  int64_t rows = 0, columns = 0;
  Vector values;

  Matrix() = default;
  /// Makes a matrix of zeros.
  Matrix(int64_t r, int64_t c) : rows(r), columns(c), values(static_cast<size_t>(r * c)) {}

  double* operator[](int64_t i) { return values.data() + i * columns; }
  const double* operator[](int64_t i) const { return values.data() + i * columns; }
};

/// Returns the lower triangular matrix L with L L^T = a, by Cholesky's method. Reads the lower
/// triangle of a. Throws Error unless a is square, symmetric positive definite and finite.
Matrix cholesky(const Matrix& a, SourceLoc loc = SourceLoc::here());
/// Replaces b by L^-1 b: forward substitution.
void solve_lower(const Matrix& l, double* b);
/// Replaces b by L^-T b: back substitution.
void solve_lower_transposed(const Matrix& l, double* b);
/// Returns log det(L L^T), twice the sum of the logarithms on the diagonal.
double log_determinant(const Matrix& l);

struct SymmetricEigen {
  Vector values;   // in descending order
  Matrix vectors;  // row i belongs to values[i]; length 1, its largest element is positive
};
/// Returns the eigenvalues and eigenvectors of a symmetric matrix, computed by Eigen. Reads the
/// lower triangle of a. Throws Error unless a is square and finite.
SymmetricEigen symmetric_eigen(const Matrix& a, SourceLoc loc = SourceLoc::here());

/// Returns the covariance of the rows of x [n, d] around their mean, divided by n (maximum
/// likelihood), and the mean. Throws Error unless x is a matrix of finite numbers with n, d >= 1.
struct Moments {
  Vector mean;        // [d]
  Matrix covariance;  // [d, d]
};
Moments moments(const Tensor& x, SourceLoc loc = SourceLoc::here());

/// The rows of a tensor [n, d], one example a row.
struct Examples {
  const Scalar* data;
  int64_t count, features;

  const Scalar* operator[](int64_t i) const { return data + i * features; }
};
/// Returns the rows of x. Throws Error, naming `op`, unless x is a matrix of finite numbers with at
/// least one row and one column.
Examples examples(const char* op, const Tensor& x, SourceLoc loc);
/// As above. Throws Error also unless x has `features` columns.
Examples examples(const char* op, const Tensor& x, int64_t features, SourceLoc loc);

/// Returns log(sum(exp(x))) of n numbers, without overflow: the largest is factored out. Returns
/// -infinity if all numbers are -infinity.
double log_sum_exp(const double* x, int64_t n);

/// Returns |x - y|^2. The order of the sum is fixed. Its eight partial sums fill vector registers.
double squared_distance(const Scalar* x, const double* y, int64_t n);

}  // namespace forger::models
