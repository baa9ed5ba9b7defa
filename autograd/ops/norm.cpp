#include <string>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/ops/leaky_relu.h"
#include "autograd/scope.h"

namespace forger {
namespace {

kernels::Channels channels(const Shape& x) { return {x[0], x[1], x.rank() == 4 ? x[2] * x[3] : 1}; }

}  // namespace

struct BatchNorm {
  Saved x, weight, batch_mean, rstd;
  double eps;
  static constexpr const char* name = "batch_norm";

  Gradients backward(const Tensor& g, const Context&) const {
    return grad_enabled() ? backward_in_ops(g) : backward_fused(g);
  }

  /// Computes all three gradients with one kernel. A leaky ReLU after the norm needs `bias` and
  /// `slope` for its gate.
  Gradients backward_fused(const Tensor& g, const Scalar* bias = nullptr, double slope = 1) const {
    const Tensor dx = room_for_gradient(g);
    const Tensor dweight = Tensor::empty(weight.shape()), dbias = Tensor::empty(weight.shape());
    kernels::active().batch_norm_grad(channels(x.shape()), static_cast<Scalar>(slope), g.data(),
                                      x.get().data(), weight.get().data(), bias,
                                      batch_mean.get().data(), rstd.get().data(), dx.mutable_data(),
                                      dweight.mutable_data(), dbias.mutable_data());
    return {dx, dweight, dbias};
  }

  /// Computes the gradients in ops. Mean and rstd are computed again from x, as part of the graph,
  /// because second derivatives flow through them. The saved ones are not part of the graph.
  Gradients backward_in_ops(const Tensor& g) const {
    const bool image = x.shape().rank() == 4;
    const std::vector<int> axes = image ? std::vector<int>{0, 2, 3} : std::vector<int>{0};
    const Tensor w = image ? reshape_to(weight, {weight.shape()[0], 1, 1}) : weight.get();
    const Tensor centred = x.get() - mean(x, axes, true);
    const Tensor scale = 1.0 / sqrt(mean(centred * centred, axes, true) + eps);
    const Tensor xhat = centred * scale;
    const Tensor dx = w * scale * (g - mean(g, axes, true) - xhat * mean(g * xhat, axes, true));
    return {dx, sum(g * xhat, axes), sum(g, axes)};
  }
};

struct BatchNormLeakyRelu {
  BatchNorm norm;
  Saved bias;
  double slope;
  static constexpr const char* name = "batch_norm_leaky_relu";

  Gradients backward(const Tensor& g, const Context&) const {
    if (!grad_enabled()) return norm.backward_fused(g, bias.get().data(), slope);
    return norm.backward_in_ops(leaky_relu_grad(g, gate(), slope));
  }

  /// Returns the input of the leaky ReLU. Only its sign matters, so it is not part of the graph.
  Tensor gate() const {
    const NoGrad guard;
    return batch_norm(norm.x, norm.weight, bias, norm.eps);
  }
};

namespace {

/// The result of normalize(): y, after the leaky ReLU if there is one, and the op of the batch
/// norm.
struct Normalized {
  Tensor y;
  BatchNorm op;
};

/// Computes leaky_relu(batch_norm(x), slope) for two ops. Slope 1 means no activation.
Normalized normalize(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                     double slope, double eps, BatchStats* stats, SourceLoc loc) {
  check_defined(op, {{"x", x}, {"weight", weight}, {"bias", bias}}, loc);
  check_eps(op, eps, loc);
  const auto fail_here = [&](const char* what) {
    fail(op, what,
         {"x       " + x.shape().str() + "  (N, C) or (N, C, H, W)",
          "weight  " + weight.shape().str() + "  (C)", "bias    " + bias.shape().str() + "  (C)"},
         loc);
  };
  if (x.rank() != 2 && x.rank() != 4) fail_here("two or four axes expected");
  const kernels::Channels view = channels(x.shape());
  const Shape per_channel = {view.c};
  if (weight.shape() != per_channel || bias.shape() != per_channel) {
    fail_here("one weight and one bias per channel expected");
  }
  if (view.n * view.s < 2) fail_here("a variance needs at least two values per channel");
  const Tensor y = Tensor::empty(x.shape());
  const Tensor batch_mean = Tensor::empty(per_channel), var = Tensor::empty(per_channel);
  const Tensor rstd = Tensor::empty(per_channel);
  kernels::active().batch_norm(view, static_cast<Scalar>(eps), static_cast<Scalar>(slope), x.data(),
                               weight.data(), bias.data(), y.mutable_data(loc),
                               batch_mean.mutable_data(loc), var.mutable_data(loc),
                               rstd.mutable_data(loc));
  if (stats) *stats = {batch_mean, var};
  return {y, {x, weight, batch_mean, rstd, eps}};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                  BatchStats* stats, SourceLoc loc) {
  Normalized n = normalize("batch_norm", x, weight, bias, 1, eps, stats, loc);
  return record(n.y, {x, weight, bias}, std::move(n.op), loc);
}

Tensor batch_norm_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             double slope, double eps, BatchStats* stats, SourceLoc loc) {
  const char* op = "batch_norm_leaky_relu";
  check_slope(op, slope, loc);
  Normalized n = normalize(op, x, weight, bias, slope, eps, stats, loc);
  return record(n.y, {x, weight, bias}, BatchNormLeakyRelu{std::move(n.op), bias, slope}, loc);
}

namespace {

/// Returns (x - mean) rstd within each of `rows` equal runs of x. It calls batch_norm with the runs
/// as the channels of one image.
Tensor standardize(const Tensor& x, int64_t rows, double eps) {
  const Tensor image = reshape_to(x, {1, rows, x.numel() / rows, 1});
  return reshape_to(batch_norm(image, Tensor::ones({rows}), Tensor::zeros({rows}), eps), x.shape());
}

/// Returns y weight + bias. Each of the two is used if it is defined, reshaped to `shape` so that
/// it broadcasts with y.
Tensor affine(Tensor y, const Tensor& weight, const Tensor& bias, const Shape& shape) {
  if (weight.defined()) y = y * reshape_to(weight, shape);
  if (bias.defined()) y = y + reshape_to(bias, shape);
  return y;
}

/// Throws Error unless weight and bias have the expected shape or are undefined.
void check_affine(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Shape& expected, SourceLoc loc) {
  for (const Tensor& p : {weight, bias}) {
    if (!p.defined() || p.shape() == expected) continue;
    fail(
        op, "weight and bias do not fit x",
        {"x      " + x.shape().str(), "found  " + p.shape().str() + ", expected " + expected.str()},
        loc);
  }
}

}  // namespace

Tensor layer_norm(const Tensor& x, int axes, const Tensor& weight, const Tensor& bias, double eps,
                  SourceLoc loc) {
  const Composite here("layer_norm", loc);
  check_defined("layer_norm", {{"x", x}}, loc);
  if (axes < 1 || axes > x.rank() || x.numel() == 0) {
    fail("layer_norm", "elements, and 1 to all of the axes, expected",
         {"x     " + x.shape().str(), "axes  " + std::to_string(axes)}, loc);
  }
  const Shape normalized(x.shape().end() - axes, axes, loc);
  check_affine("layer_norm", x, weight, bias, normalized, loc);
  if (normalized.numel() < 2) {
    fail("layer_norm", "a variance needs at least two values",
         {"x     " + x.shape().str(), "axes  " + std::to_string(axes)}, loc);
  }
  return affine(standardize(x, x.numel() / normalized.numel(), eps), weight, bias, normalized);
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps, SourceLoc loc) {
  const Composite here("group_norm", loc);
  check_defined("group_norm", {{"x", x}}, loc);
  if (x.rank() < 2 || x.numel() == 0 || groups < 1 || x.shape()[1] % groups != 0) {
    fail("group_norm", "elements, and channels that are a multiple of the groups, expected",
         {"x       " + x.shape().str() + "  (N, C, ...)", "groups  " + std::to_string(groups)},
         loc);
  }
  const int64_t channels = x.shape()[1], rows = x.shape()[0] * groups;
  check_affine("group_norm", x, weight, bias, {channels}, loc);
  if (x.numel() / rows < 2) {
    fail("group_norm", "a variance needs at least two values",
         {"x       " + x.shape().str() + "  (N, C, ...)", "groups  " + std::to_string(groups)},
         loc);
  }
  Shape per_channel = x.shape().with(0, 1, loc);
  for (int axis = 2; axis < x.rank(); ++axis) per_channel = per_channel.with(axis, 1, loc);
  return affine(standardize(x, rows, eps), weight, bias, per_channel);
}

Tensor instance_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                     SourceLoc loc) {
  const Composite here("instance_norm", loc);
  check_defined("instance_norm", {{"x", x}}, loc);
  if (x.rank() != 4) {
    fail("instance_norm", "images expected", {"x  " + x.shape().str() + "  (N, C, H, W)"}, loc);
  }
  return group_norm(x, x.shape()[1], weight, bias, eps);
}

}  // namespace forger
