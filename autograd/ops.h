#pragma once

#include <concepts>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/tensor.h"

/// The table of contents: every op, its shapes and its derivative. L is the loss, g = dL/dy.
/// Each op throws Error, naming itself, the shapes it found and the caller's line, when they
/// do not fit. The forward and the rule of an op stand side by side in ops/<family>.cpp.
namespace forger {

class Random;

/// What an arithmetic operator takes: a tensor or a number. Its constructor takes down the user's
/// line, since an operator can have no default argument.
class Operand {
 public:
  Operand(const Tensor& tensor, SourceLoc line = SourceLoc::here()) : value(tensor), loc(line) {}
  Operand(Tensor&& tensor, SourceLoc line = SourceLoc::here())
      : owned_(std::move(tensor)), value(owned_), loc(line) {}
  Operand(const Saved& saved, SourceLoc line = SourceLoc::here()) : value(saved.get()), loc(line) {}
  Operand(double number, SourceLoc line = SourceLoc::here())
      : Operand(Tensor::scalar(static_cast<Scalar>(number)), line) {}
  Operand(const Operand&) = delete;  // `value` may be the original's own
  Operand& operator=(const Operand&) = delete;

 private:
  Tensor owned_;  // a number, or what nobody else holds

 public:
  const Tensor& value;
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
/// The larger of the two; where they are equal each gets half of g. NaN wins.
Tensor maximum(const Operand& a, const Operand& b);
Tensor minimum(const Operand& a, const Operand& b);
/// a^b as std::pow. da = g b a^(b-1), 0 where b is 0; db = g y log(a), 0 where a <= 0.
Tensor pow(const Operand& a, const Operand& b);

// --- compare.cpp: 1 where it holds, else 0; piecewise constant, so there is no node
Tensor equal(const Operand& a, const Operand& b);
Tensor not_equal(const Operand& a, const Operand& b);
Tensor less(const Operand& a, const Operand& b);
Tensor less_equal(const Operand& a, const Operand& b);
Tensor greater(const Operand& a, const Operand& b);
Tensor greater_equal(const Operand& a, const Operand& b);
/// a where condition is not 0, b elsewhere; all three broadcast. da = g there, db = g elsewhere.
Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
/// x within [low, high]; dx = g where low <= x <= high, else 0.
Tensor clamp(const Tensor& x, double low, double high, SourceLoc loc = SourceLoc::here());

// --- unary.cpp: y has the shape of x
Tensor neg(const Tensor& x, SourceLoc loc = SourceLoc::here());    // -g
Tensor abs(const Tensor& x, SourceLoc loc = SourceLoc::here());    // g sign(x)
Tensor sign(const Tensor& x, SourceLoc loc = SourceLoc::here());   // 0: no node
Tensor sqrt(const Tensor& x, SourceLoc loc = SourceLoc::here());   // g / (2 y), 0 where y is 0
Tensor rsqrt(const Tensor& x, SourceLoc loc = SourceLoc::here());  // -g y^3 / 2
Tensor exp(const Tensor& x, SourceLoc loc = SourceLoc::here());    // g y
Tensor log(const Tensor& x, SourceLoc loc = SourceLoc::here());    // g / x
Tensor erf(const Tensor& x, SourceLoc loc = SourceLoc::here());    // g 2/sqrt(pi) exp(-x^2)
Tensor sin(const Tensor& x, SourceLoc loc = SourceLoc::here());    // g cos(x)
Tensor cos(const Tensor& x, SourceLoc loc = SourceLoc::here());    // -g sin(x)
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
/// x where x > 0, alpha (e^x - 1) elsewhere, alpha >= 0; dx = g or g alpha e^x
/// (Clevert et al. 2016, arXiv 1511.07289).
Tensor elu(const Tensor& x, double alpha = 1, SourceLoc loc = SourceLoc::here());
/// x Phi(x) with the normal distribution's Phi, by erfc (Hendrycks & Gimpel 2016, arXiv
/// 1606.08415).
Tensor gelu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x sigmoid(x) (Hendrycks & Gimpel 2016; Ramachandran et al. 2017, arXiv 1710.05941).
Tensor silu(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x / (1 - p) with probability 1 - p, else 0 (Srivastava et al. 2014, JMLR 15); 0 <= p < 1.
/// dx = g under the same mask.
Tensor dropout(const Tensor& x, double p, Random& random, SourceLoc loc = SourceLoc::here());

// --- reduce.cpp
/// One axis or a list of them; a negative axis counts from the end.
struct Axes : std::vector<int> {
  template <std::same_as<int> Axis>  // an int alone: max(x, 0.5) is not maximum(x, 0.5)
  Axes(Axis axis) : vector{axis} {}
  Axes(std::initializer_list<int> axes) : vector(axes) {}
  Axes(std::vector<int> axes) : vector(std::move(axes)) {}
};
/// The sum over the given axes, or over all. keepdim leaves them as extent 1. dx = g broadcast.
Tensor sum(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor sum(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// The sum divided by the number of elements summed.
Tensor mean(const Tensor& x, const Axes& axes, bool keepdim = false,
            SourceLoc loc = SourceLoc::here());
Tensor mean(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// x repeated to `shape`; the adjoint of sum_to: dx = sum_to(g).
Tensor broadcast_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// g summed over the axes along which `shape` was broadcast to it; the adjoint of broadcast_to.
Tensor sum_to(Tensor g, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// The largest and smallest element over the given axes, or over all. Equal ones share g evenly.
Tensor max(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor max(const Tensor& x, SourceLoc loc = SourceLoc::here());
Tensor min(const Tensor& x, const Axes& axes, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor min(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Along one axis, the index of the largest element: one number for each place along the others, in
/// row-major order. The first of equal elements is taken, and a NaN counts as the largest. Logits
/// [N, classes] give N labels, as one_hot() and softmax_cross_entropy() take them. No gradient.
std::vector<int> argmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());
/// The mean squared deviation, with the count less `correction` as divisor (1: unbiased).
Tensor var(const Tensor& x, const Axes& axes, int correction = 1, bool keepdim = false,
           SourceLoc loc = SourceLoc::here());
Tensor var(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// log(sum(exp(x))) without overflow: m + log(sum(exp(x - m))) with the largest m.
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim = false,
                 SourceLoc loc = SourceLoc::here());
/// exp(x) / sum(exp(x)) over one axis.
Tensor softmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());
/// log(softmax(x)), by x - max - log(sum(exp(x - max))). dx = g - softmax(x) sum(g).
Tensor log_softmax(const Tensor& x, int axis = -1, SourceLoc loc = SourceLoc::here());

// --- layout.cpp
/// The same elements in row-major order under another shape; shares storage. dx = reshape_to(g).
Tensor reshape_to(const Tensor& x, const Shape& shape, SourceLoc loc = SourceLoc::here());
/// The same, where one extent may be -1: whatever is left.
Tensor reshape(const Tensor& x, const std::vector<int64_t>& extents,
               SourceLoc loc = SourceLoc::here());
/// [n, ...] -> [n, the product of the rest].
Tensor flatten(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// The `end` of slice() at which the axis ends, whatever its extent.
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
/// x[begin:end] along one axis; dx = pad(g). As in Python a negative begin or end counts from the
/// end of the axis. Throws Error for a range that is not within the axis.
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end = kEnd,
             SourceLoc loc = SourceLoc::here());
/// x at one index along one axis, without that axis; a negative index counts from the end.
Tensor select(const Tensor& x, int axis, int64_t index, SourceLoc loc = SourceLoc::here());
/// x cut into equal parts along one axis. Throws Error unless the number of parts divides the
/// extent.
std::vector<Tensor> chunk(const Tensor& x, int parts, int axis, SourceLoc loc = SourceLoc::here());
/// Zeros before and after x along one axis; the adjoint of slice: dx = slice(g).
Tensor pad(const Tensor& x, int axis, int64_t before, int64_t after,
           SourceLoc loc = SourceLoc::here());
/// The parts one behind the other along one axis; the other extents agree. Each part gets its slice
/// of g.
Tensor concat(const std::vector<Tensor>& parts, int axis, SourceLoc loc = SourceLoc::here());
/// The parts along a new axis; they agree in shape.
Tensor stack(const std::vector<Tensor>& parts, int axis, SourceLoc loc = SourceLoc::here());

// --- permute.cpp
/// Axis i of y is axis axes[i] of x; dx = permute(g) by the inverse.
Tensor permute(const Tensor& x, const std::vector<int>& axes, SourceLoc loc = SourceLoc::here());
/// Two axes exchanged.
Tensor transpose(const Tensor& x, int a, int b, SourceLoc loc = SourceLoc::here());
/// Backwards along the given axes; dx = flip(g).
Tensor flip(const Tensor& x, const Axes& axes, SourceLoc loc = SourceLoc::here());
/// [N, C r^2, H, W] -> [N, C, H r, W r] (Shi et al. 2016, arXiv 1609.05158); dx = pixel_unshuffle.
Tensor pixel_shuffle(const Tensor& x, int64_t r, SourceLoc loc = SourceLoc::here());
/// [N, C, H r, W r] -> [N, C r^2, H, W].
Tensor pixel_unshuffle(const Tensor& x, int64_t r, SourceLoc loc = SourceLoc::here());

// --- index.cpp: every index is checked
/// Whole numbers in row-major order.
struct Indices {
  Shape shape;
  std::vector<int64_t> values;
};
/// y[.., i, ..] = x[.., index[.., i, ..], ..] along one axis; x and index agree in all others.
/// dx = scatter_add(g).
Tensor gather(const Tensor& x, int axis, const Indices& index, SourceLoc loc = SourceLoc::here());
/// Zeros of `extent` along the axis, to which each element of g is added at its index; the adjoint
/// of gather.
Tensor scatter_add(const Tensor& g, int axis, const Indices& index, int64_t extent,
                   SourceLoc loc = SourceLoc::here());
/// The slices of these numbers along one axis. dx = index_add(g).
Tensor index_select(const Tensor& x, int axis, const std::vector<int64_t>& indices,
                    SourceLoc loc = SourceLoc::here());
/// Zeros of `extent` along the axis, to which each slice of g is added at its index; the adjoint of
/// index_select.
Tensor index_add(const Tensor& g, int axis, const std::vector<int64_t>& indices, int64_t extent,
                 SourceLoc loc = SourceLoc::here());
/// Rows of weight [classes, D]: [labels, D].
Tensor embedding(const Tensor& weight, const std::vector<int>& labels,
                 SourceLoc loc = SourceLoc::here());
/// [labels, classes], 1 at each label, else 0.
Tensor one_hot(const std::vector<int>& labels, int64_t classes, SourceLoc loc = SourceLoc::here());

// --- resample.cpp: x [N, C, H, W]. All but max_pool2d are one op with other weights: each axis is
// multiplied by a sparse matrix.
/// A sparse matrix [out, in]: row i has the entries begin[i] .. begin[i + 1] - 1.
struct SparseMatrix {
  int64_t out = 0, in = 0;
  std::vector<int64_t> begin{0}, index;
  std::vector<Scalar> weight;
  /// Throws Error when the fields do not make a matrix.
  SparseMatrix transposed(SourceLoc loc = SourceLoc::here()) const;
};
/// y[n, c] = rows x[n, c] columns^T: [N, C, rows.out, columns.out]. dx = resample2d(g) by the
/// transposes.
Tensor resample2d(const Tensor& x, const SparseMatrix& rows, const SparseMatrix& columns,
                  SourceLoc loc = SourceLoc::here());
struct PoolOptions {
  int64_t kernel;
  int64_t stride = 0;  // 0: that of the kernel
  int64_t padding = 0;
  bool count_include_pad = true;  // avg_pool2d alone: padding counts as zeros
};
/// Means of windows: OH = (H + 2 padding - kernel) / stride + 1, rounded down.
Tensor avg_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc = SourceLoc::here());
/// The largest element of each window; the first of equal ones gets g.
Tensor max_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc = SourceLoc::here());
/// Means over h x w windows that cover the image evenly.
Tensor adaptive_avg_pool2d(const Tensor& x, int64_t h, int64_t w,
                           SourceLoc loc = SourceLoc::here());
/// To h x w by the nearest pixel: y[i] = x[floor(i H / h)].
Tensor upsample_nearest2d(const Tensor& x, int64_t h, int64_t w, SourceLoc loc = SourceLoc::here());
/// To h x w by linear interpolation along both axes, between pixel centres at i + 1/2; with
/// align_corners the corners' centres coincide instead.
Tensor upsample_bilinear2d(const Tensor& x, int64_t h, int64_t w, bool align_corners = false,
                           SourceLoc loc = SourceLoc::here());
/// Reflection padding: `padding` pixels more on each side, mirrored at the edge pixels, which are
/// not repeated. [N, C, H, W] -> [N, C, H + 2 padding, W + 2 padding]; padding < H and W.
Tensor reflection_pad2d(const Tensor& x, int64_t padding, SourceLoc loc = SourceLoc::here());

// --- matmul.cpp
struct MatMulOptions {
  bool transpose_a = false;  // a is given as [K, M]
  bool transpose_b = false;  // b is given as [N, K]
};
/// a [M, K] times b [K, N] -> [M, N]. da = g b^T, db = a^T g: products of the same kind. One or two
/// leading axes, which a and b share, hold a matrix at each place: [B, M, K] times [B, K, N] gives
/// [B, M, N].
Tensor matmul(const Tensor& a, const Tensor& b, MatMulOptions options = {},
              SourceLoc loc = SourceLoc::here());
/// x [..., I] times weight^T, weight [O, I], plus bias [O] if defined -> [..., O]. dx = g weight,
/// dweight = g^T x, dbias = g summed over the leading axes.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              SourceLoc loc = SourceLoc::here());
/// leaky_relu(linear(x), slope), to the bit, as the product's last step.
Tensor linear_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias, double slope,
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
/// leaky_relu(batch_norm(x), slope), to the bit, in the passes over memory of batch_norm alone.
Tensor batch_norm_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             double slope, double eps = 1e-5, BatchStats* stats = nullptr,
                             SourceLoc loc = SourceLoc::here());
/// Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over the last `axes` axes; weight and
/// bias, if defined, have those axes' shape.
Tensor layer_norm(const Tensor& x, int axes, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5, SourceLoc loc = SourceLoc::here());
/// Group normalisation (Wu & He 2018, arXiv 1803.08494) of x [N, C, ...] over groups of C / groups
/// neighbouring channels; weight and bias, if defined, are [C].
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, SourceLoc loc = SourceLoc::here());
/// Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022): each channel of each image.
Tensor instance_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                     double eps = 1e-5, SourceLoc loc = SourceLoc::here());

// --- loss.cpp: the mean over all elements, or their sum, or one number each
enum class Reduction { kMean, kSum, kNone };
/// -(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))) for logits x and targets t of the same shape,
/// as (1 - t) softplus(x) + t softplus(-x), which neither overflows nor cancels.
/// dx = g ((1 - t) sigmoid(x) - t sigmoid(-x)), dt = -g x.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets,
                       Reduction reduction = Reduction::kMean, SourceLoc loc = SourceLoc::here());
/// The same with one target for all: 1 says real, 0 says fake.
Tensor bce_with_logits(const Tensor& logits, double target, Reduction reduction = Reduction::kMean,
                       SourceLoc loc = SourceLoc::here());
/// -log_softmax(x)[label] for logits [N, classes] and N labels, as softplus(r - x[label]) with the
/// logsumexp r of the other logits, which does not cancel where the label's is by far the largest.
/// Throws Error for a label outside of [0, classes).
Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels,
                             Reduction reduction = Reduction::kMean,
                             SourceLoc loc = SourceLoc::here());
/// (a - b)^2.
Tensor mse(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::kMean,
           SourceLoc loc = SourceLoc::here());
/// |a - b|.
Tensor l1(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::kMean,
          SourceLoc loc = SourceLoc::here());
/// d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, d = a - b, beta > 0 (Girshick 2015,
/// arXiv 1504.08083).
Tensor smooth_l1(const Tensor& a, const Tensor& b, double beta = 1,
                 Reduction reduction = Reduction::kMean, SourceLoc loc = SourceLoc::here());
/// max(0, 1 - t x) for one target t for all: 1 says real, -1 says fake (Lim & Ye 2017, arXiv
/// 1705.02894).
Tensor hinge(const Tensor& x, double target, Reduction reduction = Reduction::kMean,
             SourceLoc loc = SourceLoc::here());
/// KL(N(mean1, e^log_var1) || N(mean2, e^log_var2)) of each element, all of one shape
/// (Kingma & Welling 2014, arXiv 1312.6114, appendix B, has the standard normal as the second).
/// Never negative: (e^r - 1 - r + (mean1 - mean2)^2 / e^log_var2) / 2 with r = log_var1 - log_var2.
Tensor kl_gaussian(const Tensor& mean1, const Tensor& log_var1, const Tensor& mean2,
                   const Tensor& log_var2, Reduction reduction = Reduction::kMean,
                   SourceLoc loc = SourceLoc::here());

}  // namespace forger
