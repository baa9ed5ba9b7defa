#include "autograd/ops/unary.h"

#include <numbers>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"

namespace forger {

Tensor apply_unary(const char* op, UnaryKernel kernel, const Tensor& x, SourceLoc loc) {
  check_defined(op, {{"x", x}}, loc);
  Tensor y = Tensor::empty(x.shape());
  kernel(x.numel(), x.data(), y.mutable_data(loc));
  return y;
}

struct Neg {
  static constexpr const char* name = "neg";
  Gradients backward(const Tensor& g, const Context&) const { return {neg(g)}; }
};

Tensor neg(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("neg", kernels::active().neg, x, loc), {x}, Neg{}, loc);
}

struct Abs {
  Saved x;
  static constexpr const char* name = "abs";
  Gradients backward(const Tensor& g, const Context&) const { return {masked(g, sign(x))}; }
};

Tensor abs(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("abs", kernels::active().abs, x, loc), {x}, Abs{x}, loc);
}

// sign is piecewise constant, so its result has no node.
Tensor sign(const Tensor& x, SourceLoc loc) {
  return apply_unary("sign", kernels::active().sign, x, loc);
}

struct Sqrt {
  Saved y;
  static constexpr const char* name = "sqrt";
  Gradients backward(const Tensor& g, const Context& ctx) const {
    // The slope at 0 is infinite. The rule returns 0 there, which is a subgradient of the norm
    // sqrt(sum(x^2)), the most common use of sqrt.
    if (!has_zero(y)) return {g * 0.5 / ctx.output(y)};
    const Tensor zero = equal(y, 0);
    return {where(zero, 0, g * 0.5) / where(zero, 1, ctx.output(y))};
  }
};

Tensor sqrt(const Tensor& x, SourceLoc loc) {
  const Tensor y = apply_unary("sqrt", kernels::active().sqrt, x, loc);
  return record(y, {x}, Sqrt{y}, loc);
}

struct Exp {
  Saved y;
  static constexpr const char* name = "exp";
  Gradients backward(const Tensor& g, const Context& ctx) const { return {g * ctx.output(y)}; }
};

Tensor exp(const Tensor& x, SourceLoc loc) {
  const Tensor y = apply_unary("exp", kernels::active().exp, x, loc);
  return record(y, {x}, Exp{y}, loc);
}

struct Log {
  Saved x;
  static constexpr const char* name = "log";
  Gradients backward(const Tensor& g, const Context&) const { return {g / x}; }
};

Tensor log(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("log", kernels::active().log, x, loc), {x}, Log{x}, loc);
}

struct Rsqrt {
  Saved y;
  static constexpr const char* name = "rsqrt";
  Gradients backward(const Tensor& g, const Context& ctx) const {
    const Tensor root = ctx.output(y);
    return {g * -0.5 * root * root * root};
  }
};

Tensor rsqrt(const Tensor& x, SourceLoc loc) {
  const Tensor y = apply_unary("rsqrt", kernels::rsqrt, x, loc);
  return record(y, {x}, Rsqrt{y}, loc);
}

namespace {

Tensor erf_gradient(const Tensor& g, const Tensor& x) {
  return g * exp(-(x * x)) * (2 * std::numbers::inv_sqrtpi);
}

}  // namespace

struct Erf {
  Saved x;
  static constexpr const char* name = "erf";
  Gradients backward(const Tensor& g, const Context&) const { return {erf_gradient(g, x)}; }
};

Tensor erf(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("erf", kernels::erf, x, loc), {x}, Erf{x}, loc);
}

struct Sin {
  Saved x;
  static constexpr const char* name = "sin";
  Gradients backward(const Tensor& g, const Context&) const { return {g * cos(x)}; }
};

Tensor sin(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("sin", kernels::sin, x, loc), {x}, Sin{x}, loc);
}

struct Cos {
  Saved x;
  static constexpr const char* name = "cos";
  Gradients backward(const Tensor& g, const Context&) const { return {-(g * sin(x))}; }
};

Tensor cos(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("cos", kernels::cos, x, loc), {x}, Cos{x}, loc);
}

struct Erfc {
  Saved x;
  static constexpr const char* name = "erfc";
  Gradients backward(const Tensor& g, const Context&) const { return {-erf_gradient(g, x)}; }
};

Tensor erfc(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("erfc", kernels::erfc, x, loc), {x}, Erfc{x}, loc);
}

struct Expm1 {
  Saved x;
  static constexpr const char* name = "expm1";
  Gradients backward(const Tensor& g, const Context&) const { return {g * exp(x)}; }
};

Tensor expm1(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("expm1", kernels::expm1, x, loc), {x}, Expm1{x}, loc);
}

struct Expm2 {
  Saved x;
  static constexpr const char* name = "expm2";
  Gradients backward(const Tensor& g, const Context&) const { return {g * expm1(x)}; }
};

Tensor expm2(const Tensor& x, SourceLoc loc) {
  return record(apply_unary("expm2", kernels::expm2, x, loc), {x}, Expm2{x}, loc);
}

}  // namespace forger
