#include "autograd/error.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {

Tensor equal(const Operand& a, const Operand& b) {
  return apply_binary("equal", kernels::equal, a.value, b.value, a.loc);
}
Tensor not_equal(const Operand& a, const Operand& b) {
  return apply_binary("not_equal", kernels::not_equal, a.value, b.value, a.loc);
}
Tensor less(const Operand& a, const Operand& b) {
  return apply_binary("less", kernels::less, a.value, b.value, a.loc);
}
Tensor less_equal(const Operand& a, const Operand& b) {
  return apply_binary("less_equal", kernels::less_equal, a.value, b.value, a.loc);
}
Tensor greater(const Operand& a, const Operand& b) {
  check_operands("greater", a.value, b.value, a.loc);  // before the swap: errors name a and b
  return apply_binary("greater", kernels::less, b.value, a.value, a.loc);
}
Tensor greater_equal(const Operand& a, const Operand& b) {
  check_operands("greater_equal", a.value, b.value, a.loc);
  return apply_binary("greater_equal", kernels::less_equal, b.value, a.value, a.loc);
}

struct Masked {
  Saved factor;
  Shape g;
  static constexpr const char* name = "masked";
  Gradients backward(const Tensor& dd, const Context&) const {
    return {sum_to(masked(dd, factor), g)};
  }
};

Tensor masked(const Tensor& g, const Tensor& factor, SourceLoc loc) {
  const Tensor y = apply_binary("masked", kernels::masked, g, factor, loc);
  return record(y, {g}, Masked{factor, g.shape()}, loc);
}

struct Where {
  Saved condition;
  Shape a, b;
  static constexpr const char* name = "where";

  // where() instead of a product with the condition: 0 times an infinite g would be NaN.
  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(where(condition, g, 0), a) : Tensor(),
            ctx.wants(1) ? sum_to(where(condition, 0, g), b) : Tensor()};
  }
};

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  const Composite here("where", a.loc);
  check_defined("where", {{"condition", condition}, {"a", a.value}, {"b", b.value}}, a.loc);
  const Shape values = broadcast_shapes("where", a.value.shape(), b.value.shape(), a.loc);
  const Shape shape =
      broadcast_shapes("where", condition.shape(), values, a.loc, "condition", "a and b");
  const Tensor c = broadcast_to(condition.detach(), shape);
  // The kernel repeats a single number itself.
  const auto operand = [&](const Tensor& x) { return x.numel() == 1 ? x : broadcast_to(x, shape); };
  const Tensor u = operand(a.value), v = operand(b.value), y = Tensor::empty(shape);
  kernels::where(y.numel(), c.data(), {u.data(), u.numel() == 1}, {v.data(), v.numel() == 1},
                 y.mutable_data(a.loc));
  return record(y, {u, v}, Where{c, u.shape(), v.shape()}, a.loc);
}

struct Clamp {
  Saved x, y;
  static constexpr const char* name = "clamp";
  Gradients backward(const Tensor& g, const Context&) const { return {masked(g, equal(x, y))}; }
};

Tensor clamp(const Tensor& x, double low, double high, SourceLoc loc) {
  check_defined("clamp", {{"x", x}}, loc);
  if (!(low <= high)) {
    fail("clamp", "low expected to be at most high",
         {"low   " + std::to_string(low), "high  " + std::to_string(high)}, loc);
  }
  const Tensor bottom = Tensor::scalar(static_cast<Scalar>(low));
  const Tensor top = Tensor::scalar(static_cast<Scalar>(high));
  const Tensor y = apply_binary("clamp", kernels::minimum,
                                apply_binary("clamp", kernels::maximum, x, bottom, loc), top, loc);
  return record(y, {x}, Clamp{x, y}, loc);
}

}  // namespace forger
