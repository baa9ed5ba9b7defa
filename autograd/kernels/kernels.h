#pragma once

#include <cstdint>

#include "autograd/scalar.h"

/// Kernels are plain functions on plain pointers. The ops allocate the results and check the
/// arguments. Every array is dense and row-major unless its strides are given.
///
/// An output must not overlap an input, with two exceptions. A pointwise kernel may write to an
/// input with the same extents as the output, and batch_norm_grad may write dx to g.
///
/// Results do not depend on the number of threads. The extents alone determine how a sum is divided
/// into partial sums, and these are combined in a fixed order.
namespace forger::kernels {

/// A matrix product: C = leaky_relu(P + bias, slope) with P = A B, or P = C + A B if `accumulate`
/// is set. A is [M, K], B is [K, N], C is [M, N]. Any extent may be 0; A B is 0 if K is 0.
///
/// Element (i, j) of A is a[i * a_row + j * a_col], and likewise for B, so a transposed operand is
/// the same storage with its strides swapped. At least one of the two strides of A, and one of the
/// two of B, is 1.
struct Gemm {
  int64_t m, n, k;
  const Scalar* a;
  int64_t a_row, a_col;
  const Scalar* b;
  int64_t b_row, b_col;
  Scalar* c;
  int64_t c_row;  // leading dimension of C; its column stride is 1
  bool accumulate;
  const Scalar* bias = nullptr;  // [N], added to every row, or null
  Scalar slope = 1;              // of the leaky ReLU; 1: no activation
};

/// The geometry of a 2-D cross-correlation, shared by conv2d and its two gradients:
///
///     y[n, o, i, j] = sum over c, p, q of x[n, c, row, column] * weight[o, c, p, q],
///     row = i * stride + p * dilation - padding, column = j * stride + q * dilation - padding
///
/// x is 0 outside its extents. oh = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1, rounded
/// down, and likewise ow. If the division leaves a remainder, the last rows of x are not used.
///
/// A kernel may add neighbouring elements before it multiplies (Winograd, see simd/winograd.h).
/// Then an infinite element gives NaN wherever it or its neighbour contributes. An element that is
/// much smaller than its neighbours loses digits.
struct Conv2d {
  int64_t n, c, h, w;  // x       [n, c, h, w]
  int64_t o, kh, kw;   // weight  [o, c, kh, kw]
  int64_t oh, ow;      // y       [n, o, oh, ow]
  int64_t stride, padding, dilation;
};

/// The extents of y = f(a, b), outermost first, and the strides of a and b along these axes. A
/// stride is 0 where the operand is broadcast. y is dense. The caller merges axes as far as the
/// strides allow, so operands of the same shape have extent {1, 1, 1, numel}.
struct Broadcast {
  int64_t extent[4];
  int64_t a_stride[4];
  int64_t b_stride[4];
};

/// The extents of a sum over some axes of x. The caller merges axes, so that kept and summed axes
/// alternate: x is [keep0, sum0, keep1, sum1], outermost first, and y is [keep0, keep1]. Any extent
/// may be 1.
struct Reduce {
  int64_t keep0, sum0, keep1, sum1;
};

/// The extents of x [n, c, s] in batch norm. s is H * W for images and 1 for a matrix.
struct Channels {
  int64_t n, c, s;
};

/// One step of Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1). The caller folds the two bias
/// corrections into step_size = lr / (1 - beta1^t) and sqrt_correction = sqrt(1 - beta2^t). p is
/// multiplied by `shrink` before its step: 1 for Adam, the factor of the weight decay for AdamW.
struct Adam {
  double beta1, beta2, eps, weight_decay, shrink, step_size, sqrt_correction;
};

/// The position of an array of random numbers in the output of the generator Philox4x32-10. `seed`
/// is the generator's key. Its 128-bit counter has `stream` as the upper half and `counter`, the
/// index of the array's first block, as the lower half. A block gives four numbers.
struct Philox {
  uint64_t seed, stream, counter;
};

/// The kernels of one instruction set.
struct Kernels {
  const char* name;         // the value of FORGER_KERNELS that selects this set
  const char* description;  // shown to the user

  void (*gemm)(const Gemm&);

  void (*conv2d)(const Conv2d&, const Scalar* x, const Scalar* weight, Scalar* y);
  void (*conv2d_input_grad)(const Conv2d&, const Scalar* g, const Scalar* weight, Scalar* dx);
  void (*conv2d_weight_grad)(const Conv2d&, const Scalar* g, const Scalar* x, Scalar* dweight);

  void (*add)(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
  void (*sub)(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
  void (*mul)(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);
  void (*div)(const Broadcast&, const Scalar* a, const Scalar* b, Scalar* y);

  void (*neg)(int64_t n, const Scalar* x, Scalar* y);
  void (*abs)(int64_t n, const Scalar* x, Scalar* y);
  void (*sign)(int64_t n, const Scalar* x, Scalar* y);  // -1, 0 or 1; NaN stays NaN
  void (*sqrt)(int64_t n, const Scalar* x, Scalar* y);
  void (*exp)(int64_t n, const Scalar* x, Scalar* y);
  void (*log)(int64_t n, const Scalar* x, Scalar* y);
  void (*tanh)(int64_t n, const Scalar* x, Scalar* y);
  void (*sigmoid)(int64_t n, const Scalar* x, Scalar* y);
  void (*softplus)(int64_t n, const Scalar* x, Scalar* y);  // log(1 + e^x), without overflow

  /// Computes y = x where x > 0, slope * x elsewhere. For slope 0 (ReLU) the product slope * x is 0
  /// even if x is infinite, and NaN only if x is NaN. leaky_relu_grad treats slope * g in this way.
  void (*leaky_relu)(int64_t n, Scalar slope, const Scalar* x, Scalar* y);
  /// Computes dx = g where y > 0, slope * g elsewhere. y is the output of leaky_relu, which is
  /// positive exactly where the input is.
  void (*leaky_relu_grad)(int64_t n, Scalar slope, const Scalar* g, const Scalar* y, Scalar* dx);
  void (*tanh_grad)(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);     // g (1 - y^2)
  void (*sigmoid_grad)(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);  // g y (1 - y)

  void (*sum)(const Reduce&, const Scalar* x, Scalar* y);

  /// Computes y = leaky_relu((x - mean) * rstd * weight + bias, slope) per channel. mean and var
  /// are the batch's mean and mean squared deviation. rstd is 1 / sqrt(var + eps). The kernel
  /// writes mean, var and rstd too, each [c]. Slope 1 means no activation.
  void (*batch_norm)(const Channels&, Scalar eps, Scalar slope, const Scalar* x,
                     const Scalar* weight, const Scalar* bias, Scalar* y, Scalar* mean, Scalar* var,
                     Scalar* rstd);
  /// Computes the gradients of batch_norm: dx [n, c, s], dweight [c] and dbias [c]. dx may be g.
  /// Unless slope is 1, the sign of y is computed again from x. bias may be null for slope 1.
  void (*batch_norm_grad)(const Channels&, Scalar slope, const Scalar* g, const Scalar* x,
                          const Scalar* weight, const Scalar* bias, const Scalar* mean,
                          const Scalar* rstd, Scalar* dx, Scalar* dweight, Scalar* dbias);

  /// Updates p, m and v in place, in the calling thread. g is the gradient.
  void (*adam)(const Adam&, int64_t n, const Scalar* g, Scalar* p, Scalar* m, Scalar* v);

  // Random numbers: block counter + i gives y[4 i] to y[4 i + 3]. The last block may be used in
  // part. All sets give the same bits.
  /// Writes min(low + (high - low) u, most), where u is the upper 24 bits of a word as a fraction.
  /// `most` is the largest Scalar below high: without it some sums would round up to high.
  void (*uniform)(const Philox&, double low, double high, double most, int64_t n, Scalar* y);
  /// Writes normally distributed numbers, two from each pair of words (Box & Muller 1958, "A note
  /// on the generation of random normal deviates", Annals of Mathematical Statistics 29).
  void (*normal)(const Philox&, double mean, double stddev, int64_t n, Scalar* y);
};

/// Returns the kernel set in use: the one named by the environment variable FORGER_KERNELS, else
/// the fastest that this processor supports. Throws Error if that name is unknown or unsupported.
/// The float64 build has only the reference and ignores the variable.
const Kernels& active();

/// Returns the number of sets that this processor supports.
int available_count();
/// Returns supported set i, 0 <= i < available_count(). Set 0 is the reference.
const Kernels& available(int i);

/// Switches to another set, for tests and benchmarks. Takes the names of FORGER_KERNELS and throws
/// the same Error.
void activate(const char* name);

/// Adds a set, which is used only if it is selected by name. Call it before main(), because no lock
/// protects the list of sets. The set must live as long as the process.
void offer(const Kernels& set);

// Each set has its own file. Only dispatch.cpp checks whether the processor supports it.
extern const Kernels kReference;
extern const Kernels kAvx2;
extern const Kernels kAvx512;

}  // namespace forger::kernels
