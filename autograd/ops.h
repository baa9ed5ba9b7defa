#pragma once

#include <vector>

#include "autograd/graph.h"
#include "autograd/tensor.h"

/// The table of contents: every op, its shapes and its derivative. L is the loss, g = dL/dy.
/// Each op throws Error, naming itself, the shapes it found and the caller's line, when they
/// do not fit. The forward and the rule of an op stand side by side in ops/<family>.cpp.
namespace forger {

/// What an arithmetic operator takes: a tensor or a number. Its constructor takes down the user's
/// line, since an operator can have no default argument.
struct Operand {
  Operand(const Tensor& tensor, SourceLoc line = SourceLoc::here()) : value(tensor), loc(line) {}
  Operand(const Saved& saved, SourceLoc line = SourceLoc::here()) : value(saved.get()), loc(line) {}
  Operand(double number, SourceLoc line = SourceLoc::here())
      : value(Tensor::scalar(static_cast<Scalar>(number))), loc(line) {}

  Tensor value;
  SourceLoc loc;
};

// --- arithmetic.cpp: a and b broadcast as in NumPy; a gradient is summed back to its input's shape
Tensor add(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());  // da = g, db = g
Tensor sub(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());  // g, -g
Tensor mul(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());  // g b, g a
Tensor div(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());  // g/b, -g y/b

inline Tensor operator+(const Operand& a, const Operand& b) { return add(a.value, b.value, a.loc); }
inline Tensor operator-(const Operand& a, const Operand& b) { return sub(a.value, b.value, a.loc); }
inline Tensor operator*(const Operand& a, const Operand& b) { return mul(a.value, b.value, a.loc); }
inline Tensor operator/(const Operand& a, const Operand& b) { return div(a.value, b.value, a.loc); }

// --- unary.cpp: y has the shape of x
Tensor neg(const Tensor& x, SourceLoc loc = SourceLoc::here());   // -g
Tensor abs(const Tensor& x, SourceLoc loc = SourceLoc::here());   // g sign(x)
Tensor sign(const Tensor& x, SourceLoc loc = SourceLoc::here());  // 0: no node
Tensor sqrt(const Tensor& x, SourceLoc loc = SourceLoc::here());  // g / (2 y)
Tensor exp(const Tensor& x, SourceLoc loc = SourceLoc::here());   // g y
Tensor log(const Tensor& x, SourceLoc loc = SourceLoc::here());   // g / x
inline Tensor operator-(const Operand& x) { return neg(x.value, x.loc); }

// --- activation.cpp: y has the shape of x
/// max(x, 0); dx = g where x > 0, else 0.
Tensor relu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x where x > 0, slope * x elsewhere, slope >= 0; dx = g or slope * g (Maas et al. 2013).
Tensor leaky_relu(const Tensor& x, double slope = 0.01, SourceLoc loc = SourceLoc::here());
/// The rule of leaky_relu as an op: g where y > 0, slope * g elsewhere; linear in g.
Tensor leaky_relu_grad(const Tensor& g, const Tensor& y, double slope,
                       SourceLoc loc = SourceLoc::here());
Tensor tanh(const Tensor& x, SourceLoc loc = SourceLoc::here());  // g (1 - y^2)
/// The rule of tanh as an op: g (1 - y^2).
Tensor tanh_grad(const Tensor& g, const Tensor& y, SourceLoc loc = SourceLoc::here());
Tensor sigmoid(const Tensor& x, SourceLoc loc = SourceLoc::here());  // g y (1 - y)
/// The rule of sigmoid as an op: g y (1 - y).
Tensor sigmoid_grad(const Tensor& g, const Tensor& y, SourceLoc loc = SourceLoc::here());
/// log(1 + e^x) without overflow; dx = g sigmoid(x).
Tensor softplus(const Tensor& x, SourceLoc loc = SourceLoc::here());

// --- reduce.cpp
/// The sum over the given axes, or over all. keepdim leaves them as extent 1. dx = g broadcast.
Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor sum(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// The sum divided by the number of elements summed.
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keepdim = false,
            SourceLoc loc = SourceLoc::here());
Tensor mean(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x repeated to `shape`; the adjoint of sum_to: dx = sum_to(g).
Tensor broadcast_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// g summed over the axes along which `shape` was broadcast to it; the adjoint of broadcast_to.
Tensor sum_to(const Tensor& g, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// log(softmax(x)) over the last axis, by x - max - log(sum(exp(x - max))).
/// dx = g - softmax(x) sum(g).
Tensor log_softmax(const Tensor& x, SourceLoc loc = SourceLoc::here());

// --- layout.cpp
/// The same elements in row-major order under another shape; shares storage. dx = reshape_to(g).
Tensor reshape_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// The same, where one extent may be -1: whatever is left.
Tensor reshape(const Tensor& x, const std::vector<int64_t>& extents,
               SourceLoc loc = SourceLoc::here());
/// [n, ...] -> [n, the product of the rest].
Tensor flatten(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x[begin:end] along one axis; dx = pad(g).
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end,
             SourceLoc loc = SourceLoc::here());
/// Zeros before and after x along one axis; the adjoint of slice: dx = slice(g).
Tensor pad(const Tensor& x, int axis, int64_t before, int64_t after,
           SourceLoc loc = SourceLoc::here());
/// The parts one behind the other along one axis; the other extents agree. Each part gets its slice
/// of g.
Tensor concat(const std::vector<Tensor>& parts, int axis, SourceLoc loc = SourceLoc::here());

// --- matmul.cpp
struct MatMulOptions {
  bool transpose_a = false;  // a is given as [K, M]
  bool transpose_b = false;  // b is given as [N, K]
};
/// a [M, K] times b [K, N] -> [M, N]. da = g b^T, db = a^T g: products of the same kind.
Tensor matmul(const Tensor& a, const Tensor& b, MatMulOptions options = {},
              SourceLoc loc = SourceLoc::here());
/// x [N, I] times weight^T, weight [O, I], plus bias [O] if defined -> [N, O].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              SourceLoc loc = SourceLoc::here());

// --- conv.cpp: NCHW images, OIHW weights. T(x, w, g) = <conv2d(x, w), g> is linear in each
// argument, so the three ops are each other's derivatives and serve every order.
struct ConvOptions {
  int64_t stride = 1, padding = 0, dilation = 1;
};
/// The cross-correlation of x [N, C, H, W] with weight [O, C, KH, KW] -> [N, O, OH, OW],
/// OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1, rounded down. bias [O] if defined.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// dT/dx for g [N, O, OH, OW] and weight [O, C, KH, KW]: [N, C, h, w].
Tensor conv2d_input_grad(const Tensor& g, const Tensor& weight, int64_t h, int64_t w,
                         ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// dT/dw for g [N, O, OH, OW] and x [N, C, H, W]: [O, C, kh, kw].
Tensor conv2d_weight_grad(const Tensor& g, const Tensor& x, int64_t kh, int64_t kw,
                          ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// Transposed convolution: conv2d_input_grad under the name that generators use.
/// x [N, C, H, W], weight [C, O, KH, KW] -> [N, O, OH, OW],
/// OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1. bias [O] if defined.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        ConvOptions options = {}, int64_t output_padding = 0,
                        SourceLoc loc = SourceLoc::here());

// --- norm.cpp
/// What a training step of batch norm measured: mean and variance (biased) per channel, each [C].
struct BatchStats {
  Tensor mean, var;
};
/// Batch normalisation (Ioffe & Szegedy 2015, arXiv 1502.03167, algorithm 1) of x [N, C] or
/// [N, C, H, W] by the batch's own mean and variance per channel; weight and bias are [C]. At least
/// two values per channel. dx = weight rstd (g - mean(g) - xhat mean(g xhat)).
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5,
                  BatchStats* stats = nullptr, SourceLoc loc = SourceLoc::here());

// --- loss.cpp: one number, the mean over all elements
/// -mean(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))) for logits x and targets t of the same
/// shape, as mean(softplus(x) - t x), which cannot overflow. dx = (sigmoid(x) - t) / numel.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets,
                       SourceLoc loc = SourceLoc::here());
/// The same with one target for all: 1 says real, 0 says fake.
Tensor bce_with_logits(const Tensor& logits, double target, SourceLoc loc = SourceLoc::here());
/// -mean(log_softmax(x)[label]) for logits [N, classes] and N labels. Throws Error for a label
/// outside of [0, classes).
Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels,
                             SourceLoc loc = SourceLoc::here());
/// mean((a - b)^2).
Tensor mse(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());

}  // namespace forger
