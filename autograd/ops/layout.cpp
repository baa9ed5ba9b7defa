#include <algorithm>
#include <string>

#include "autograd/error.h"
#include "autograd/kernels/parallel.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {
namespace {

/// The extents of a tensor around one axis: `outer` blocks of `extent` runs of `inner` elements.
struct AxisView {
  int64_t outer = 1, extent, inner = 1;
  AxisView(const Shape& x, int axis) : extent(x[axis]) {
    for (int i = 0; i < axis; ++i) outer *= x[i];
    for (int i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  }
};

/// Copies `outer` runs of `count` elements. Consecutive runs start from_step elements apart in
/// `from` and to_step elements apart in `to`.
void copy_runs(int64_t outer, int64_t count, const Scalar* from, int64_t from_step, Scalar* to,
               int64_t to_step) {
  kernels::parallel_chunks(outer, kernels::items_per_chunk(count), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::copy_n(from + i * from_step, count, to + i * to_step);
    }
  });
}

std::string range(int64_t begin, int64_t end) {
  return "[" + std::to_string(begin) + ", " + (end == kEnd ? "end" : std::to_string(end)) + ")";
}

}  // namespace

struct Reshape {
  Shape x;
  static constexpr const char* name = "reshape";
  Gradients backward(const Tensor& g, const Context&) const { return {reshape_to(g, x)}; }
};

Tensor reshape_to(const Tensor& x, const Shape& shape, SourceLoc loc) {
  check_defined("reshape_to", {{"x", x}}, loc);
  if (x.numel() != shape.numel()) {
    fail("reshape_to", "another number of elements",
         {"x      " + x.shape().str() + ", " + std::to_string(x.numel()) + " elements",
          "shape  " + shape.str() + ", " + std::to_string(shape.numel()) + " elements"},
         loc);
  }
  return record(Tensor(x.storage(), shape), {x}, Reshape{x.shape()}, loc);
}

Tensor reshape(const Tensor& x, const std::vector<int64_t>& extents, SourceLoc loc) {
  const Composite here("reshape", loc);
  check_defined("reshape", {{"x", x}}, loc);
  std::vector<int64_t> filled = extents;
  const auto open = std::find(filled.begin(), filled.end(), -1);
  const auto shape_of = [&] { return Shape(filled.data(), static_cast<int>(filled.size())); };
  if (open == filled.end()) return reshape_to(x, shape_of());
  if (std::count(filled.begin(), filled.end(), -1) > 1) {
    fail("reshape", "only one extent can be left open by -1", {"x  " + x.shape().str()}, loc);
  }
  *open = 1;
  const int64_t rest = shape_of().numel();
  if (rest == 0 ? x.numel() > 0 : x.numel() % rest != 0) {
    std::string given;
    for (int64_t extent : extents) given += (given.empty() ? "" : ", ") + std::to_string(extent);
    fail("reshape", "no extent fits in place of -1",
         {"x        " + x.shape().str() + ", " + std::to_string(x.numel()) + " elements",
          "extents  [" + given + "]"},
         loc);
  }
  *open = rest > 0 ? x.numel() / rest : 0;
  return reshape_to(x, shape_of());
}

Tensor flatten(const Tensor& x, SourceLoc loc) {
  const Composite here("flatten", loc);
  check_defined("flatten", {{"x", x}}, loc);
  if (x.rank() == 0) fail("flatten", "at least one axis expected", {"x  []"}, loc);
  const int64_t rest = AxisView(x.shape(), 0).inner;
  return reshape_to(x, {x.shape()[0], rest});
}

struct Slice {
  int axis;
  int64_t before, after;
  static constexpr const char* name = "slice";
  Gradients backward(const Tensor& g, const Context&) const {
    return {pad(g, axis, before, after)};
  }
};

Tensor slice(const Tensor& x, int axis_in, int64_t begin_in, int64_t end_in, SourceLoc loc) {
  check_defined("slice", {{"x", x}}, loc);
  const int axis = checked_axis("slice", x.shape(), axis_in, loc);
  const int64_t extent = x.shape()[axis];
  const int64_t begin = begin_in < 0 ? begin_in + extent : begin_in;
  const int64_t end = end_in == kEnd ? extent : end_in < 0 ? end_in + extent : end_in;
  if (begin < 0 || begin > end || end > extent) {
    const std::string given = range(begin_in, end_in), meant = range(begin, end);
    fail("slice", "range outside of the axis",
         {"x      " + x.shape().str(), "range  " + given + (meant != given ? " = " + meant : "") +
                                           " of axis " + std::to_string(axis) +
                                           ", expected within " + range(0, extent)},
         loc);
  }
  const AxisView view(x.shape(), axis);
  const Tensor y = Tensor::empty(x.shape().with(axis, end - begin, loc));
  const int64_t count = (end - begin) * view.inner;
  copy_runs(view.outer, count, x.data() + begin * view.inner, extent * view.inner,
            y.mutable_data(loc), count);
  return record(y, {x}, Slice{axis, begin, extent - end}, loc);
}

Tensor select(const Tensor& x, int axis_in, int64_t index, SourceLoc loc) {
  const Composite here("select", loc);
  check_defined("select", {{"x", x}}, loc);
  const int axis = checked_axis("select", x.shape(), axis_in, loc);
  const int64_t extent = x.shape()[axis];
  if (index < -extent || index >= extent) {
    fail("select", "index out of range",
         {"x  " + x.shape().str(), "index " + std::to_string(index) + " of axis " +
                                       std::to_string(axis) +
                                       (extent == 0 ? ", but that axis is empty"
                                                    : ", expected " + std::to_string(-extent) +
                                                          " to " + std::to_string(extent - 1))},
         loc);
  }
  const int64_t begin = index < 0 ? index + extent : index;
  int64_t rest[Shape::kMaxRank];
  std::copy(x.shape().begin() + axis + 1, x.shape().end(),
            std::copy_n(x.shape().begin(), axis, rest));
  return reshape_to(slice(x, axis, begin, begin + 1), Shape(rest, x.rank() - 1));
}

std::vector<Tensor> chunk(const Tensor& x, int parts, int axis_in, SourceLoc loc) {
  const Composite here("chunk", loc);
  check_defined("chunk", {{"x", x}}, loc);
  const int axis = checked_axis("chunk", x.shape(), axis_in, loc);
  const int64_t extent = x.shape()[axis];
  if (parts < 1 || extent % parts != 0) {
    fail("chunk", "a number of parts that divides the axis expected",
         {"x  " + x.shape().str(), std::to_string(parts) + " parts of axis " +
                                       std::to_string(axis) + ", extent " + std::to_string(extent)},
         loc);
  }
  std::vector<Tensor> chunks;
  for (int64_t i = 0, each = extent / parts; i < parts; ++i) {
    chunks.push_back(slice(x, axis, i * each, (i + 1) * each));
  }
  return chunks;
}

struct Pad {
  int axis;
  int64_t before, extent;
  static constexpr const char* name = "pad";
  Gradients backward(const Tensor& g, const Context&) const {
    return {slice(g, axis, before, before + extent)};
  }
};

Tensor pad(const Tensor& x, int axis_in, int64_t before, int64_t after, SourceLoc loc) {
  const Composite here("pad", loc);
  check_defined("pad", {{"x", x}}, loc);
  const int axis = checked_axis("pad", x.shape(), axis_in, loc);
  constexpr int64_t kMost = int64_t{1} << 48;  // elements; no memory holds that many
  if (before < 0 || after < 0 || before > kMost || after > kMost) {
    fail("pad", before < 0 || after < 0 ? "negative padding" : "more padding than any memory holds",
         {"before " + std::to_string(before) + ", after " + std::to_string(after)}, loc);
  }
  const AxisView view(x.shape(), axis);
  const int64_t extent = before + view.extent + after;
  const Tensor y = Tensor::zeros(x.shape().with(axis, extent, loc));
  const int64_t count = view.extent * view.inner;
  copy_runs(view.outer, count, x.data(), count, y.mutable_data(loc) + before * view.inner,
            extent * view.inner);
  return record(y, {x}, Pad{axis, before, view.extent}, loc);
}

struct Concat {
  int axis;
  std::vector<int64_t> extents;
  static constexpr const char* name = "concat";

  Gradients backward(const Tensor& g, const Context& ctx) const {
    Gradients parts;
    int64_t begin = 0;
    for (size_t i = 0; i < extents.size(); begin += extents[i++]) {
      parts.push_back(ctx.wants(i) ? slice(g, axis, begin, begin + extents[i]) : Tensor());
    }
    return parts;
  }
};

Tensor concat(const std::vector<Tensor>& parts, int axis_in, SourceLoc loc) {
  const Composite here("concat", loc);
  check_parts("concat", parts, loc);
  const Shape& first = parts[0].shape();
  const int axis = checked_axis("concat", first, axis_in, loc, "part 0");
  int64_t extent = 0;
  std::vector<int64_t> extents;
  for (const Tensor& part : parts) {
    const bool same_rank = part.rank() == first.rank();
    if (!same_rank || part.shape().with(axis, first[axis], loc) != first) {
      fail("concat", "the parts agree in all other axes",
           {"part 0  " + first.str(),
            "part " + std::to_string(extents.size()) + "  " + part.shape().str(),
            "axis " + std::to_string(axis)},
           loc);
    }
    extents.push_back(part.shape()[axis]);
    if (__builtin_add_overflow(extent, extents.back(), &extent)) {
      fail("concat", "too many elements", {"part 0  " + first.str()}, loc);
    }
  }
  const Tensor y = Tensor::empty(first.with(axis, extent, loc));
  const int64_t inner = AxisView(first, axis).inner;
  Scalar* to = y.mutable_data(loc);
  for (const Tensor& part : parts) {
    const AxisView view(part.shape(), axis);
    const int64_t count = view.extent * inner;
    copy_runs(view.outer, count, part.data(), count, to, extent * inner);
    to += count;
  }
  return record(y, std::vector<TensorRef>(parts.begin(), parts.end()), Concat{axis, extents}, loc);
}

Tensor stack(const std::vector<Tensor>& parts, int axis_in, SourceLoc loc) {
  const Composite here("stack", loc);
  check_parts("stack", parts, loc);
  const Shape& first = parts[0].shape();
  const int rank = first.rank(), axis = axis_in < 0 ? axis_in + rank + 1 : axis_in;
  if (axis < 0 || axis > rank || rank == Shape::kMaxRank) {
    fail("stack", "no room for that axis",
         {"part 0  " + first.str(), "axis " + std::to_string(axis_in) + ", expected " +
                                        std::to_string(-rank - 1) + " to " + std::to_string(rank) +
                                        " and at most 4 axes in all"},
         loc);
  }
  int64_t extents[Shape::kMaxRank];
  for (int i = 0; i <= rank; ++i) extents[i] = i == axis ? 1 : first[i < axis ? i : i - 1];
  std::vector<Tensor> slices;
  for (const Tensor& part : parts) {
    if (part.shape() != first) {
      fail("stack", "the parts differ in shape",
           {"part 0  " + first.str(),
            "part " + std::to_string(slices.size()) + "  " + part.shape().str()},
           loc);
    }
    slices.push_back(reshape_to(part, Shape(extents, rank + 1)));
  }
  return concat(slices, axis);
}

}  // namespace forger
