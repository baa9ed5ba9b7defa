#include <algorithm>
#include <limits>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {

kernels::Broadcast plan_broadcast(const Shape& y, const Shape& a, const Shape& b) {
  kernels::Broadcast plan{{1, 1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}};
  int64_t a_size = 1, b_size = 1;  // elements in the axes after the current one
  int slot = 4;                    // the axis of the plan written last
  for (int back = 1; back <= y.rank(); ++back) {
    const int64_t extent = y[-back];
    const int64_t a_extent = back <= a.rank() ? a[-back] : 1;
    const int64_t b_extent = back <= b.rank() ? b[-back] : 1;
    if (extent == 1) continue;
    const int64_t a_stride = a_extent == 1 ? 0 : a_size;
    const int64_t b_stride = b_extent == 1 ? 0 : b_size;
    a_size *= a_extent;
    b_size *= b_extent;
    // An axis merges with the next inner one if a single stride covers both, in a and in b.
    if (slot < 4 && a_stride == plan.a_stride[slot] * plan.extent[slot] &&
        b_stride == plan.b_stride[slot] * plan.extent[slot]) {
      plan.extent[slot] *= extent;
      continue;
    }
    --slot;
    plan.extent[slot] = extent;
    plan.a_stride[slot] = a_stride;
    plan.b_stride[slot] = b_stride;
  }
  return plan;
}

Shape check_operands(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc) {
  const Composite here(op, loc);
  check_defined(op, {{"a", a}, {"b", b}}, loc);
  return broadcast_shapes(op, a.shape(), b.shape(), loc);
}

Tensor apply_binary(const char* op, BinaryKernel kernel, const Tensor& a, const Tensor& b,
                    SourceLoc loc) {
  const Shape shape = check_operands(op, a, b, loc);
  Tensor y = Tensor::empty(shape);
  kernel(plan_broadcast(shape, a.shape(), b.shape()), a.data(), b.data(), y.mutable_data(loc));
  return y;
}

bool has_zero(const Tensor& x) {
  return std::find(x.data(), x.data() + x.numel(), 0) != x.data() + x.numel();
}

struct Add {
  Shape a, b;
  static constexpr const char* name = "add";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(g, a) : Tensor(), ctx.wants(1) ? sum_to(g, b) : Tensor()};
  }
};

Tensor add(const Tensor& a, const Tensor& b, SourceLoc loc) {
  const Tensor y = apply_binary("add", kernels::active().add, a, b, loc);
  return record(y, {a, b}, Add{a.shape(), b.shape()}, loc);
}

struct Sub {
  Shape a, b;
  static constexpr const char* name = "sub";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(g, a) : Tensor(), ctx.wants(1) ? sum_to(neg(g), b) : Tensor()};
  }
};

Tensor sub(const Tensor& a, const Tensor& b, SourceLoc loc) {
  const Tensor y = apply_binary("sub", kernels::active().sub, a, b, loc);
  return record(y, {a, b}, Sub{a.shape(), b.shape()}, loc);
}

struct Mul {
  Saved a, b;
  static constexpr const char* name = "mul";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(g * b, a.shape()) : Tensor(),
            ctx.wants(1) ? sum_to(g * a, b.shape()) : Tensor()};
  }
};

Tensor mul(const Tensor& a, const Tensor& b, SourceLoc loc) {
  const Tensor y = apply_binary("mul", kernels::active().mul, a, b, loc);
  return record(y, {a, b}, Mul{a, b}, loc);
}

struct Div {
  Saved b, y;
  Shape a;
  static constexpr const char* name = "div";

  // d(a/b)/db = -a/b^2 = -y/b. The rule uses y, so that a need not be saved.
  Gradients backward(const Tensor& g, const Context& ctx) const {
    const Tensor da = g / b;
    return {ctx.wants(0) ? sum_to(da, a) : Tensor(),
            ctx.wants(1) ? sum_to(neg(da * ctx.output(y)), b.shape()) : Tensor()};
  }
};

Tensor div(const Tensor& a, const Tensor& b, SourceLoc loc) {
  const Tensor y = apply_binary("div", kernels::active().div, a, b, loc);
  return record(y, {a, b}, Div{b, y, a.shape()}, loc);
}

namespace {

/// Returns the share of g that a gets from maximum(a, b): 1, 1/2 or 0. It is a constant.
Tensor step(const Tensor& a, const Tensor& b) {
  return apply_binary("step", kernels::step, a, b, SourceLoc::here());
}

}  // namespace

struct Maximum {
  Saved a, b;
  static constexpr const char* name = "maximum";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(masked(g, step(a, b)), a.shape()) : Tensor(),
            ctx.wants(1) ? sum_to(masked(g, step(b, a)), b.shape()) : Tensor()};
  }
};

Tensor maximum(const Operand& a, const Operand& b) {
  const Tensor y = apply_binary("maximum", kernels::maximum, a.value, b.value, a.loc);
  return record(y, {a.value, b.value}, Maximum{a.value, b.value}, a.loc);
}

struct Minimum {
  Saved a, b;
  static constexpr const char* name = "minimum";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? sum_to(masked(g, step(b, a)), a.shape()) : Tensor(),
            ctx.wants(1) ? sum_to(masked(g, step(a, b)), b.shape()) : Tensor()};
  }
};

Tensor minimum(const Operand& a, const Operand& b) {
  const Tensor y = apply_binary("minimum", kernels::minimum, a.value, b.value, a.loc);
  return record(y, {a.value, b.value}, Minimum{a.value, b.value}, a.loc);
}

struct Pow {
  Saved a, b, y;
  static constexpr const char* name = "pow";

  // da is 0 where b is 0, even if g or 1/a is infinite. db is 0 where a <= 0, because log(a) is
  // not finite there. where() selects the factors before they are multiplied, so that the rules of
  // the products see no infinity either.
  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(0) ? by_base(g) : Tensor(), ctx.wants(1) ? by_exponent(g, ctx) : Tensor()};
  }

  Tensor by_base(const Tensor& g) const {
    if (!has_zero(b)) return sum_to(g * b * pow(a, Operand(b) - 1), a.shape());
    const Tensor constant = equal(b, 0);
    const Tensor lost = constant * equal(abs(g), std::numeric_limits<double>::infinity());
    const Tensor pole = less(abs(a), std::numeric_limits<Scalar>::min());  // 1/a may be infinite
    const Tensor base = where(constant * pole, 1, a);
    return sum_to(where(lost, 0, g) * b * pow(base, Operand(b) - 1), a.shape());
  }

  Tensor by_exponent(const Tensor& g, const Context& ctx) const {
    const Tensor positive = greater(a, 0);
    const Tensor slope = where(positive, ctx.output(y), 0) * log(where(positive, a, 1));
    return sum_to(where(positive, g, 0) * slope, b.shape());
  }
};

Tensor pow(const Operand& a, const Operand& b) {
  const Tensor y = apply_binary("pow", kernels::pow, a.value, b.value, a.loc);
  return record(y, {a.value, b.value}, Pow{a.value, b.value, y}, a.loc);
}

}  // namespace forger
