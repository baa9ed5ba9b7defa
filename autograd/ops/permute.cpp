#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {
namespace {

constexpr int kAxes = 5;  // of kernels::Strided; the unused ones come first

/// Returns the stride along each axis of a dense tensor, in elements.
std::array<int64_t, Shape::kMaxRank> strides_of(const Shape& x) {
  std::array<int64_t, Shape::kMaxRank> strides{};
  int64_t step = 1;
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<size_t>(axis)] = step;
    step *= x[axis];
  }
  return strides;
}

std::string list(const std::vector<int>& axes) {
  std::string text = "[";
  for (size_t i = 0; i < axes.size(); ++i) text += (i ? ", " : "") + std::to_string(axes[i]);
  return text + "]";
}

/// Returns the axes counted from the front. Throws Error if an axis is given twice.
std::vector<int> checked_axes(const char* op, const Shape& x, const std::vector<int>& axes,
                              SourceLoc loc) {
  std::vector<int> checked;
  bool seen[Shape::kMaxRank] = {};
  for (int axis : axes) {
    checked.push_back(checked_axis(op, x, axis, loc));
    if (std::exchange(seen[checked.back()], true)) {
      fail(op, "axis given twice", {"x     " + x.str(), "axes  " + list(axes)}, loc);
    }
  }
  return checked;
}

}  // namespace

struct Permute {
  std::vector<int> axes;
  static constexpr const char* name = "permute";

  Gradients backward(const Tensor& g, const Context&) const {
    std::vector<int> inverse(axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      inverse[static_cast<size_t>(axes[i])] = static_cast<int>(i);
    }
    return {permute(g, inverse)};
  }
};

Tensor permute(const Tensor& x, const std::vector<int>& axes_in, SourceLoc loc) {
  check_defined("permute", {{"x", x}}, loc);
  const std::vector<int> axes = checked_axes("permute", x.shape(), axes_in, loc);
  if (static_cast<int>(axes.size()) != x.rank()) {
    fail("permute", "each axis once expected",
         {"x     " + x.shape().str(), "axes  " + list(axes_in)}, loc);
  }
  const auto strides = strides_of(x.shape());
  kernels::Strided s{{1, 1, 1, 1, 1}, {}};
  int64_t extents[Shape::kMaxRank];
  for (int i = 0; i < x.rank(); ++i) {
    const int from = axes[static_cast<size_t>(i)], slot = kAxes - x.rank() + i;
    extents[i] = s.extent[slot] = x.shape()[from];
    s.stride[slot] = strides[static_cast<size_t>(from)];
  }
  const Tensor y = Tensor::empty(Shape(extents, x.rank(), loc));
  kernels::copy_strided(s, x.data(), y.mutable_data(loc));
  return record(y, {x}, Permute{axes}, loc);
}

Tensor transpose(const Tensor& x, int a, int b, SourceLoc loc) {
  const Composite here("transpose", loc);
  check_defined("transpose", {{"x", x}}, loc);
  std::vector<int> axes(static_cast<size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[static_cast<size_t>(checked_axis("transpose", x.shape(), a, loc))],
            axes[static_cast<size_t>(checked_axis("transpose", x.shape(), b, loc))]);
  return permute(x, axes);
}

struct Flip {
  std::vector<int> axes;
  static constexpr const char* name = "flip";
  Gradients backward(const Tensor& g, const Context&) const { return {flip(g, axes)}; }
};

Tensor flip(const Tensor& x, const Axes& axes_in, SourceLoc loc) {
  check_defined("flip", {{"x", x}}, loc);
  const std::vector<int> axes = checked_axes("flip", x.shape(), axes_in, loc);
  const auto strides = strides_of(x.shape());
  kernels::Strided s{{1, 1, 1, 1, 1}, {}};
  for (int i = 0; i < x.rank(); ++i) {
    s.extent[kAxes - x.rank() + i] = x.shape()[i];
    s.stride[kAxes - x.rank() + i] = strides[static_cast<size_t>(i)];
  }
  const Tensor y = Tensor::empty(x.shape());
  int64_t start = 0;
  for (int axis : axes) {
    int64_t& step = s.stride[kAxes - x.rank() + axis];
    start += step * (x.shape()[axis] - 1);
    step = -step;
  }
  if (x.numel() > 0) kernels::copy_strided(s, x.data() + start, y.mutable_data(loc));
  return record(y, {x}, Flip{axes}, loc);
}

struct PixelShuffle {
  int64_t r;
  static constexpr const char* name = "pixel_shuffle";
  Gradients backward(const Tensor& g, const Context&) const { return {pixel_unshuffle(g, r)}; }
};

// Channel c r^2 + p r + q of pixel (i, j) becomes pixel (i r + p, j r + q) of channel c.
Tensor pixel_shuffle(const Tensor& x, int64_t r, SourceLoc loc) {
  const Composite here("pixel_shuffle", loc);
  check_defined("pixel_shuffle", {{"x", x}}, loc);
  const Shape& s = x.shape();
  if (s.rank() != 4 || r < 1 || r > s[1] || s[1] % r != 0 || s[1] / r % r != 0) {
    fail("pixel_shuffle", "channels that are a multiple of r^2 expected",
         {"x  " + s.str() + "  (N, C, H, W)", "r  " + std::to_string(r)}, loc);
  }
  const int64_t h = s[2], w = s[3], c = s[1] / (r * r);
  const Tensor y = Tensor::empty({s[0], c, h * r, w * r});
  kernels::copy_strided({{s[0] * c, h, r, w, r}, {r * r * h * w, w, r * h * w, 1, h * w}}, x.data(),
                        y.mutable_data(loc));
  return record(y, {x}, PixelShuffle{r}, loc);
}

struct PixelUnshuffle {
  int64_t r;
  static constexpr const char* name = "pixel_unshuffle";
  Gradients backward(const Tensor& g, const Context&) const { return {pixel_shuffle(g, r)}; }
};

Tensor pixel_unshuffle(const Tensor& x, int64_t r, SourceLoc loc) {
  const Composite here("pixel_unshuffle", loc);
  check_defined("pixel_unshuffle", {{"x", x}}, loc);
  const Shape& s = x.shape();
  if (s.rank() != 4 || r < 1 || s[2] % r != 0 || s[3] % r != 0) {
    fail("pixel_unshuffle", "height and width that are multiples of r expected",
         {"x  " + s.str() + "  (N, C, H, W)", "r  " + std::to_string(r)}, loc);
  }
  const int64_t h = s[2] / r, w = s[3] / r;
  const Tensor y = Tensor::empty({s[0], saturating_product({s[1], r, r}), h, w});
  kernels::copy_strided({{s[0] * s[1], r, r, h, w}, {s[2] * s[3], s[3], 1, r * s[3], r}}, x.data(),
                        y.mutable_data(loc));
  return record(y, {x}, PixelUnshuffle{r}, loc);
}

}  // namespace forger
