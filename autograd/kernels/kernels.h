#pragma once

#include <cstdint>

#include "autograd/scalar.h"

/// Kernels are plain functions on plain pointers: they know no tensor, allocate no result and check
/// no argument (the ops do). Every array is dense and row-major unless a stride says otherwise, and
/// an output never overlaps an input, except that a pointwise kernel may write onto an input of the
/// same extents, and batch_norm_grad onto g. Results do not depend on the number of threads: a sum
/// is cut by the extents alone, and its parts are combined in order.
namespace forger::kernels {

/// C = A B, or C += A B, and + bias in every row if there is one, and then leaky_relu of that;
/// slope 1 is none. A is M x K, B is K x N, C is M x N, bias has N numbers. Element (i, j) of A is
/// a[i * a_row + j * a_col], so a transposed operand is the same storage with its strides swapped.
/// One of the two strides of A and of B is 1. Any extent may be 0; for K = 0 the product is 0.
struct Gemm {
  int64_t m, n, k;
  const Scalar* a;
  int64_t a_row, a_col;
  const Scalar* b;
  int64_t b_row, b_col;
  Scalar* c;
  int64_t c_row;
  bool accumulate;
  const Scalar* bias = nullptr;
  Scalar slope = 1;
};

/// The geometry of a 2-D cross-correlation, shared by its three directions:
/// y[n,o,i,j] = sum over c,p,q of x[n, c, i*stride + p*dilation - padding, j*stride + q*dilation -
/// padding] * weight[o,c,p,q], where x is 0 outside its extents.
/// oh = (h + 2*padding - dilation*(kh-1) - 1) / stride + 1 rounded down, ow likewise; the division
/// may leave a remainder, whose rows of x take no part. A kernel may add neighbours before it
/// multiplies (simd/winograd.h): then a number that is infinite gives NaN where it or its neighbour
/// takes part, and what is small beside its neighbours keeps fewer digits.
struct Conv2d {
  int64_t n, c, h, w;  // x       [n, c, h, w]
  int64_t o, kh, kw;   // weight  [o, c, kh, kw]
  int64_t oh, ow;      // y       [n, o, oh, ow]
  int64_t stride, padding, dilation;
};

/// The common extents of y = f(a, b), outermost first, and the strides of a and b along them: 0
/// where an operand is broadcast. y is dense. Axes are merged beforehand as far as the strides
/// allow, so operands of the same shape arrive as extent {1, 1, 1, numel}.
struct Broadcast {
  int64_t extent[4];
  int64_t a_stride[4];
  int64_t b_stride[4];
};

/// A sum over some axes of x. Axes are merged beforehand, so they alternate between kept and
/// summed: x is [keep0, sum0, keep1, sum1], outermost first, any extent may be 1; y is [keep0,
/// keep1].
struct Reduce {
  int64_t keep0, sum0, keep1, sum1;
};

/// Batch norm sees x as [n, c, s]: s is H*W, or 1 for a matrix.
struct Channels {
  int64_t n, c, s;
};

/// One step of Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1); the caller has folded the
/// two bias corrections into step_size = lr / (1 - beta1^t) and sqrt_correction = sqrt(1 -
/// beta2^t). p is multiplied by `shrink` before its step: 1, or AdamW's weight decay.
struct Adam {
  double beta1, beta2, eps, weight_decay, shrink, step_size, sqrt_correction;
};

/// Where an array of random numbers begins: at block `counter` of the generator Philox4x32-10 with
/// this seed as its key, `stream` being the upper half of its counter. Four numbers a block.
struct Philox {
  uint64_t seed, stream, counter;
};

/// One instruction set's kernels.
struct Kernels {
  const char* name;         // the word FORGER_KERNELS takes
  const char* description;  // for people

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

  /// y = x where x > 0, slope * x elsewhere. Slope 0 is ReLU: there the product is 0 even where x
  /// (below, g) is infinite, and NaN only where that is.
  void (*leaky_relu)(int64_t n, Scalar slope, const Scalar* x, Scalar* y);
  /// dx = g where y > 0, slope * g elsewhere; y, the forward's output, has the sign of its input.
  void (*leaky_relu_grad)(int64_t n, Scalar slope, const Scalar* g, const Scalar* y, Scalar* dx);
  void (*tanh_grad)(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);     // g (1 - y^2)
  void (*sigmoid_grad)(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx);  // g y (1 - y)

  void (*sum)(const Reduce&, const Scalar* x, Scalar* y);

  /// y = (x - mean) * rstd * weight + bias per channel, with the batch's own mean and
  /// rstd = 1 / sqrt(var + eps), var the mean of the squared deviations. mean, var and rstd are
  /// written too, each [c]. y passes through leaky_relu as it is written; slope 1 is none.
  void (*batch_norm)(const Channels&, Scalar eps, Scalar slope, const Scalar* x,
                     const Scalar* weight, const Scalar* bias, Scalar* y, Scalar* mean, Scalar* var,
                     Scalar* rstd);
  /// All three gradients of batch_norm: dx [n, c, s], which may be g, dweight [c], dbias [c]. For
  /// another slope than 1 the sign of y is computed again, from x; bias may be null for slope 1.
  void (*batch_norm_grad)(const Channels&, Scalar slope, const Scalar* g, const Scalar* x,
                          const Scalar* weight, const Scalar* bias, const Scalar* mean,
                          const Scalar* rstd, Scalar* dx, Scalar* dweight, Scalar* dbias);

  /// p, m and v in place; g is the gradient.
  void (*adam)(const Adam&, int64_t n, const Scalar* g, Scalar* p, Scalar* m, Scalar* v);

  // Random numbers: y[4 i] to y[4 i + 3] are made of block counter + i, the last block's as far as
  // n goes. All sets give the same bits.
  /// Uniform in [low, high), by the upper 24 bits of a word each.
  void (*uniform)(const Philox&, double low, double high, int64_t n, Scalar* y);
  /// Normal, two words for two numbers (Box & Muller 1958, "A note on the generation of random
  /// normal deviates", Annals of Mathematical Statistics 29).
  void (*normal)(const Philox&, double mean, double stddev, int64_t n, Scalar* y);
};

/// The kernel set in use: the best that this processor supports, or the one that the environment
/// variable FORGER_KERNELS names. Throws Error for a name that is unknown or not supported here.
const Kernels& active();

/// How many sets this processor supports, and each of them, the reference first.
int available_count();
const Kernels& available(int i);

/// Switches to another set, by the same names and with the same error; for tests and benchmarks.
void activate(const char* name);

/// Adds a set that is used only where its name asks for it. To be called before main(), for nothing
/// guards it; the set must live as long as the process.
void offer(const Kernels& set);

// Each set lives in a file of its own; dispatch.cpp alone decides whether it may be called.
extern const Kernels kReference;
extern const Kernels kAvx2;
extern const Kernels kAvx512;

}  // namespace forger::kernels
