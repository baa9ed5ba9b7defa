#pragma once

#include <cstdint>

#include "autograd/kernels/kernels.h"

/// Kernels that all sets share. They move memory or run rarely, so the compiler's vectorisation is
/// enough. The rules of kernels.h apply here too.
namespace forger::kernels {

void maximum(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);  // NaN if either is
void minimum(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);  // NaN if either is
void pow(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
// Comparisons: y is 1 where the comparison holds, else 0.
void equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void not_equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void less(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void less_equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
// y is 1 where a > b, 1/2 where a = b, else 0.
void step(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);

/// Computes y = a b, and 0 where b is 0 even if a is infinite or NaN.
void masked(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
/// n numbers, or one number that stands for n equal ones.
struct Repeatable {
  const Scalar* data;
  bool single;
};
/// Computes y = a where condition is not 0, else b.
void where(int64_t n, const Scalar* condition, Repeatable a, Repeatable b, Scalar* y);

void rsqrt(int64_t n, const Scalar* x, Scalar* y);
void erf(int64_t n, const Scalar* x, Scalar* y);
void sin(int64_t n, const Scalar* x, Scalar* y);
void cos(int64_t n, const Scalar* x, Scalar* y);
void erfc(int64_t n, const Scalar* x, Scalar* y);   // 1 - erf(x), precise for large x
void log1p(int64_t n, const Scalar* x, Scalar* y);  // log(1 + x), precise near 0
void expm1(int64_t n, const Scalar* x, Scalar* y);  // e^x - 1, precise near 0
void expm2(int64_t n, const Scalar* x, Scalar* y);  // e^x - 1 - x, precise near 0
/// Computes y = x where x > 0, alpha (e^x - 1) elsewhere.
void elu(int64_t n, Scalar alpha, const Scalar* x, Scalar* y);

/// Computes the largest element of each set of elements that `sum` would add, NaN if one is NaN. No
/// set may be empty.
void max(const Reduce&, const Scalar* x, Scalar* y);

/// The extents of a dense y and the strides of x along the same axes. A stride may be negative.
struct Strided {
  int64_t extent[5];
  int64_t stride[5];
};
/// Copies y[i0, .., i4] = x[i0 stride[0] + ... + i4 stride[4]].
void copy_strided(const Strided&, const Scalar* x, Scalar* y);

/// Extents of a gather along the middle axis: x [outer, extent, inner], y [outer, count, inner].
struct Gather {
  int64_t outer, extent, count, inner;
};
/// Computes y[o, i, k] = x[o, index[o, i, k], k]. index has the shape of y.
void gather(const Gather&, const Scalar* x, const int64_t* index, Scalar* y);
/// Computes the adjoint: x[o, index[o, i, k], k] += y[o, i, k], in the order of i. The caller sets
/// x to zero before.
void scatter_add(const Gather&, const Scalar* y, const int64_t* index, Scalar* x);
/// Computes y[o, i, k] = x[o, index[i], k]. index [count] is the same for all o and k.
void index_select(const Gather&, const Scalar* x, const int64_t* index, Scalar* y);
/// Computes the adjoint of index_select: x[o, index[i], k] += y[o, i, k], as scatter_add does.
void index_add(const Gather&, const Scalar* y, const int64_t* index, Scalar* x);
/// Computes index[o, k] = the i of the largest x[o, i, k]. The first of equal elements counts, and
/// NaN counts as the largest. The extent is at least 1.
void argmax(const Gather&, const Scalar* x, int* index);

/// A sparse matrix [out, in] in compressed rows. Row i has the entries begin[i] to begin[i + 1] - 1
/// of index (the columns) and weight (the values).
struct SparseRows {
  int64_t out, in;
  const int64_t* begin;
  const int64_t* index;
  const Scalar* weight;
};
/// Computes y [rows.out, columns.out] = rows x columns^T for each plane x [rows.in, columns.in].
/// `scratch` holds planes * columns.in numbers.
void resample(int64_t planes, const SparseRows& rows, const SparseRows& columns, const Scalar* x,
              Scalar* scratch, Scalar* y);

/// The options of one step of gradient descent; see nn/optim.h.
struct Sgd {
  double lr, momentum, weight_decay;
  bool nesterov;
};
/// Updates p and the momentum v in place, in the calling thread. v may be null if momentum is 0.
void sgd(const Sgd&, int64_t n, const Scalar* g, Scalar* p, Scalar* v);
/// The options of one step of RMSprop; see nn/optim.h.
struct RmsProp {
  double lr, alpha, eps, weight_decay, momentum;
};
/// Updates p, the mean square and the momentum v in place, in the calling thread. v may be null if
/// momentum is 0.
void rmsprop(const RmsProp&, int64_t n, const Scalar* g, Scalar* p, Scalar* square, Scalar* v);

/// The geometry of max pooling: x is [planes, h, w], the result is [planes, oh, ow].
struct MaxPool {
  int64_t planes, h, w, oh, ow, kernel, stride, padding;
};
/// Computes the position of each window's largest element in its plane, row * w + column. Padding
/// is never the largest. The first of equal elements counts, and NaN counts as the largest.
void max_pool_index(const MaxPool&, const Scalar* x, int64_t* index);

}  // namespace forger::kernels
