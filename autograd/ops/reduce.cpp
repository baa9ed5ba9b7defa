#include <algorithm>
#include <limits>
#include <numeric>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"
#include "autograd/ops/unary.h"
#include "autograd/scope.h"

namespace forger {
namespace {

std::vector<int> all_axes(const Tensor& x) {
  std::vector<int> axes(static_cast<size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

/// Returns x's shape with extent 1 along each summed axis. Throws Error for an axis given twice.
Shape kept_shape(const char* op, const Shape& x, const std::vector<int>& axes, SourceLoc loc) {
  bool summed[Shape::kMaxRank] = {};
  Shape kept = x;
  for (int axis : axes) {
    const int from_front = checked_axis(op, x, axis, loc);
    if (summed[from_front]) {
      fail(op, "axis given twice", {"x  " + x.str(), "axis " + std::to_string(axis)}, loc);
    }
    summed[from_front] = true;
    kept = kept.with(from_front, 1, loc);
  }
  return kept;
}

Shape without_axes(const Shape& x, const std::vector<int>& axes) {
  int64_t extents[Shape::kMaxRank] = {};
  int rank = 0;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const bool summed = std::any_of(axes.begin(), axes.end(),
                                    [&](int a) { return (a < 0 ? a + x.rank() : a) == axis; });
    if (!summed) extents[rank++] = x[axis];
  }
  return Shape(extents, rank);
}

using ReduceKernel = void (*)(const kernels::Reduce&, const Scalar*, Scalar*);

/// Reduces x along the axes where `kept` has extent 1. Writes kept.numel() numbers to `to`.
void reduce(ReduceKernel kernel, const Shape& x, const Shape& kept, const Scalar* from,
            Scalar* to) {
  // Merge neighbouring axes that are both kept or both summed. Skip axes of extent 1.
  struct Group {
    bool summed;
    int64_t extent;
  };
  std::vector<Group> groups;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (x[axis] == 1) continue;
    const bool summed = kept[axis] == 1;
    if (!groups.empty() && groups.back().summed == summed) {
      groups.back().extent *= x[axis];
    } else {
      groups.push_back({summed, x[axis]});
    }
  }
  if (groups.empty() || groups.front().summed) groups.insert(groups.begin(), {false, 1});
  if (groups.size() == 5) {
    // [1, sum, keep, sum, keep] has one axis too many for a kernel. Compute the inner sum first.
    const Tensor inner = Tensor::empty({groups[1].extent, groups[2].extent, groups[4].extent});
    const int64_t outer = groups[1].extent * groups[2].extent;
    kernel({outer, groups[3].extent, groups[4].extent, 1}, from, inner.mutable_data());
    kernel({1, groups[1].extent, groups[2].extent * groups[4].extent, 1}, inner.data(), to);
    return;
  }
  while (groups.size() < 4) groups.push_back({groups.size() % 2 == 1, 1});
  kernel({groups[0].extent, groups[1].extent, groups[2].extent, groups[3].extent}, from, to);
}

}  // namespace

struct Sum {
  Shape x, kept;
  static constexpr const char* name = "sum";

  Gradients backward(const Tensor& g, const Context&) const {
    return {broadcast_to(reshape_to(g, kept), x)};
  }
};

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim, SourceLoc loc) {
  check_defined("sum", {{"x", x}}, loc);
  const Shape kept = kept_shape("sum", x.shape(), axes, loc);
  const Tensor y = Tensor::empty(keepdim ? kept : without_axes(x.shape(), axes));
  reduce(kernels::active().sum, x.shape(), kept, x.data(), y.mutable_data(loc));
  return record(y, {x}, Sum{x.shape(), kept}, loc);
}

Tensor sum(const Tensor& x, SourceLoc loc) { return sum(x, all_axes(x), false, loc); }

Tensor mean(const Tensor& x, const Axes& axes, bool keepdim, SourceLoc loc) {
  const Composite here("mean", loc);
  const Tensor total = sum(x, axes, keepdim);
  if (x.numel() == 0) fail("mean", "no elements", {"x  " + x.shape().str()}, loc);
  const double count = static_cast<double>(x.numel() / total.numel());
  return total * (1 / count);
}

Tensor mean(const Tensor& x, SourceLoc loc) { return mean(x, all_axes(x), false, loc); }

struct BroadcastTo {
  Shape x;
  static constexpr const char* name = "broadcast_to";
  Gradients backward(const Tensor& g, const Context&) const { return {sum_to(g, x)}; }
};

Tensor broadcast_to(const Tensor& x, const Shape& shape, SourceLoc loc) {
  const Composite here("broadcast_to", loc);
  check_defined("broadcast_to", {{"x", x}}, loc);
  if (x.shape() == shape) return x;
  if (broadcast_shapes("broadcast_to", x.shape(), shape, loc, "x", "shape") != shape) {
    fail("broadcast_to", "x does not broadcast to this shape",
         {"x      " + x.shape().str(), "shape  " + shape.str()}, loc);
  }
  Tensor y = Tensor::empty(shape);
  const Scalar one = 1;  // x * 1 keeps every bit of x; x + 0 turns -0 into 0
  kernels::active().mul(plan_broadcast(shape, x.shape(), {}), x.data(), &one, y.mutable_data(loc));
  return record(y, {x}, BroadcastTo{x.shape()}, loc);
}

struct SumTo {
  Shape g;
  static constexpr const char* name = "sum_to";
  Gradients backward(const Tensor& dd, const Context&) const { return {broadcast_to(dd, g)}; }
};

Tensor sum_to(Tensor g, const Shape& shape, SourceLoc loc) {
  check_defined("sum_to", {{"g", g}}, loc);
  if (g.shape() == shape) return g;
  if (broadcast_shapes("sum_to", g.shape(), shape, loc, "g", "shape") != g.shape()) {
    fail("sum_to", "the shape does not broadcast to g's",
         {"g      " + g.shape().str(), "shape  " + shape.str()}, loc);
  }
  Shape kept = g.shape();
  for (int back = 1; back <= g.rank(); ++back) {
    if (back > shape.rank() || shape[-back] == 1) kept = kept.with(-back, 1, loc);
  }
  const Tensor y = Tensor::empty(shape);
  reduce(kernels::active().sum, g.shape(), kept, g.data(), y.mutable_data(loc));
  return record(y, {g}, SumTo{g.shape()}, loc);
}

struct Max {
  Saved x, y;  // y keeps the reduced axes, with extent 1
  std::vector<int> axes;
  static constexpr const char* name = "max";

  Gradients backward(const Tensor& g, const Context&) const {
    const Tensor largest = equal(x, y);  // 0 or 1: a constant
    return {masked(reshape_to(g, y.shape()), largest / sum(largest, axes, true))};
  }
};

Tensor max(const Tensor& x, const Axes& axes, bool keepdim, SourceLoc loc) {
  check_defined("max", {{"x", x}}, loc);
  const Shape kept = kept_shape("max", x.shape(), axes, loc);
  if (x.numel() == 0) fail("max", "no elements", {"x  " + x.shape().str()}, loc);
  const Tensor y = Tensor::empty(kept);
  reduce(kernels::max, x.shape(), kept, x.data(), y.mutable_data(loc));
  const Tensor out(y.storage(), keepdim ? kept : without_axes(x.shape(), axes));
  return record(out, {x}, Max{x, y, axes}, loc);
}

Tensor max(const Tensor& x, SourceLoc loc) { return max(x, all_axes(x), false, loc); }

Tensor min(const Tensor& x, const Axes& axes, bool keepdim, SourceLoc loc) {
  const Composite here("min", loc);
  return -max(-x, axes, keepdim);
}

Tensor min(const Tensor& x, SourceLoc loc) { return min(x, all_axes(x), false, loc); }

std::vector<int> argmax(const Tensor& x, int axis_in, SourceLoc loc) {
  check_defined("argmax", {{"x", x}}, loc);
  const int axis = checked_axis("argmax", x.shape(), axis_in, loc);
  const Shape& s = x.shape();
  if (s[axis] == 0) fail("argmax", "no elements", {"x  " + s.str()}, loc);
  if (s[axis] > std::numeric_limits<int>::max()) {
    fail("argmax", "an axis of less than 2^31 elements expected", {"x  " + s.str()}, loc);
  }
  int64_t inner = 1;
  for (int i = axis + 1; i < s.rank(); ++i) inner *= s[i];
  std::vector<int> index(static_cast<size_t>(x.numel() / s[axis]));
  if (index.empty()) return index;
  kernels::argmax({x.numel() / s[axis] / inner, s[axis], 1, inner}, x.data(), index.data());
  return index;
}

namespace {

Tensor centred(const Tensor& x, const std::vector<int>& axes) {
  const Tensor shifted = x - mean(x, axes, true);  // off by the rounding error of that mean
  return shifted - mean(shifted, axes, true);
}

}  // namespace

struct Var {
  Saved x, deviations;
  std::vector<int> axes;
  double divisor;
  static constexpr const char* name = "var";

  Gradients backward(const Tensor& g, const Context&) const {
    const Shape kept = kept_shape("var", x.shape(), axes, SourceLoc::here());
    const Tensor d = grad_enabled() ? centred(x, axes) : deviations.get();
    return {reshape_to(g, kept) * (2 / divisor) * d};
  }
};

Tensor var(const Tensor& x, const Axes& axes, int correction, bool keepdim, SourceLoc loc) {
  const Composite here("var", loc);
  check_defined("var", {{"x", x}}, loc);
  const Shape kept = kept_shape("var", x.shape(), axes, loc);
  if (x.numel() == 0) fail("var", "no elements", {"x  " + x.shape().str()}, loc);
  const int64_t count = x.numel() / kept.numel();
  if (correction < 0 || count <= correction) {
    fail("var",
         correction < 0 ? "a correction of at least 0 expected"
                        : "more elements than the correction expected",
         {"x  " + x.shape().str() + ", " + std::to_string(count) + " elements each",
          "correction  " + std::to_string(correction)},
         loc);
  }
  const auto divisor = static_cast<double>(count - correction);
  Tensor deviations, y;
  {
    const NoGrad guard;  // the rule of Var replaces those of these ops
    deviations = centred(x, axes);
    y = sum(deviations * deviations, axes, keepdim) / divisor;
  }
  return record(y, {x}, Var{x, deviations, axes, divisor}, loc);
}

Tensor var(const Tensor& x, SourceLoc loc) { return var(x, all_axes(x), 1, false, loc); }

// The next three ops subtract the largest element, as a constant. Their results do not depend on
// what is subtracted, so its gradient would be zero.

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim, SourceLoc loc) {
  const Composite here("logsumexp", loc);
  const Tensor m = max(x.detach(), axes, true);
  // Subtract 0 where the largest element is infinite: inf - inf would be NaN.
  const Tensor finite = where(less(abs(m), std::numeric_limits<double>::infinity()), m, 0);
  const Tensor total = sum(exp(x - finite), axes, true);
  // If all elements are -inf, total is 0 and the result is m. The rule of log would divide by total
  // and give NaN, so log gets 1.
  const Tensor y = log(where(equal(total, 0), 1, total)) + m;
  return keepdim ? y : reshape_to(y, without_axes(x.shape(), axes));
}

Tensor softmax(const Tensor& x, int axis, SourceLoc loc) {
  const Composite here("softmax", loc);
  const Tensor e = exp(x - max(x.detach(), axis, true));
  return e / sum(e, axis, true);
}

struct LogSoftmax {
  Saved y, first;  // first is 1 at the first largest element along the axis, else 0
  int axis;
  static constexpr const char* name = "log_softmax";

  // dx = g - softmax(x) sum(g) would cancel where softmax(x) is close to 1. There it is
  // (g - sum(g)) - (softmax(x) - 1) sum(g), with softmax(x) - 1 = expm1(y).
  Gradients backward(const Tensor& g, const Context& ctx) const {
    const Tensor out = ctx.output(y), total = sum(g, axis, true);
    return {g - first * total - where(first, expm1(out), exp(out)) * total};
  }
};

Tensor log_softmax(const Tensor& x, int axis, SourceLoc loc) {
  const Composite here("log_softmax", loc);
  Tensor y, first;
  {
    const NoGrad guard;  // the rule of LogSoftmax replaces those of these ops
    const Tensor m = max(x, axis, true), shifted = x - m;
    Indices at{m.shape(), {}};
    for (int i : argmax(x, axis)) at.values.push_back(i);
    first = scatter_add(Tensor::ones(m.shape()), axis, at, x.shape()[axis]);
    // The first largest element adds e^0 = 1 to the sum, which log1p() adds itself.
    const Tensor rest = sum(where(first, 0, exp(shifted)), axis, true);
    y = shifted - apply_unary("log1p", kernels::log1p, rest, loc);
  }
  return record(y, {x}, LogSoftmax{y, first, axis}, loc);
}

}  // namespace forger
