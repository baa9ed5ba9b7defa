#pragma once

#include <concepts>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/tensor.h"

/// The table of contents: every op with its shapes, its derivative and its source. L is the loss,
/// y the result of an op, g = dL/dy its cotangent, and dx = dL/dx the gradient of an input x.
///
/// An op throws Error if an argument is undefined or if the shapes do not fit. The error names the
/// op, the shapes and the caller's line. The comments list other errors where they are not obvious.
///
/// ops/<family>.cpp holds the forward of each op and, next to it, its rule. The rule is the struct
/// whose backward() computes the gradients.
namespace forger {

class Random;

/// An argument of an arithmetic operator: a tensor or a number. The constructor records the
/// caller's line, because an operator cannot have a default argument.
class Operand {
 public:
  Operand(const Tensor& tensor, SourceLoc line = SourceLoc::here()) : value(tensor), loc(line) {}
  Operand(Tensor&& tensor, SourceLoc line = SourceLoc::here())
      : owned_(std::move(tensor)), value(owned_), loc(line) {}
  Operand(const Saved& saved, SourceLoc line = SourceLoc::here()) : value(saved.get()), loc(line) {}
  Operand(double number, SourceLoc line = SourceLoc::here())
      : Operand(Tensor::scalar(static_cast<Scalar>(number)), line) {}
  Operand(const Operand&) = delete;  // a copy's `value` could refer to the original's owned_
  Operand& operator=(const Operand&) = delete;

 private:
  Tensor owned_;  // a temporary tensor, or a number as a tensor; else undefined

 public:
  const Tensor& value;
  SourceLoc loc;
};

// --- arithmetic.cpp: elementwise ops of two operands, which broadcast as in NumPy. A gradient is
// summed over the axes along which its input was broadcast.

/// Returns a + b. da = g, db = g.
Tensor add(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());
/// Returns a - b. da = g, db = -g.
Tensor sub(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());
/// Returns a b. da = g b, db = g a.
Tensor mul(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());
/// Returns a / b. da = g / b, db = -g y / b.
Tensor div(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());

inline Tensor operator+(const Operand& a, const Operand& b) { return add(a.value, b.value, a.loc); }
inline Tensor operator-(const Operand& a, const Operand& b) { return sub(a.value, b.value, a.loc); }
inline Tensor operator*(const Operand& a, const Operand& b) { return mul(a.value, b.value, a.loc); }
inline Tensor operator/(const Operand& a, const Operand& b) { return div(a.value, b.value, a.loc); }
/// Returns the larger of a and b, and NaN where either is NaN. The larger gets g. Where they are
/// equal, each gets g / 2. Neither gets a gradient where one is NaN.
Tensor maximum(const Operand& a, const Operand& b);
/// Returns the smaller of a and b, and NaN where either is NaN. The smaller gets g. Where they are
/// equal, each gets g / 2. Neither gets a gradient where one is NaN.
Tensor minimum(const Operand& a, const Operand& b);
/// Returns a^b as std::pow computes it. da = g b a^(b-1), or 0 where b is 0. db = g y log(a), or 0
/// where a <= 0. The mixed second derivative at a = b = 0, which is infinite, is given as 1.
Tensor pow(const Operand& a, const Operand& b);

// --- compare.cpp: comparisons of operands that broadcast. The result is 1 where the comparison
// holds, else 0. It is piecewise constant, so it has no node in the graph.
Tensor equal(const Operand& a, const Operand& b);          // a == b
Tensor not_equal(const Operand& a, const Operand& b);      // a != b
Tensor less(const Operand& a, const Operand& b);           // a < b
Tensor less_equal(const Operand& a, const Operand& b);     // a <= b
Tensor greater(const Operand& a, const Operand& b);        // a > b
Tensor greater_equal(const Operand& a, const Operand& b);  // a >= b
/// Returns a where condition is not 0, b elsewhere. All three broadcast. da = g where condition is
/// not 0, db = g elsewhere. The condition gets no gradient.
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
/// Returns x limited to [low, high]. dx = g where low <= x <= high, else 0. Throws Error unless
/// low <= high.
Tensor clamp(const Tensor& x, double low, double high, SourceLoc loc = SourceLoc::here());

// --- unary.cpp: elementwise functions; y has the shape of x.
Tensor neg(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = -g
Tensor abs(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = g sign(x)
Tensor sign(const Tensor& x, SourceLoc loc = SourceLoc::here());   // -1, 0 or 1; it has no node
Tensor sqrt(const Tensor& x, SourceLoc loc = SourceLoc::here());   // dx = g / (2 y), 0 where y is 0
Tensor rsqrt(const Tensor& x, SourceLoc loc = SourceLoc::here());  // 1 / sqrt(x); dx = -g y^3 / 2
Tensor exp(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = g y
Tensor log(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = g / x
Tensor erf(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = g 2/sqrt(pi) exp(-x^2)
Tensor sin(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = g cos(x)
Tensor cos(const Tensor& x, SourceLoc loc = SourceLoc::here());    // dx = -g sin(x)
inline Tensor operator-(const Operand& x) { return neg(x.value, x.loc); }

// --- activation.cpp: elementwise functions; y has the shape of x.

/// Returns max(x, 0). dx = g where x > 0, else 0.
Tensor relu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns x where x > 0, slope * x elsewhere. dx = g where x > 0, else slope * g. Throws Error
/// unless slope is finite and at least 0. Maas et al. 2013, "Rectifier Nonlinearities Improve
/// Neural Network Acoustic Models", section 2.
Tensor leaky_relu(const Tensor& x, double slope = 0.01, SourceLoc loc = SourceLoc::here());
/// Returns the gradient of leaky_relu: g where y > 0, slope * g elsewhere. It is linear in g, and
/// its derivative by y is 0. Throws Error unless slope is finite and at least 0.
Tensor leaky_relu_grad(const Tensor& g, const Tensor& y, double slope,
                       SourceLoc loc = SourceLoc::here());
/// Returns tanh(x). dx = g (1 - y^2).
Tensor tanh(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns the gradient of tanh, g (1 - y^2). Its derivatives are 1 - y^2 by g and -2 g y by y.
Tensor tanh_grad(const Tensor& g, const Tensor& y, SourceLoc loc = SourceLoc::here());
/// Returns 1 / (1 + e^-x). dx = g y (1 - y).
Tensor sigmoid(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns the gradient of sigmoid, g y (1 - y). Its derivatives are y (1 - y) by g and
/// g (1 - 2 y) by y.
Tensor sigmoid_grad(const Tensor& g, const Tensor& y, SourceLoc loc = SourceLoc::here());
/// Returns log(1 + e^x), computed without overflow. dx = g sigmoid(x).
Tensor softplus(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns x where x > 0, alpha (e^x - 1) elsewhere. dx = g where x > 0, else g alpha e^x. Throws
/// Error unless alpha is finite and at least 0. Clevert et al. 2016, arXiv 1511.07289, section 3.
Tensor elu(const Tensor& x, double alpha = 1, SourceLoc loc = SourceLoc::here());
/// Returns x Phi(x), where Phi is the distribution function of the standard normal, computed by
/// erfc. dx = g (Phi(x) + x Phi'(x)). Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2.
Tensor gelu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns x s with s = sigmoid(x). dx = g (s + y (1 - s)). Hendrycks & Gimpel 2016, arXiv
/// 1606.08415, section 2; as Swish: Ramachandran et al. 2017, arXiv 1710.05941.
Tensor silu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns x / (1 - p) with probability 1 - p, else 0. dx = g / (1 - p) where x was kept, else 0.
/// Throws Error unless 0 <= p < 1. Srivastava et al. 2014, JMLR 15; section 10 scales in training,
/// as here.
Tensor dropout(const Tensor& x, double p, Random& random, SourceLoc loc = SourceLoc::here());

// --- reduce.cpp: reductions and broadcasts.

/// One axis or a list of axes. A negative axis counts from the end.
struct Axes : std::vector<int> {
  template <std::same_as<int> Axis>  // converts int only: max(x, 0.5) does not compile
  Axes(Axis axis) : vector{axis} {}
  Axes(std::initializer_list<int> axes) : vector(axes) {}
  Axes(std::vector<int> axes) : vector(std::move(axes)) {}
};
/// Returns the sum over the given axes, or over all axes. keepdim keeps each summed axis with
/// extent 1. dx = g broadcast to x. As in every reduction, an axis given twice is an Error.
Tensor sum(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor sum(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns the sum divided by the number of elements summed. dx = g / count, broadcast. Throws
/// Error if x has no elements.
Tensor mean(const Tensor& x, const Axes& axes, bool keepdim = false,
            SourceLoc loc = SourceLoc::here());
Tensor mean(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns x repeated to `shape`, by the rules of broadcasting. dx = sum_to(g).
Tensor broadcast_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// Returns g summed over the axes along which broadcast_to() would repeat `shape`. It is the
/// adjoint of broadcast_to: its derivative is broadcast_to.
Tensor sum_to(Tensor g, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// Returns the largest element over the given axes, or over all axes. Elements that tie for the
/// largest share g equally. Throws Error if x has no elements.
Tensor max(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor max(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns the smallest element over the given axes, or over all axes. Elements that tie for the
/// smallest share g equally. Throws Error if x has no elements.
Tensor min(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor min(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns the index of the largest element along one axis, for each place along the other axes in
/// row-major order. The first of equal elements counts, and NaN counts as the largest. Logits
/// [N, classes] give N labels for one_hot() and softmax_cross_entropy(). It has no gradient.
std::vector<int> argmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());
/// Returns the sum of squared deviations from the mean, divided by count - correction. Correction 1
/// gives the unbiased estimate. dx = 2 g (x - mean) / (count - correction). Throws Error unless
/// 0 <= correction < count.
Tensor var(const Tensor& x, const Axes& axes, int correction = 1, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor var(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns log(sum(exp(x))) without overflow, as m + log(sum(exp(x - m))) with m = max(x).
/// dx = g exp(x - y).
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim = false,
                 SourceLoc loc = SourceLoc::here());
/// Returns exp(x) / sum(exp(x)) along one axis: NaN if all are -infinity. dx = y (g - sum(g y)).
Tensor softmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());
/// Returns log(softmax(x)), as x - m - log1p(r) with m = max(x), where r is the sum of exp(x - m)
/// over all elements but the first largest. This keeps the digits of a result close to 0.
/// dx = g - softmax(x) sum(g).
Tensor log_softmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());

// --- layout.cpp: other shapes, slices and joins.

/// Returns the elements of x in row-major order under another shape. The result shares x's storage.
/// dx = reshape_to(g).
Tensor reshape_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// Returns x reshaped to these extents. One extent may be -1: it follows from the other extents and
/// x's number of elements. Throws Error if no extent fits there.
Tensor reshape(const Tensor& x, const std::vector<int64_t>& extents,
               SourceLoc loc = SourceLoc::here());
/// Reshapes [n, ...] to [n, product of the other extents]. Throws Error for a scalar.
Tensor flatten(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// An `end` for slice() that means the end of the axis.
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
/// Returns x[begin:end] along one axis. dx = pad(g). As in Python, a negative begin or end counts
/// from the end of the axis. Throws Error for a range that is not within the axis.
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end = kEnd,
             SourceLoc loc = SourceLoc::here());
/// Returns x at one index along one axis, without that axis. A negative index counts from the end.
/// dx is g at that index, 0 elsewhere.
Tensor select(const Tensor& x, int axis, int64_t index, SourceLoc loc = SourceLoc::here());
/// Returns x cut into equal parts along one axis. dx holds the gradients of the parts in the same
/// order. Throws Error unless the number of parts divides the extent.
std::vector<Tensor> chunk(const Tensor& x, int parts, int axis, SourceLoc loc = SourceLoc::here());
/// Returns x with `before` zeros before it and `after` zeros after it along one axis. It is the
/// adjoint of slice: dx = slice(g).
Tensor pad(const Tensor& x, int axis, int64_t before, int64_t after,
           SourceLoc loc = SourceLoc::here());
/// Returns the parts joined along one axis, in order. Their other extents must be equal. Each part
/// gets its slice of g.
Tensor concat(const std::vector<Tensor>& parts, int axis, SourceLoc loc = SourceLoc::here());
/// Returns the parts joined along a new axis. Their shapes must be equal. Part i gets
/// select(g, axis, i).
Tensor stack(const std::vector<Tensor>& parts, int axis, SourceLoc loc = SourceLoc::here());

// --- permute.cpp: reordered axes and elements.

/// Returns x with its axes reordered: axis i of y is axis axes[i] of x. dx = permute(g) by the
/// inverse permutation.
Tensor permute(const Tensor& x, const std::vector<int>& axes, SourceLoc loc = SourceLoc::here());
/// Returns x with two axes exchanged. dx = transpose(g, a, b).
Tensor transpose(const Tensor& x, int a, int b, SourceLoc loc = SourceLoc::here());
/// Returns x in reverse order along the given axes. dx = flip(g, axes).
Tensor flip(const Tensor& x, const Axes& axes, SourceLoc loc = SourceLoc::here());
/// Moves channels to pixels: [N, C r^2, H, W] -> [N, C, H r, W r]. dx = pixel_unshuffle(g, r).
/// Shi et al. 2016, arXiv 1609.05158, section 2.2.
Tensor pixel_shuffle(const Tensor& x, int64_t r, SourceLoc loc = SourceLoc::here());
/// Moves pixels to channels: [N, C, H r, W r] -> [N, C r^2, H, W]. dx = pixel_shuffle(g, r).
Tensor pixel_unshuffle(const Tensor& x, int64_t r, SourceLoc loc = SourceLoc::here());

// --- index.cpp: gather and scatter. Every index must be at least 0 and less than the extent that
// it addresses; any other index is an Error.

/// An array of integers, in row-major order.
struct Indices {
  Shape shape;
  std::vector<int64_t> values;
};
/// Returns y[.., i, ..] = x[.., index[.., i, ..], ..] along one axis. The other extents of x and
/// index must be equal. dx = scatter_add(g).
Tensor gather(const Tensor& x, int axis, const Indices& index, SourceLoc loc = SourceLoc::here());
/// Returns zeros, of `extent` along the axis, to which each element of g is added at its index. It
/// is the adjoint of gather: its derivative is gather.
Tensor scatter_add(const Tensor& g, int axis, const Indices& index, int64_t extent,
                   SourceLoc loc = SourceLoc::here());
/// Returns the slices of x at these indices along one axis. dx = index_add(g).
Tensor index_select(const Tensor& x, int axis, const std::vector<int64_t>& indices,
                    SourceLoc loc = SourceLoc::here());
/// Returns zeros, of `extent` along the axis, to which each slice of g is added at its index. It is
/// the adjoint of index_select: its derivative is index_select.
Tensor index_add(const Tensor& g, int axis, const std::vector<int64_t>& indices, int64_t extent,
                 SourceLoc loc = SourceLoc::here());
/// Returns the rows of weight [classes, D] at these labels: [labels, D]. dweight = index_add(g).
Tensor embedding(const Tensor& weight, const std::vector<int>& labels,
                 SourceLoc loc = SourceLoc::here());
/// Returns [labels, classes] with 1 at each label, 0 elsewhere. It has no gradient.
Tensor one_hot(const std::vector<int>& labels, int64_t classes, SourceLoc loc = SourceLoc::here());

// --- resample.cpp: images x [N, C, H, W]. All ops but max_pool2d are resample2d with different
// weights: a sparse matrix multiplies each axis. Their gradient is dx = resample2d(g) with both
// matrices transposed.

/// A sparse matrix [out, in] in compressed rows. Row i has the entries begin[i] to
/// begin[i + 1] - 1 of index (the columns) and weight (the values).
struct SparseMatrix {
  int64_t out = 0, in = 0;
  std::vector<int64_t> begin{0}, index;
  std::vector<Scalar> weight;
  /// Returns the transpose. Throws Error if the fields contradict each other.
  SparseMatrix transposed(SourceLoc loc = SourceLoc::here()) const;
};
/// Returns y[n, c] = rows x[n, c] columns^T: [N, C, rows.out, columns.out].
Tensor resample2d(const Tensor& x, const SparseMatrix& rows, const SparseMatrix& columns,
                  SourceLoc loc = SourceLoc::here());
/// The windows of a pooling op, in pixels along both axes.
struct PoolOptions {
  int64_t kernel;                 // height and width of a window
  int64_t stride = 0;             // 0: equal to kernel
  int64_t padding = 0;            // on each side, at most kernel / 2
  bool count_include_pad = true;  // for avg_pool2d: padding counts as zeros
};
/// Returns the mean of each window: [N, C, H, W] -> [N, C, OH, OW], where
/// OH = (H + 2 padding - kernel) / stride + 1, rounded down.
Tensor avg_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc = SourceLoc::here());
/// Returns the largest element of each window, with the shape of avg_pool2d. The first of equal
/// elements gets g, and NaN counts as the largest. Padding is never the largest.
Tensor max_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc = SourceLoc::here());
/// Returns means over h x w windows: [N, C, H, W] -> [N, C, h, w]. Window i covers the rows from
/// i H / h, rounded down, to (i + 1) H / h, rounded up.
Tensor adaptive_avg_pool2d(const Tensor& x, int64_t h, int64_t w,
                           SourceLoc loc = SourceLoc::here());
/// Returns x resized to [N, C, h, w] by nearest neighbours: y[i] = x[floor(i H / h)].
Tensor upsample_nearest2d(const Tensor& x, int64_t h, int64_t w, SourceLoc loc = SourceLoc::here());
/// Returns x resized to [N, C, h, w] by linear interpolation along both axes. Pixel i has its
/// centre at i + 1/2. With align_corners the centres of the corner pixels coincide instead.
Tensor upsample_bilinear2d(const Tensor& x, int64_t h, int64_t w, bool align_corners = false,
                           SourceLoc loc = SourceLoc::here());
/// Returns [N, C, H + 2 padding, W + 2 padding]: each side is extended by mirror images of the
/// inner pixels. The edge pixels are not repeated. Throws Error unless 0 <= padding < min(H, W).
Tensor reflection_pad2d(const Tensor& x, int64_t padding, SourceLoc loc = SourceLoc::here());

// --- matmul.cpp: matrix products.

struct MatMulOptions {
  bool transpose_a = false;  // a is given as [K, M]
  bool transpose_b = false;  // b is given as [N, K]
};
/// Returns the product of a [M, K] and b [K, N]: [M, N]. da = g b^T, db = a^T g. Up to two leading
/// axes, equal in a and b, form a batch: [B, M, K] and [B, K, N] give [B, M, N].
Tensor matmul(const Tensor& a, const Tensor& b, MatMulOptions options = {},
              SourceLoc loc = SourceLoc::here());
/// Returns x weight^T + bias for x [..., I], weight [O, I] and an optional bias [O]: [..., O].
/// dx = g weight, dweight = g^T x, dbias = g summed over the leading axes.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              SourceLoc loc = SourceLoc::here());
/// Returns leaky_relu(linear(x, weight, bias), slope), equal bit for bit. The matrix kernel applies
/// the activation as it writes the product. Throws Error unless slope >= 0.
Tensor linear_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias, double slope,
                         SourceLoc loc = SourceLoc::here());

// --- conv.cpp: convolutions of NCHW images with OIHW weights. T(x, w, g) = <conv2d(x, w), g> is
// linear in each argument. conv2d, conv2d_input_grad and conv2d_weight_grad are its derivatives by
// g, x and w. The rule of each calls the other two, so that derivatives of every order exist.

/// Stride, padding (zeros on each side) and dilation (distance of two taps), in pixels along both
/// axes.
struct ConvOptions {
  int64_t stride = 1, padding = 0, dilation = 1;
};
/// Returns the cross-correlation of x [N, C, H, W] with weight [O, C, KH, KW], plus an optional
/// bias [O]: [N, O, OH, OW].
/// OH = (H + 2 padding - dilation (KH - 1) - 1) / stride + 1, rounded down.
/// dx = conv2d_input_grad(g, weight), dweight = conv2d_weight_grad(g, x), dbias = g summed.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// Returns dT/dx for g [N, O, OH, OW] and weight [O, C, KH, KW]: [N, C, h, w]. Throws Error unless
/// conv2d maps that result's shape to the shape of g.
Tensor conv2d_input_grad(const Tensor& g, const Tensor& weight, int64_t h, int64_t w,
                         ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// Returns dT/dw for g [N, O, OH, OW] and x [N, C, H, W]: [O, C, kh, kw]. Throws Error unless
/// conv2d maps x, with a weight of that shape, to the shape of g.
Tensor conv2d_weight_grad(const Tensor& g, const Tensor& x, int64_t kh, int64_t kw,
                          ConvOptions options = {}, SourceLoc loc = SourceLoc::here());
/// Returns the transposed convolution of x [N, C, H, W] with weight [C, O, KH, KW], plus an
/// optional bias [O]: [N, O, OH, OW]. It is conv2d_input_grad with x in the place of g.
/// OH = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1.
/// dx = conv2d(g, weight), dweight = conv2d_weight_grad(x, g), dbias = g summed.
/// Throws Error unless 0 <= output_padding < max(stride, dilation).
/// Dumoulin & Visin 2016, arXiv 1603.07285, chapter 4.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        ConvOptions options = {}, int64_t output_padding = 0,
                        SourceLoc loc = SourceLoc::here());

// --- norm.cpp: xhat = (x - mean) rstd with rstd = 1 / sqrt(var + eps), where mean and the biased
// variance var are taken over a set of elements. y = weight xhat + bias. With h = g weight,
// dx = rstd (h - mean(h) - xhat mean(h xhat)), dweight = sum(g xhat), dbias = sum(g). Each op
// throws Error if such a set has fewer than two elements or if eps < 0.

/// The statistics of a batch: mean and biased variance per channel, each [C].
struct BatchStats {
  Tensor mean, var;
};
/// Computes batch normalisation of x [N, C] or [N, C, H, W], over all elements of each channel.
/// weight and bias are [C]. Writes the batch's statistics to `stats` unless it is null. Ioffe &
/// Szegedy 2015, arXiv 1502.03167, algorithm 1.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps = 1e-5,
                  BatchStats* stats = nullptr, SourceLoc loc = SourceLoc::here());
/// Returns leaky_relu(batch_norm(x, weight, bias), slope), equal bit for bit. It reads and writes
/// memory as often as batch_norm alone. Throws Error unless slope >= 0.
Tensor batch_norm_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             double slope, double eps = 1e-5, BatchStats* stats = nullptr,
                             SourceLoc loc = SourceLoc::here());
/// Computes layer normalisation over the last `axes` axes. Optional weight and bias have the shape
/// of those axes. Ba et al. 2016, arXiv 1607.06450, section 3.
Tensor layer_norm(const Tensor& x, int axes, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5, SourceLoc loc = SourceLoc::here());
/// Computes group normalisation of x [N, C, ...], over groups of C / groups neighbouring channels
/// of one image. Optional weight and bias are [C]. Throws Error unless groups divides C. Wu & He
/// 2018, arXiv 1803.08494, section 3.1.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, SourceLoc loc = SourceLoc::here());
/// Computes instance normalisation of x [N, C, H, W], over each channel of each image. Optional
/// weight and bias are [C]. Ulyanov et al. 2016, arXiv 1607.08022, section 2.
Tensor instance_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                     double eps = 1e-5, SourceLoc loc = SourceLoc::here());

// --- loss.cpp: losses per element. The derivatives below are those of one element's loss.

/// How a loss combines its elements: to their mean, to their sum, or not at all.
enum class Reduction { kMean, kSum, kNone };
/// Computes -(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))) for logits x and targets t of the
/// same shape. The form (1 - t) softplus(x) + t softplus(-x) neither overflows nor cancels.
/// dx = g ((1 - t) sigmoid(x) - t sigmoid(-x)), dt = -g x.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets,
                       Reduction reduction = Reduction::kMean, SourceLoc loc = SourceLoc::here());
/// Computes bce_with_logits with one target for all logits: 1 for real, 0 for fake.
Tensor bce_with_logits(const Tensor& logits, double target, Reduction reduction = Reduction::kMean,
                       SourceLoc loc = SourceLoc::here());
/// Computes -log_softmax(x)[label] for logits x [N, classes] and N labels: [N] before reduction.
/// dx = g (softmax(x) - one_hot(label)). It is computed as softplus(r - x[label]), where r is the
/// logsumexp of the other logits. This form does not cancel where x[label] is by far the largest.
/// Throws Error for a label outside [0, classes).
Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels,
                             Reduction reduction = Reduction::kMean,
                             SourceLoc loc = SourceLoc::here());
/// Computes (a - b)^2 for a and b of the same shape. da = 2 g (a - b), db = -da.
Tensor mse(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::kMean,
           SourceLoc loc = SourceLoc::here());
/// Computes |a - b| for a and b of the same shape. da = g sign(a - b), db = -da.
Tensor l1(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::kMean,
          SourceLoc loc = SourceLoc::here());
/// Computes d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, with d = a - b.
/// da = g d / beta where |d| < beta, else g sign(d). db = -da. Throws Error unless beta > 0.
/// Girshick 2015, arXiv 1504.08083, equation 3, where beta is 1.
Tensor smooth_l1(const Tensor& a, const Tensor& b, double beta = 1,
                 Reduction reduction = Reduction::kMean, SourceLoc loc = SourceLoc::here());
/// Computes max(0, 1 - t x) with one target t for all elements: 1 for real, -1 for fake.
/// dx = -g t where t x < 1, else 0. Lim & Ye 2017, arXiv 1705.02894.
Tensor hinge(const Tensor& x, double target, Reduction reduction = Reduction::kMean,
             SourceLoc loc = SourceLoc::here());
/// Computes KL(N(mean1, e^log_var1) || N(mean2, e^log_var2)) per element, all of the same shape.
/// It is (e^r - 1 - r + d^2 / e^log_var2) / 2, never negative, with r = log_var1 - log_var2 and
/// d = mean1 - mean2. dmean1 = g d / e^log_var2, dmean2 = -dmean1, dlog_var1 = g (e^r - 1) / 2,
/// dlog_var2 = -g (e^r - 1 + d^2 / e^log_var2) / 2. Kingma & Welling 2014, arXiv 1312.6114,
/// appendix B, where the second distribution is the standard normal.
Tensor kl_gaussian(const Tensor& mean1, const Tensor& log_var1, const Tensor& mean2,
                   const Tensor& log_var2, Reduction reduction = Reduction::kMean,
                   SourceLoc loc = SourceLoc::here());

}  // namespace forger
