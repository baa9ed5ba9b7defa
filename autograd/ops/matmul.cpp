#include <algorithm>
#include <string>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/ops/leaky_relu.h"
#include "autograd/scope.h"

namespace forger {

namespace {

/// Returns the product of all extents but the last `last` ones.
int64_t leading(const Shape& x, int last) {
  int64_t count = 1;
  for (int axis = 0; axis < x.rank() - last; ++axis) count *= x[axis];
  return count;
}

/// Returns x reshaped, or x itself, without a new node, if it has that shape already.
Tensor with_shape(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : reshape_to(x, shape);
}

/// Returns x [..., n] as the matrix [product of the other extents, n].
Tensor as_matrix(const Tensor& x) { return with_shape(x, {leading(x.shape(), 1), x.shape()[-1]}); }

}  // namespace

struct MatMul {
  Saved a, b;
  bool transpose_a, transpose_b;
  static constexpr const char* name = "matmul";

  // The gradients of Y = A B are dA = g B^T and dB = A^T g. An operand that was given transposed
  // gets the transpose of its gradient: (g B^T)^T = B g^T.
  Gradients backward(const Tensor& g, const Context& ctx) const {
    Tensor da, db;
    if (ctx.wants(0)) {
      da = transpose_a ? matmul(b, g, {transpose_b, true}) : matmul(g, b, {false, !transpose_b});
    }
    if (ctx.wants(1)) {
      db = transpose_b ? matmul(g, a, {true, transpose_a}) : matmul(a, g, {!transpose_a, false});
    }
    return {da, db};
  }
};

Tensor matmul(const Tensor& a, const Tensor& b, MatMulOptions options, SourceLoc loc) {
  const Composite here("matmul", loc);
  check_defined("matmul", {{"a", a}, {"b", b}}, loc);
  const bool transpose_a = options.transpose_a, transpose_b = options.transpose_b;
  const Shape &as = a.shape(), &bs = b.shape();
  const auto fail_here = [&](const char* what) {
    const std::string front = std::max(as.rank(), bs.rank()) > 2 ? "  (..., " : "  (";
    fail("matmul", what,
         {"a  " + as.str() + front + (transpose_a ? "K, M)" : "M, K)"),
          "b  " + bs.str() + front + (transpose_b ? "N, K)" : "K, N)")},
         loc);
  };
  if (as.rank() < 2 || bs.rank() < 2) fail_here("two matrices expected");
  if (as.rank() != bs.rank() || !std::equal(as.begin(), as.end() - 2, bs.begin())) {
    fail_here("the leading axes differ");
  }
  const int64_t m = as[transpose_a ? -1 : -2], k = as[transpose_a ? -2 : -1];
  const int64_t n = bs[transpose_b ? -2 : -1];
  if (bs[transpose_b ? -1 : -2] != k) fail_here("inner extents differ");
  const Tensor y = Tensor::empty(as.with(-2, m, loc).with(-1, n, loc));
  kernels::Gemm product{.m = m,
                        .n = n,
                        .k = k,
                        .a = a.data(),
                        .a_row = transpose_a ? 1 : k,
                        .a_col = transpose_a ? m : 1,
                        .b = b.data(),
                        .b_row = transpose_b ? 1 : n,
                        .b_col = transpose_b ? k : 1,
                        .c = y.mutable_data(loc),
                        .c_row = n,
                        .accumulate = false};
  const int64_t count = y.numel() > 0 ? leading(as, 2) : 0;  // an empty y may have huge extents
  for (int64_t i = 0; i < count; ++i) {
    kernels::active().gemm(product);
    product.a += m * k, product.b += k * n, product.c += m * n;
  }
  return record(y, {a, b}, MatMul{a, b, transpose_a, transpose_b}, loc);
}

struct Linear {
  Saved x, weight;
  static constexpr const char* name = "linear";

  Gradients backward(const Tensor& g_in, const Context& ctx) const {
    const Tensor g = as_matrix(g_in);
    return {ctx.wants(0) ? with_shape(matmul(g, weight), x.shape()) : Tensor(),
            ctx.wants(1) ? matmul(g, as_matrix(x), {.transpose_a = true}) : Tensor(),
            ctx.wants(2) ? sum(g, {0}) : Tensor()};
  }
};

struct LinearLeakyRelu {
  Linear linear;
  Saved y;
  double slope;
  static constexpr const char* name = "linear_leaky_relu";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return linear.backward(through_leaky_relu(g, y, slope), ctx);
  }
};

namespace {

/// Returns leaky_relu(x weight^T + bias, slope). Slope 1 means no activation.
Tensor affine(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
              double slope, SourceLoc loc) {
  const Composite here(op, loc);
  check_defined(op, {{"x", x}, {"weight", weight}}, loc);
  const bool fits = x.rank() >= 1 && weight.rank() == 2 && x.shape()[-1] == weight.shape()[1] &&
                    (!bias.defined() || bias.shape() == Shape{weight.shape()[0]});
  if (!fits) {
    fail(op, "shapes do not fit",
         {"x       " + x.shape().str() + "  (..., I)",
          "weight  " + weight.shape().str() + "  (O, I)",
          "bias    " + (bias.defined() ? bias.shape().str() + "  (O)" : "none")},
         loc);
  }
  const int64_t m = leading(x.shape(), 1), n = weight.shape()[0], k = weight.shape()[1];
  const Tensor y = Tensor::empty(x.shape().with(-1, n, loc));
  kernels::active().gemm({.m = m,
                          .n = n,
                          .k = k,
                          .a = x.data(),
                          .a_row = k,
                          .a_col = 1,
                          .b = weight.data(),
                          .b_row = 1,
                          .b_col = k,
                          .c = y.mutable_data(loc),
                          .c_row = n,
                          .accumulate = false,
                          .bias = bias.defined() ? bias.data() : nullptr,
                          .slope = static_cast<Scalar>(slope)});
  return y;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, SourceLoc loc) {
  const Tensor y = affine("linear", x, weight, bias, 1, loc);
  return record(y, {x, weight, bias}, Linear{x, weight}, loc);
}

Tensor linear_leaky_relu(const Tensor& x, const Tensor& weight, const Tensor& bias, double slope,
                         SourceLoc loc) {
  const char* op = "linear_leaky_relu";
  check_slope(op, slope, loc);
  const Tensor y = affine(op, x, weight, bias, slope, loc);
  return record(y, {x, weight, bias}, LinearLeakyRelu{{x, weight}, y, slope}, loc);
}

}  // namespace forger
