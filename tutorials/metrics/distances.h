#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/tensor.h"

/// All squared distances between the rows of two sets, by matrix products in blocks. The products
/// are rounded to float, so a comparison that is decided by less than their error is made again in
/// double. Neighbours and counts are therefore those of a computation in double, and the same on
/// every kernel set.
namespace forger::metrics {

/// Returns the squared distance of two rows of d features, summed in double.
inline double squared_distance(const Scalar* a, const Scalar* b, int64_t d) {
  double sum = 0;
  for (int64_t i = 0; i < d; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

/// The rows of features x [n, d], and the same rows relative to an origin. Distances do not depend
/// on the origin, but their rounding errors grow with the distance from it.
struct Points {
  Points(const Tensor& x, const std::vector<double>& origin);

  const Scalar* row(int64_t i) const { return x.data() + i * d; }

  Tensor x;                   // [n, d], as given
  int64_t n, d;               // rows, features per row
  Tensor centred;             // [n, d]
  Tensor squared_norms;       // [n], of the centred rows, as the kernel's bias
  std::vector<double> norms;  // [n], of the centred rows
  double largest_norm = 0;
};

/// Returns the mean of the rows of x [n, d], which is a good origin.
std::vector<double> mean_row(const Tensor& x);

/// What is known of a row i of `a` in for_each_block().
struct RowBounds {
  double squared_norm;  // |a_i|^2
  double error;         // bound on the error of every |a_i|^2 + partial[j]
};

/// Calls visit(i, first, count, partial, bounds) for each row i of `a` and each block of rows of
/// `b`: the rows first to first + count - 1. The squared distance of a_i and b_(first + j) is
/// bounds.squared_norm + partial[j], up to bounds.error. Calls for different rows run in parallel,
/// those for one row in the order of the blocks. `visit` must not throw or allocate.
///
/// The bound is that of a sum of d products in any order (Higham 2002, "Accuracy and Stability of
/// Numerical Algorithms", section 3.1), with the roundings of the rows and of the norms.
template <class Visit>
void for_each_block(const Points& a, const Points& b, const Visit& visit) {
  constexpr int64_t kRows = 256, kColumns = 2048;  // a tile of 2 MiB, which the L2 cache holds
  constexpr double kRounding = std::numeric_limits<float>::epsilon() / 2;
  const int64_t d = a.d;
  const Tensor tile = Tensor::empty({kRows, kColumns});
  const Tensor scaled = Tensor::empty({kRows, d});  // rows of a, times -2
  Scalar *products = tile.mutable_data(), *rows = scaled.mutable_data();
  const double reach = 2 * b.largest_norm;  // no distance within b is larger
  const double *norms = a.norms.data(), factor = static_cast<double>(d + 16) * kRounding;
  for (int64_t i0 = 0; i0 < a.n; i0 += kRows) {
    const int64_t m = std::min(kRows, a.n - i0);
    const Scalar* from = a.centred.data() + i0 * d;
    for (int64_t i = 0; i < m * d; ++i) rows[i] = -2 * from[i];
    for (int64_t first = 0; first < b.n; first += kColumns) {
      const int64_t count = std::min(kColumns, b.n - first);
      kernels::active().gemm({.m = m,
                              .n = count,
                              .k = d,
                              .a = rows,
                              .a_row = d,
                              .a_col = 1,
                              .b = b.centred.data() + first * d,
                              .b_row = 1,
                              .b_col = d,
                              .c = products,
                              .c_row = count,
                              .accumulate = false,
                              .bias = b.squared_norms.data() + first});
      kernels::parallel_chunks(m, 16, [=, &visit](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const double norm = norms[i0 + i], span = norm + reach;
          // The last term covers products that underflow.
          const RowBounds bounds{
              norm * norm,
              factor * (span * span) + static_cast<double>(d) * std::numeric_limits<float>::min()};
          visit(i0 + i, first, count, products + i * count, bounds);
        }
      });
    }
  }
}

}  // namespace forger::metrics
