#include <cmath>
#include <numbers>
#include <string>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"
#include "autograd/ops/leaky_relu.h"
#include "autograd/ops/unary.h"
#include "autograd/random.h"
#include "autograd/scope.h"

namespace forger {

struct LeakyRelu {
  Saved y;  // instead of x: the next layer saves y anyway, so x can be freed
  double slope;
  static constexpr const char* name = "leaky_relu";

  Gradients backward(const Tensor& g, const Context&) const {
    return {through_leaky_relu(g, y, slope)};
  }
};

Tensor through_leaky_relu(const Tensor& g, const Tensor& y, double slope) {
  if (grad_enabled()) return leaky_relu_grad(g, y, slope);
  const Tensor dx = room_for_gradient(g);
  kernels::active().leaky_relu_grad(g.numel(), static_cast<Scalar>(slope), g.data(), y.data(),
                                    dx.mutable_data());
  return dx;
}

void check_slope(const char* op, double slope, SourceLoc loc) {
  if (slope >= 0 && std::isfinite(slope)) return;
  fail(op, "a finite slope of at least 0 expected", {"slope  " + std::to_string(slope)}, loc);
}

Tensor leaky_relu(const Tensor& x, double slope, SourceLoc loc) {
  check_slope("leaky_relu", slope, loc);
  check_defined("leaky_relu", {{"x", x}}, loc);
  Tensor y = Tensor::empty(x.shape());
  kernels::active().leaky_relu(x.numel(), static_cast<Scalar>(slope), x.data(),
                               y.mutable_data(loc));
  return record(y, {x}, LeakyRelu{y, slope}, loc);
}

Tensor relu(const Tensor& x, SourceLoc loc) {
  const Composite here("relu", loc);
  return leaky_relu(x, 0);
}

struct LeakyReluGrad {
  Saved y;
  double slope;
  static constexpr const char* name = "leaky_relu_grad";

  // The op is linear in g. Only the sign of y matters, so the derivative by y is 0.
  Gradients backward(const Tensor& dd, const Context& ctx) const {
    return {ctx.wants(0) ? leaky_relu_grad(dd, y, slope) : Tensor(),
            ctx.wants(1) ? Tensor::zeros(y.shape()) : Tensor()};
  }
};

Tensor leaky_relu_grad(const Tensor& g, const Tensor& y, double slope, SourceLoc loc) {
  check_slope("leaky_relu_grad", slope, loc);
  check_same_shape("leaky_relu_grad", {"g", g}, {"y", y}, loc);
  Tensor dx = Tensor::empty(g.shape());
  kernels::active().leaky_relu_grad(g.numel(), static_cast<Scalar>(slope), g.data(), y.data(),
                                    dx.mutable_data(loc));
  return record(dx, {g, y}, LeakyReluGrad{y, slope}, loc);
}

struct Tanh {
  Saved y;
  static constexpr const char* name = "tanh";
  Gradients backward(const Tensor& g, const Context& ctx) const {
    if (grad_enabled()) return {tanh_grad(g, ctx.output(y))};
    const Tensor dx = room_for_gradient(g);
    kernels::active().tanh_grad(g.numel(), g.data(), y.get().data(), dx.mutable_data());
    return {dx};
  }
};

Tensor tanh(const Tensor& x, SourceLoc loc) {
  const Tensor y = apply_unary("tanh", kernels::active().tanh, x, loc);
  return record(y, {x}, Tanh{y}, loc);
}

struct TanhGrad {
  Saved g, y;
  static constexpr const char* name = "tanh_grad";

  Gradients backward(const Tensor& dd, const Context& ctx) const {
    return {ctx.wants(0) ? tanh_grad(dd, y) : Tensor(),
            ctx.wants(1) ? dd * g * y * -2.0 : Tensor()};
  }
};

Tensor tanh_grad(const Tensor& g, const Tensor& y, SourceLoc loc) {
  check_same_shape("tanh_grad", {"g", g}, {"y", y}, loc);
  Tensor dx = Tensor::empty(g.shape());
  kernels::active().tanh_grad(g.numel(), g.data(), y.data(), dx.mutable_data(loc));
  return record(dx, {g, y}, TanhGrad{g, y}, loc);
}

struct Sigmoid {
  Saved y;
  static constexpr const char* name = "sigmoid";
  Gradients backward(const Tensor& g, const Context& ctx) const {
    if (grad_enabled()) return {sigmoid_grad(g, ctx.output(y))};
    const Tensor dx = room_for_gradient(g);
    kernels::active().sigmoid_grad(g.numel(), g.data(), y.get().data(), dx.mutable_data());
    return {dx};
  }
};

Tensor sigmoid(const Tensor& x, SourceLoc loc) {
  const Tensor y = apply_unary("sigmoid", kernels::active().sigmoid, x, loc);
  return record(y, {x}, Sigmoid{y}, loc);
}

struct SigmoidGrad {
  Saved g, y;
  static constexpr const char* name = "sigmoid_grad";

  Gradients backward(const Tensor& dd, const Context& ctx) const {
    return {ctx.wants(0) ? sigmoid_grad(dd, y) : Tensor(),
            ctx.wants(1) ? dd * g * (1.0 - 2.0 * Operand(y)) : Tensor()};
  }
};

Tensor sigmoid_grad(const Tensor& g, const Tensor& y, SourceLoc loc) {
  check_same_shape("sigmoid_grad", {"g", g}, {"y", y}, loc);
  Tensor dx = Tensor::empty(g.shape());
  kernels::active().sigmoid_grad(g.numel(), g.data(), y.data(), dx.mutable_data(loc));
  return record(dx, {g, y}, SigmoidGrad{g, y}, loc);
}

struct Softplus {
  Saved x;
  static constexpr const char* name = "softplus";
  Gradients backward(const Tensor& g, const Context&) const { return {g * sigmoid(x)}; }
};

Tensor softplus(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("softplus", kernels::active().softplus, x, loc), {x}, Softplus{x}, loc);
}

struct Elu {
  Saved x;  // instead of y: alpha e^x = y + alpha would cancel where e^x is small
  double alpha;
  static constexpr const char* name = "elu";

  // where() selects the arguments of exp() and of the product, so that the unused branch cannot
  // overflow.
  Gradients backward(const Tensor& g, const Context&) const {
    const Tensor positive = greater(x, 0);
    const Tensor slope = exp(where(positive, 0, x)) * alpha;
    return {where(positive, g, where(positive, 0, g) * slope)};
  }
};

Tensor elu(const Tensor& x, double alpha, SourceLoc loc) {
  check_defined("elu", {{"x", x}}, loc);
  if (!(alpha >= 0 && std::isfinite(alpha))) {
    fail("elu", "a finite alpha of at least 0 expected", {"alpha  " + std::to_string(alpha)}, loc);
  }
  if (alpha == 0) {  // slope 0 times an infinite gradient would be NaN
    const Composite here("elu", loc);
    return relu(x);
  }
  const Tensor y = Tensor::empty(x.shape());
  kernels::elu(x.numel(), static_cast<Scalar>(alpha), x.data(), y.mutable_data(loc));
  return record(y, {x}, Elu{x, alpha}, loc);
}

Tensor gelu(const Tensor& x, SourceLoc loc) {
  const Composite here("gelu", loc);
  check_defined("gelu", {{"x", x}}, loc);
  return x * 0.5 * erfc(x * (-std::numbers::sqrt2 / 2));  // 1 + erf(x) would cancel for x < 0
}

Tensor silu(const Tensor& x, SourceLoc loc) {
  const Composite here("silu", loc);
  return x * sigmoid(x);
}

Tensor dropout(const Tensor& x, double p, Random& random, SourceLoc loc) {
  const Composite here("dropout", loc);
  check_defined("dropout", {{"x", x}}, loc);
  if (!(p >= 0 && p < 1)) {
    fail("dropout", "a probability of at least 0 and less than 1 expected",
         {"p  " + std::to_string(p)}, loc);
  }
  if (p == 0) return x;
  const Tensor mask = random.uniform(x.shape());
  Scalar* keep = mask.mutable_data();
  for (int64_t i = 0; i < mask.numel(); ++i) {
    keep[i] = keep[i] < static_cast<Scalar>(p) ? 0 : static_cast<Scalar>(1 / (1 - p));
  }
  return masked(x, mask);
}

}  // namespace forger
