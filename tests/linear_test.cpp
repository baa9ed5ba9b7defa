// Tests linear ops on integers, where no result is rounded. An op's gradient must be its
// adjoint, <f(x), v> = <x, f'(v)>. Its difference over a step of 1 must be its derivative, and
// the adjoint of the adjoint must be the op. Results must be equal in float on every kernel set,
// and in double.
#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"

namespace forger {
namespace {

/// f(x), linear in x.
struct LinearOp {
  std::string op;
  Shape x;
  std::function<Tensor(const Tensor&)> f;
};

/// Integers from -4 to 4.
Tensor whole(const Shape& shape, uint64_t seed) {
  Random random(seed);
  std::vector<Scalar> values(static_cast<size_t>(shape.numel()));
  for (Scalar& value : values) value = static_cast<Scalar>(random.below(9) - 4);
  return Tensor::from(shape, values);
}

double dot(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    sum += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
  }
  return sum;
}

/// Both operands of each bilinear op, with the shapes and options that may fail.
std::vector<LinearOp> linear_ops() {
  const auto constant = [](const Shape& shape) { return whole(shape, 7); };
  std::vector<LinearOp> ops = {
      {"add",
       {3, 1},
       [](auto& x) {
         return x + Tensor::zeros({2, 1, 4});
       }},
      {"sub",
       {4},
       [](auto& x) {
         return Tensor::zeros({3, 4}) - x;
       }},
      {"mul",
       {3, 1},
       [=](auto& x) {
         return x * constant({2, 1, 4});
       }},
      {"div", {3, 4}, [](auto& x) { return x / 4; }},
      {"neg", {5}, [](auto& x) { return -x; }},
      {"where",
       {3, 4},
       [=](auto& x) {
         return where(greater(constant({3, 4}), 0), x, 0);
       }},
      {"leaky_relu_grad", {19}, [=](auto& x) { return leaky_relu_grad(x, constant({19}), .25); }},
      {"sum",
       {3, 2, 5, 4},
       [](auto& x) {
         return sum(x, {0, 2});
       }},
      {"sum",
       {3, 2, 5, 4},
       [](auto& x) {
         return sum(x, {1, -1}, true);
       }},
      {"sum", {7, 33}, [](auto& x) { return sum(x); }},
      {"mean", {3, 8}, [](auto& x) { return mean(x, {1}); }},
      {"broadcast_to",
       {3, 1},
       [](auto& x) {
         return broadcast_to(x, {2, 3, 5});
       }},
      {"sum_to",
       {2, 3, 5},
       [](auto& x) {
         return sum_to(x, {3, 1});
       }},
      {"reshape_to",
       {2, 6},
       [](auto& x) {
         return reshape_to(x, {3, 4});
       }},
      {"reshape",
       {2, 6},
       [](auto& x) {
         return reshape(x, {-1, 3});
       }},
      {"slice", {3, 7, 2}, [](auto& x) { return slice(x, 1, -5, -2); }},
      {"select", {3, 7, 2}, [](auto& x) { return select(x, 1, -2); }},
      {"chunk",
       {2, 6, 3},
       [](auto& x) {
         const std::vector<Tensor> parts = chunk(x, 3, 1);
         return parts[0] * 2 - parts[1] + parts[2] * 3;
       }},
      {"flatten", {2, 3, 4}, [](auto& x) { return flatten(x); }},
      {"slice", {3, 7, 2}, [](auto& x) { return slice(x, 1, 2, 5); }},
      {"pad", {3, 2}, [](auto& x) { return pad(x, 0, 1, 2); }},
      {"concat",
       {2, 3},
       [=](auto& x) {
         return concat({x, x * 2, x}, 1);
       }},
      {"stack",
       {2, 3},
       [=](auto& x) {
         return stack({x, x * 3}, 1);
       }},
      {"permute",
       {2, 3, 4, 5},
       [](auto& x) {
         return permute(x, {2, 0, 3, 1});
       }},
      {"transpose", {17, 9}, [](auto& x) { return transpose(x, 0, 1); }},
      {"flip",
       {3, 4, 2},
       [](auto& x) {
         return flip(x, {0, 2});
       }},
      {"pixel_shuffle", {2, 8, 3, 1}, [](auto& x) { return pixel_shuffle(x, 2); }},
      {"pixel_unshuffle", {2, 2, 6, 4}, [](auto& x) { return pixel_unshuffle(x, 2); }},
      {"gather",
       {2, 5},
       [](auto& x) {
         return gather(x, 1, {{2, 3}, {4, 0, 4, 1, 1, 1}});
       }},
      {"scatter_add",
       {2, 3},
       [](auto& x) {
         return scatter_add(x, 1, {{2, 3}, {4, 0, 4, 1, 1, 1}}, 5);
       }},
      {"index_select",
       {4, 3},
       [](auto& x) {
         return index_select(x, 0, {3, 1, 1, 0, 3});
       }},
      {"index_add",
       {5, 3},
       [](auto& x) {
         return index_add(x, 0, {3, 1, 1, 0, 3}, 4);
       }},
      {"embedding",
       {4, 3},
       [](auto& x) {
         return embedding(x, {2, 2, 0});
       }},
      {"resample2d",
       {2, 3, 3, 2},
       [](auto& x) {
         SparseMatrix rows, columns;
         rows.out = 2, rows.in = 3, rows.begin = {0, 2, 3}, rows.index = {0, 2, 2};
         rows.weight = {3, -1, 2};
         columns.out = 3, columns.in = 2, columns.begin = {0, 1, 1, 3}, columns.index = {1, 0, 1};
         columns.weight = {5, 1, -2};
         return resample2d(x, rows, columns);
       }},
      {"avg_pool2d",
       {2, 3, 7, 6},
       [](auto& x) { return avg_pool2d(x, {.kernel = 2, .stride = 3, .padding = 1}); }},
      {"adaptive_avg_pool2d",
       {2, 3, 6, 7},
       [](auto& x) { return adaptive_avg_pool2d(x, 4, 6); }},  // windows overlap
      {"upsample_nearest2d", {2, 3, 3, 5}, [](auto& x) { return upsample_nearest2d(x, 7, 4); }},
      {"upsample_bilinear2d", {2, 1, 3, 5}, [](auto& x) { return upsample_bilinear2d(x, 6, 10); }},
      {"reflection_pad2d", {2, 3, 4, 5}, [](auto& x) { return reflection_pad2d(x, 3); }},
      {"linear",
       {3, 5, 17},
       [=](auto& x) {
         return linear(x, constant({5, 17}));
       }},
      {"linear",
       {5, 17},
       [=](auto& x) {
         return linear(constant({2, 3, 4, 17}), x);
       }},
      {"linear",
       {5},
       [=](auto& x) {
         return linear(Tensor::zeros({2, 9, 3}), constant({5, 3}), x);
       }},
      {"linear",
       {9, 17},
       [=](auto& x) {
         return linear(x, constant({5, 17}));
       }},
      {"linear",
       {5, 17},
       [=](auto& x) {
         return linear(constant({9, 17}), x);
       }},
      {"linear", {5}, [=](auto& x) {
         return linear(Tensor::zeros({9, 3}), constant({5, 3}), x);
       }}};

  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      const MatMulOptions t{a, b};
      const Shape left = a ? Shape{7, 15} : Shape{15, 7}, right = b ? Shape{18, 7} : Shape{7, 18};
      ops.push_back({"matmul", left, [=](auto& x) { return matmul(x, constant(right), t); }});
      const Shape lefts = {3, 2, left[0], left[1]}, rights = {3, 2, right[0], right[1]};
      ops.push_back({"matmul", lefts, [=](auto& x) { return matmul(x, constant(rights), t); }});
      ops.push_back({"matmul", rights, [=](auto& x) { return matmul(constant(lefts), x, t); }});
      ops.push_back({"matmul", right, [=](auto& x) { return matmul(constant(left), x, t); }});
    }
  }

  struct Geometry {
    int64_t kh, kw;
    ConvOptions options;
  };
  // A remainder, padding beyond the kernel, kernel < stride, dilation, a pixel per output.
  const Geometry geometries[] = {{4, 4, {2, 1, 1}}, {3, 2, {2, 2, 1}}, {2, 1, {3, 0, 1}},
                                 {3, 3, {1, 1, 2}}, {2, 3, {3, 1, 2}}, {1, 1, {1, 0, 1}}};
  for (const Geometry& geometry : geometries) {
    const int64_t h = 7, w = 6, kh = geometry.kh, kw = geometry.kw;
    const ConvOptions o = geometry.options;
    const auto out = [&](int64_t extent, int64_t k) {
      return (extent + 2 * o.padding - o.dilation * (k - 1) - 1) / o.stride + 1;
    };
    const Shape x{2, 3, h, w}, weight{5, 3, kh, kw}, y{2, 5, out(h, kh), out(w, kw)};
    const Shape swapped{3, 2, kh, kw};  // from 3 channels to 2, transposed
    ops.push_back({"conv2d", x, [=](auto& v) { return conv2d(v, constant(weight), {}, o); }});
    ops.push_back({"conv2d", weight, [=](auto& v) { return conv2d(constant(x), v, {}, o); }});
    ops.push_back({"conv2d_input_grad", y,
                   [=](auto& v) { return conv2d_input_grad(v, constant(weight), h, w, o); }});
    ops.push_back({"conv2d_input_grad", weight,
                   [=](auto& v) { return conv2d_input_grad(constant(y), v, h, w, o); }});
    ops.push_back({"conv2d_weight_grad", y,
                   [=](auto& v) { return conv2d_weight_grad(v, constant(x), kh, kw, o); }});
    ops.push_back({"conv2d_weight_grad", x,
                   [=](auto& v) { return conv2d_weight_grad(constant(y), v, kh, kw, o); }});
    const int64_t rest = o.stride - 1;
    ops.push_back({"conv_transpose2d", x,
                   [=](auto& v) { return conv_transpose2d(v, constant(swapped), {}, o, rest); }});
    ops.push_back({"conv_transpose2d", swapped,
                   [=](auto& v) { return conv_transpose2d(constant(x), v, {}, o, rest); }});
  }
  return ops;
}

/// Describes the first property that f violates, or "".
std::string wrong(const LinearOp& op) {
  const Tensor x = whole(op.x, 1).set_requires_grad(), u = whole(op.x, 3);
  const Tensor y = op.f(x);
  const Tensor v = whole(y.shape(), 2).set_requires_grad();
  const Tensor dx = grad({y}, {x}, {v}, {.create_graph = true})[0];
  if (dot(y, v) != dot(x, dx)) return "<f(x), v> is not <x, f'(v)>";
  const Tensor back = grad({dx}, {v}, {u})[0];
  const NoGrad guard;
  const Tensor expected = op.f(u);
  for (int64_t i = 0; i < expected.numel(); ++i) {
    if (back.data()[i] != expected.data()[i]) return "the adjoint's adjoint is not f";
  }
  for (int64_t i = 0; i < x.numel(); ++i) {
    const Tensor stepped = x.clone();
    stepped.mutable_data()[i] += 1;
    if (dot(op.f(stepped), v) - dot(y, v) != static_cast<double>(dx.data()[i])) {
      return "a step of 1 in element " + std::to_string(i) + " shows another derivative";
    }
  }
  return "";
}

}  // namespace

TEST_CASE("linear ops match their differences and adjoints exactly on integers") {
  std::set<std::string> names;
  on_every_kernel_set([&] {
    for (const LinearOp& op : linear_ops()) {
      CAPTURE(op.op);
      CAPTURE(op.x.str());
      CHECK(wrong(op) == "");
      names.insert(op.op);
    }
  });
  CHECK(names.size() == 42);
}

TEST_CASE("the linearity check rejects a nonlinear op and a wrong gradient") {
  CHECK(wrong({"square", {3}, [](auto& x) { return x * x; }}) != "");
  CHECK(wrong({"cut off", {3}, [](auto& x) { return x + x.detach(); }}) != "");
}

}  // namespace forger
