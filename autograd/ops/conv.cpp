#include <algorithm>
#include <string>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {
namespace {

std::string describe(const ConvOptions& options) {
  return "stride " + std::to_string(options.stride) + ", padding " +
         std::to_string(options.padding) + ", dilation " + std::to_string(options.dilation);
}

/// Reports by fail_here(what) if an option is too small or too large.
void check_options(const ConvOptions& options, const auto& fail_here) {
  const auto [stride, padding, dilation] = options;
  if (stride < 1 || padding < 0 || dilation < 1) {
    fail_here("stride and dilation of at least 1 and padding of at least 0 expected");
  }
  if (std::max({stride, padding, dilation}) > kLargestOption) {
    fail_here("stride, padding and dilation of at most 2^20 expected");
  }
}

/// Returns the extents of x, weight and y, from the shapes of x and weight. Throws Error unless
/// they give a convolution with a non-empty result.
kernels::Conv2d geometry(const char* op, const Shape& x, const Shape& weight,
                         const ConvOptions& options, SourceLoc loc) {
  const auto [stride, padding, dilation] = options;
  const auto fail_here = [&](const char* what) {
    fail(op, what,
         {"x       " + x.str() + "  (N, C, H, W)", "weight  " + weight.str() + "  (O, C, KH, KW)",
          describe(options)},
         loc);
  };
  if (x.rank() != 4 || weight.rank() != 4) fail_here("four axes expected");
  // The extents of a tensor are at most 2^47 (Shape::kMaxNumel), so no sum below overflows.
  check_options(options, fail_here);
  if (x[1] != weight[1]) fail_here("x and weight differ in channels");
  if (weight[2] < 1 || weight[3] < 1) fail_here("an empty kernel");
  // Steps that the kernel's first tap can take along each axis. The check divides, because
  // dilation (KH - 1) may overflow: the extents of a weight without channels can be 2^47.
  const int64_t steps[] = {x[2] + 2 * padding - 1, x[3] + 2 * padding - 1};
  for (int i = 0; i < 2; ++i) {
    if (steps[i] < 0 || weight[2 + i] - 1 > steps[i] / dilation) {
      fail_here("the kernel is larger than the padded image");
    }
  }
  const int64_t rows = steps[0] - dilation * (weight[2] - 1);
  const int64_t columns = steps[1] - dilation * (weight[3] - 1);
  return {.n = x[0],
          .c = x[1],
          .h = x[2],
          .w = x[3],
          .o = weight[0],
          .kh = weight[2],
          .kw = weight[3],
          .oh = rows / stride + 1,
          .ow = columns / stride + 1,
          .stride = stride,
          .padding = padding,
          .dilation = dilation};
}

/// Returns geometry(). Throws Error unless g has the shape of that convolution's output.
kernels::Conv2d geometry_of_grad(const char* op, const Shape& g, const Shape& x,
                                 const Shape& weight, const ConvOptions& options, SourceLoc loc) {
  const kernels::Conv2d c = geometry(op, x, weight, options, loc);
  const Shape expected = {c.n, c.o, c.oh, c.ow};
  if (g != expected) {
    fail(op, "g has not the shape of the convolution's output",
         {"g       " + g.str() + ", expected " + expected.str(),
          "x       " + x.str() + "  (N, C, H, W)", "weight  " + weight.str() + "  (O, C, KH, KW)",
          describe(options)},
         loc);
  }
  return c;
}

/// Throws Error unless bias is undefined or has one number per channel.
void check_bias(const char* op, const Tensor& bias, int64_t channels, SourceLoc loc) {
  if (!bias.defined() || bias.shape() == Shape{channels}) return;
  fail(op, "one bias per output channel expected",
       {"bias  " + bias.shape().str() + ", expected [" + std::to_string(channels) + "]"}, loc);
}

Tensor add_bias(const Tensor& y, const Tensor& bias) {
  return bias.defined() ? y + reshape_to(bias, {bias.numel(), 1, 1}) : y;
}

}  // namespace

// T(x, w, g) = <conv2d(x, w), g> is linear in each of its arguments. The three ops below are its
// derivatives by g, x and w, so the rule of each calls the other two.

struct Conv2d {
  Saved x, weight;
  ConvOptions options;
  static constexpr const char* name = "conv2d";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    const Shape &xs = x.shape(), &ws = weight.shape();
    return {ctx.wants(0) ? conv2d_input_grad(g, weight, xs[2], xs[3], options) : Tensor(),
            ctx.wants(1) ? conv2d_weight_grad(g, x, ws[2], ws[3], options) : Tensor()};
  }
};

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, ConvOptions options,
              SourceLoc loc) {
  const Composite here("conv2d", loc);
  check_defined("conv2d", {{"x", x}, {"weight", weight}}, loc);
  const kernels::Conv2d c = geometry("conv2d", x.shape(), weight.shape(), options, loc);
  check_bias("conv2d", bias, c.o, loc);
  const Tensor y = Tensor::empty({c.n, c.o, c.oh, c.ow});
  kernels::active().conv2d(c, x.data(), weight.data(), y.mutable_data(loc));
  return add_bias(record(y, {x, weight}, Conv2d{x, weight, options}, loc), bias);
}

struct Conv2dInputGrad {
  Saved g, weight;
  ConvOptions options;
  static constexpr const char* name = "conv2d_input_grad";

  Gradients backward(const Tensor& dd, const Context& ctx) const {
    const Shape& ws = weight.shape();
    return {ctx.wants(0) ? conv2d(dd, weight, {}, options) : Tensor(),
            ctx.wants(1) ? conv2d_weight_grad(g, dd, ws[2], ws[3], options) : Tensor()};
  }
};

Tensor conv2d_input_grad(const Tensor& g, const Tensor& weight, int64_t h, int64_t w,
                         ConvOptions options, SourceLoc loc) {
  const char* op = "conv2d_input_grad";
  const Composite here(op, loc);
  check_defined(op, {{"g", g}, {"weight", weight}}, loc);
  if (g.rank() != 4 || weight.rank() != 4) {
    fail(op, "four axes expected",
         {"g       " + g.shape().str(), "weight  " + weight.shape().str()}, loc);
  }
  const Shape x = {g.shape()[0], weight.shape()[1], h, w};
  const kernels::Conv2d c = geometry_of_grad(op, g.shape(), x, weight.shape(), options, loc);
  const Tensor dx = Tensor::empty(x);
  kernels::active().conv2d_input_grad(c, g.data(), weight.data(), dx.mutable_data(loc));
  return record(dx, {g, weight}, Conv2dInputGrad{g, weight, options}, loc);
}

struct Conv2dWeightGrad {
  Saved g, x;
  ConvOptions options;
  static constexpr const char* name = "conv2d_weight_grad";

  Gradients backward(const Tensor& dd, const Context& ctx) const {
    const Shape& xs = x.shape();
    return {ctx.wants(0) ? conv2d(x, dd, {}, options) : Tensor(),
            ctx.wants(1) ? conv2d_input_grad(g, dd, xs[2], xs[3], options) : Tensor()};
  }
};

Tensor conv2d_weight_grad(const Tensor& g, const Tensor& x, int64_t kh, int64_t kw,
                          ConvOptions options, SourceLoc loc) {
  const char* op = "conv2d_weight_grad";
  const Composite here(op, loc);
  check_defined(op, {{"g", g}, {"x", x}}, loc);
  if (g.rank() != 4 || x.rank() != 4) {
    fail(op, "four axes expected", {"g  " + g.shape().str(), "x  " + x.shape().str()}, loc);
  }
  const Shape weight = {g.shape()[1], x.shape()[1], kh, kw};
  const kernels::Conv2d c = geometry_of_grad(op, g.shape(), x.shape(), weight, options, loc);
  const Tensor dw = Tensor::empty(weight);
  kernels::active().conv2d_weight_grad(c, g.data(), x.data(), dw.mutable_data(loc));
  return record(dw, {g, x}, Conv2dWeightGrad{g, x, options}, loc);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        ConvOptions options, int64_t output_padding, SourceLoc loc) {
  const char* op = "conv_transpose2d";
  const Composite here(op, loc);
  check_defined(op, {{"x", x}, {"weight", weight}}, loc);
  const auto fail_here = [&](const char* what) {
    fail(op, what,
         {"x       " + x.shape().str() + "  (N, C, H, W)",
          "weight  " + weight.shape().str() + "  (C, O, KH, KW)",
          describe(options) + ", output_padding " + std::to_string(output_padding)},
         loc);
  };
  if (x.rank() != 4 || weight.rank() != 4) fail_here("four axes expected");
  if (x.shape()[1] != weight.shape()[0]) fail_here("x and weight differ in channels");
  check_bias(op, bias, weight.shape()[1], loc);
  check_options(options, fail_here);
  const Shape &xs = x.shape(), &ws = weight.shape();
  if (std::max({xs[2], xs[3], ws[2], ws[3]}) > kLargestExtent) {
    fail_here("extents of at most 2^40 expected");  // larger extents do not fit in memory
  }
  if (ws[2] < 1 || ws[3] < 1) fail_here("an empty kernel");
  if (output_padding < 0 || output_padding >= std::max(options.stride, options.dilation)) {
    fail_here("output_padding of at least 0 and less than stride or dilation expected");
  }
  const auto extent = [&](int axis) {
    return (xs[axis] - 1) * options.stride - 2 * options.padding +
           options.dilation * (ws[axis] - 1) + output_padding + 1;
  };
  if (extent(2) < 1 || extent(3) < 1) fail_here("the padding leaves no output");
  // This op is the adjoint of a convolution. If output_padding is at least stride, the output of
  // that convolution is larger than x. Zeros are appended to x: the gradient of the extra outputs.
  const int64_t more = output_padding / options.stride;
  const Tensor g = more > 0 ? pad(pad(x, 2, 0, more), 3, 0, more) : x;
  const Tensor y = conv2d_input_grad(g, weight, extent(2), extent(3), options);
  return add_bias(y, bias);
}

}  // namespace forger
