#pragma once

#include <cstdint>

#include "autograd/kernels/kernels.h"

/// Kernels of which there is one for all sets: they move memory or are rare, so the compiler's own
/// vectors do. The rules of kernels.h hold here too.
namespace forger::kernels {

void maximum(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);  // NaN wins
void minimum(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void pow(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
// 1 where it holds, else 0
void equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void not_equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void less(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
void less_equal(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);

/// y = a b, and 0 where b is 0 though a is infinite or NaN.
void masked(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
/// y = a where condition is not 0, else b.
void where(int64_t n, const Scalar* condition, const Scalar* a, const Scalar* b, Scalar* y);

void rsqrt(int64_t n, const Scalar* x, Scalar* y);
void erf(int64_t n, const Scalar* x, Scalar* y);
void sin(int64_t n, const Scalar* x, Scalar* y);
void cos(int64_t n, const Scalar* x, Scalar* y);
void erfc(int64_t n, const Scalar* x, Scalar* y);   // 1 - erf(x), with all digits for large x
void expm1(int64_t n, const Scalar* x, Scalar* y);  // e^x - 1, with all digits near 0
void expm2(int64_t n, const Scalar* x, Scalar* y);  // e^x - 1 - x, with all digits near 0
/// y = x where x > 0, alpha (e^x - 1) elsewhere.
void elu(int64_t n, Scalar alpha, const Scalar* x, Scalar* y);

/// The largest element where sum() has the sum; NaN wins. No sum may be empty.
void max(const Reduce&, const Scalar* x, Scalar* y);

/// y, dense with these extents, from x[i0 stride0 + ... + i4 stride4]; a stride may be negative.
struct Strided {
  int64_t extent[5];
  int64_t stride[5];
};
void copy_strided(const Strided&, const Scalar* x, Scalar* y);

/// x [outer, extent, inner], index and y [outer, count, inner]: y[o, i, k] = x[o, index[o, i, k],
/// k].
struct Gather {
  int64_t outer, extent, count, inner;
};
void gather(const Gather&, const Scalar* x, const int64_t* index, Scalar* y);
/// The adjoint: x[o, index[o, i, k], k] += y[o, i, k] in the order of i, x being zero before.
void scatter_add(const Gather&, const Scalar* y, const int64_t* index, Scalar* x);
/// The same with one index [count] for all o and k: y[o, i, k] = x[o, index[i], k].
void index_select(const Gather&, const Scalar* x, const int64_t* index, Scalar* y);
void index_add(const Gather&, const Scalar* y, const int64_t* index, Scalar* x);
/// index [outer, inner], each the place of the largest x[o, i, k] along i: the first of equal
/// elements, a NaN before all. The extent is at least 1.
void argmax(const Gather&, const Scalar* x, int* index);

/// A sparse matrix [out, in]: row i has the entries begin[i] .. begin[i + 1] - 1.
struct SparseRows {
  int64_t out, in;
  const int64_t* begin;
  const int64_t* index;
  const Scalar* weight;
};
/// y [planes, rows.out, columns.out] = rows x columns^T for each plane x [rows.in, columns.in].
/// `scratch` has room for planes * columns.in numbers.
void resample(int64_t planes, const SparseRows& rows, const SparseRows& columns, const Scalar* x,
              Scalar* scratch, Scalar* y);

/// One step of gradient descent or RMSprop; see nn/optim.h. v may be null where momentum is 0.
struct Sgd {
  double lr, momentum, weight_decay;
  bool nesterov;
};
void sgd(const Sgd&, int64_t n, const Scalar* g, Scalar* p, Scalar* v);
struct RmsProp {
  double lr, alpha, eps, weight_decay, momentum;
};
void rmsprop(const RmsProp&, int64_t n, const Scalar* g, Scalar* p, Scalar* square, Scalar* v);

/// Where the largest element of each window lies in its plane x [h, w]: index [planes, oh, ow].
/// Padding is never the largest; the first of equal elements is taken, and a NaN before all.
struct MaxPool {
  int64_t planes, h, w, oh, ow, kernel, stride, padding;
};
void max_pool_index(const MaxPool&, const Scalar* x, int64_t* index);

}  // namespace forger::kernels
