#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {
namespace {

/// Returns the extents of a gather along `axis`, where `count` indices address `extent` places.
kernels::Gather view(const Shape& shape, int axis, int64_t extent, int64_t count) {
  kernels::Gather s{1, extent, count, 1};
  for (int i = 0; i < axis; ++i) s.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) s.inner *= shape[i];
  return s;
}

/// Throws Error unless each index is at least 0 and less than extent. The error uses `kind` as the
/// word for an index.
template <class I>
void check_indices(const char* op, const std::vector<I>& indices, int64_t extent, SourceLoc loc,
                   const std::string& kind = "index") {
  if (extent < 0) {
    fail(op, "an extent of at least 0 expected", {"found " + std::to_string(extent)}, loc);
  }
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] >= 0 && indices[i] < extent) continue;
    fail(op, kind + " out of range",
         {kind + " " + std::to_string(i) + " is " + std::to_string(indices[i]) +
          ", expected 0 to " + std::to_string(extent - 1)},
         loc);
  }
}

/// Throws Error unless index.values fill index.shape and index.shape equals x along all axes but
/// `axis`. The error shows x under `name`.
void check_index_shape(const char* op, const std::string& name, const Shape& x,
                       const Indices& index, int axis, SourceLoc loc) {
  const auto fail_here = [&](const std::string& what) {
    fail(op, what,
         {name + "      " + x.str(),
          "index  " + index.shape.str() + ", " + std::to_string(index.values.size()) + " numbers",
          "axis " + std::to_string(axis)},
         loc);
  };
  if (static_cast<int64_t>(index.values.size()) != index.shape.numel()) {
    fail_here("as many indices as their shape says expected");
  }
  if (index.shape.rank() != x.rank() || x.with(axis, 0, loc) != index.shape.with(axis, 0, loc)) {
    fail_here(name + " and index agree in all other axes");
  }
}

}  // namespace

struct Gather {
  int axis;
  Indices index;
  int64_t extent;
  static constexpr const char* name = "gather";

  Gradients backward(const Tensor& g, const Context&) const {
    return {scatter_add(g, axis, index, extent)};
  }
};

Tensor gather(const Tensor& x, int axis_in, const Indices& index, SourceLoc loc) {
  const Composite here("gather", loc);
  check_defined("gather", {{"x", x}}, loc);
  const int axis = checked_axis("gather", x.shape(), axis_in, loc);
  const int64_t extent = x.shape()[axis];
  check_index_shape("gather", "x", x.shape(), index, axis, loc);
  check_indices("gather", index.values, extent, loc);
  const Tensor y = Tensor::empty(index.shape);
  kernels::gather(view(x.shape(), axis, extent, index.shape[axis]), x.data(), index.values.data(),
                  y.mutable_data(loc));
  return record(y, {x}, Gather{axis, index, extent}, loc);
}

struct ScatterAdd {
  int axis;
  Indices index;
  static constexpr const char* name = "scatter_add";
  Gradients backward(const Tensor& dd, const Context&) const { return {gather(dd, axis, index)}; }
};

Tensor scatter_add(const Tensor& g, int axis_in, const Indices& index, int64_t extent,
                   SourceLoc loc) {
  const Composite here("scatter_add", loc);
  check_defined("scatter_add", {{"g", g}}, loc);
  const int axis = checked_axis("scatter_add", g.shape(), axis_in, loc, "g");
  check_index_shape("scatter_add", "g", g.shape(), index, axis, loc);
  if (g.shape() != index.shape) {
    fail("scatter_add", "one index for each element expected",
         {"g      " + g.shape().str(), "index  " + index.shape.str()}, loc);
  }
  check_indices("scatter_add", index.values, extent, loc);
  const Tensor y = Tensor::zeros(g.shape().with(axis, extent, loc));
  kernels::scatter_add(view(g.shape(), axis, extent, index.shape[axis]), g.data(),
                       index.values.data(), y.mutable_data(loc));
  return record(y, {g}, ScatterAdd{axis, index}, loc);
}

struct IndexSelect {
  int axis;
  std::vector<int64_t> indices;
  int64_t extent;
  static constexpr const char* name = "index_select";

  Gradients backward(const Tensor& g, const Context&) const {
    return {index_add(g, axis, indices, extent)};
  }
};

Tensor index_select(const Tensor& x, int axis_in, const std::vector<int64_t>& indices,
                    SourceLoc loc) {
  const Composite here("index_select", loc);
  check_defined("index_select", {{"x", x}}, loc);
  const int axis = checked_axis("index_select", x.shape(), axis_in, loc);
  const auto count = static_cast<int64_t>(indices.size());
  check_indices("index_select", indices, x.shape()[axis], loc);
  const Tensor y = Tensor::empty(x.shape().with(axis, count, loc));
  kernels::index_select(view(x.shape(), axis, x.shape()[axis], count), x.data(), indices.data(),
                        y.mutable_data(loc));
  return record(y, {x}, IndexSelect{axis, indices, x.shape()[axis]}, loc);
}

struct IndexAdd {
  int axis;
  std::vector<int64_t> indices;
  static constexpr const char* name = "index_add";

  Gradients backward(const Tensor& dd, const Context&) const {
    return {index_select(dd, axis, indices)};
  }
};

Tensor index_add(const Tensor& g, int axis_in, const std::vector<int64_t>& indices, int64_t extent,
                 SourceLoc loc) {
  const Composite here("index_add", loc);
  check_defined("index_add", {{"g", g}}, loc);
  const int axis = checked_axis("index_add", g.shape(), axis_in, loc, "g");
  const auto count = static_cast<int64_t>(indices.size());
  if (g.shape()[axis] != count) {
    fail("index_add", "one index for each slice expected",
         {"g  " + g.shape().str() + ", axis " + std::to_string(axis),
          "indices  " + std::to_string(count)},
         loc);
  }
  check_indices("index_add", indices, extent, loc);
  const Tensor y = Tensor::zeros(g.shape().with(axis, extent, loc));
  kernels::index_add(view(g.shape(), axis, extent, count), g.data(), indices.data(),
                     y.mutable_data(loc));
  return record(y, {g}, IndexAdd{axis, indices}, loc);
}

Tensor embedding(const Tensor& weight, const std::vector<int>& labels, SourceLoc loc) {
  const Composite here("embedding", loc);
  check_defined("embedding", {{"weight", weight}}, loc);
  if (weight.rank() != 2) {
    fail("embedding", "a weight of two axes expected",
         {"weight  " + weight.shape().str() + "  (classes, D)"}, loc);
  }
  check_indices("embedding", labels, weight.shape()[0], loc, "label");
  return index_select(weight, 0, {labels.begin(), labels.end()});
}

Tensor one_hot(const std::vector<int>& labels, int64_t classes, SourceLoc loc) {
  const Composite here("one_hot", loc);
  check_indices("one_hot", labels, classes, loc, "label");
  const Tensor y = Tensor::zeros({static_cast<int64_t>(labels.size()), classes});
  Scalar* row = y.mutable_data(loc);
  for (int label : labels) {
    row[label] = 1;
    row += classes;
  }
  return y;
}

}  // namespace forger
