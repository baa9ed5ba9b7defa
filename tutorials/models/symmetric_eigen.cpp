// The only file of the models that includes Eigen, which takes seconds to compile.
#define EIGEN_DONT_PARALLELIZE  // blocks, and so the last bits, would depend on the threads
#include <Eigen/Eigenvalues>
#include <cmath>
#include <string>

#include "autograd/error.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

SymmetricEigen symmetric_eigen(const Matrix& a, SourceLoc loc) {
  if (a.rows != a.columns || a.rows == 0) {
    fail(
        "symmetric_eigen", "the matrix is not square",
        {"found " + std::to_string(a.rows) + " rows and " + std::to_string(a.columns) + " columns"},
        loc);
  }
  for (const double value : a.values) {
    if (!std::isfinite(value)) {
      fail("symmetric_eigen", "the matrix is not finite", {"found " + std::to_string(value)}, loc);
    }
  }
  // Eigen stores by columns. Its lower triangle of the transpose would be ours above the diagonal.
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::MatrixXd copy = Eigen::Map<const RowMajor>(a.values.data(), a.rows, a.rows);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(copy);
  if (solver.info() != Eigen::Success) {
    fail("symmetric_eigen", "the eigenvalues do not converge",
         {"a  " + std::to_string(a.rows) + " x " + std::to_string(a.rows)}, loc);
  }
  SymmetricEigen result{Vector(static_cast<size_t>(a.rows)), Matrix(a.rows, a.rows)};
  for (int64_t i = 0; i < a.rows; ++i) {
    const int64_t from = a.rows - 1 - i;  // Eigen's are in ascending order
    const auto vector = solver.eigenvectors().col(from);
    int64_t largest = 0;
    vector.cwiseAbs().maxCoeff(&largest);
    const double sign = vector[largest] < 0 ? -1 : 1;
    result.values.data()[i] = solver.eigenvalues()[from];
    for (int64_t j = 0; j < a.rows; ++j) result.vectors[i][j] = sign * vector[j];
  }
  return result;
}

}  // namespace forger::models
