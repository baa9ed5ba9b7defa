#include <array>
#include <tuple>
#include <utility>

#include "autograd/ops.h"
#include "registry.h"

namespace forger {
namespace {

Tensor log_softmax_last(const Tensor& x, SourceLoc loc) { return log_softmax(x, -1, loc); }

}  // namespace

std::vector<OpCase> basic_cases() {
  using In = const std::vector<Tensor>&;
  std::vector<OpCase> cases;

  using Binary = Tensor (*)(const Tensor&, const Tensor&, SourceLoc);
  const std::vector<std::pair<std::string, Binary>> binaries = {
      {"add", add}, {"sub", sub}, {"mul", mul}, {"div", div}};
  for (const auto& [name, op] : binaries) {
    const auto f = [op = op](In in) { return op(in[0], in[1], SourceLoc::here()); };
    const std::vector<std::vector<Shape>> shapes = {
        {{}, {}},         {{3}, {3}},       {{2, 3}, {3}},
        {{2, 3}, {}},     {{2, 1}, {1, 3}}, {{2, 3, 2}, {3, 1}},
        {{1, 1}, {2, 3}}, {{0, 3}, {3}},    {{2, 3, 2, 2}, {1, 3, 1, 1}}};
    for (const auto& pair : shapes) {
      const double zeros = pair[0].numel() == 0 ? 1 : 0.3;  // all of b's, if a is empty
      cases.push_back({name, pair[0].str() + " " + pair[1].str(), f, pair, 0.5, 2, zeros});
    }
    const auto twice = [op = op](In in) { return op(in[0], in[0], SourceLoc::here()); };
    const double zeros = name == "sub" || name == "div" ? 1 : 0.3;  // x - x and x / x are constant
    cases.push_back({name, "the same tensor twice", twice, {{2, 3}}, 0.5, 2, zeros});
  }

  using Unary = Tensor (*)(const Tensor&, SourceLoc);
  struct UnaryOp {
    std::string name;
    Unary op;
    double low, high;
  };
  const std::vector<UnaryOp> unaries = {
      {"neg", neg, -1, 1},         {"abs", abs, -1, 1},
      {"sqrt", sqrt, 0.5, 2},      {"exp", exp, -1, 1},
      {"log", log, 0.5, 2},        {"tanh", tanh, -2, 2},
      {"sigmoid", sigmoid, -3, 3}, {"softplus", softplus, -3, 3},
      {"sin", sin, -4, 4},         {"cos", cos, -4, 4},
      {"relu", relu, -1, 1},       {"log_softmax", log_softmax_last, -2, 2}};
  for (const auto& [name, op, low, high] : unaries) {
    const auto f = [op = op](In in) { return op(in[0], SourceLoc::here()); };
    const double zeros = name == "relu" ? 0.8 : 0.3;
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{5}, Shape{2, 3}, Shape{1, 4}, Shape{0, 2},
                               Shape{2, 1, 3}, Shape{2, 2, 1, 3}}) {
      if (name == "log_softmax" && (shape.rank() == 0 || shape.numel() == 0)) continue;
      // With one class the logarithm of its probability is 0 whatever x is.
      const bool constant = name == "log_softmax" && shape[-1] == 1;
      cases.push_back({name, shape.str(), f, {shape}, low, high, constant ? 1 : zeros});
    }
  }
  const auto slopes = [&](const Shape& shape, double slope) {
    const std::string sample = shape.str() + ", slope " + std::to_string(slope);
    cases.push_back({"leaky_relu",
                     sample,
                     [=](In in) { return leaky_relu(in[0], slope); },
                     {shape},
                     -1,
                     1,
                     shape.numel() == 0 ? 1 : 0.8});
    cases.push_back({"leaky_relu_grad",
                     sample,
                     [=](In in) { return leaky_relu_grad(in[0], in[1], slope); },
                     {shape, shape},
                     -1,
                     1,
                     shape.numel() == 0 ? 1 : 0.9});  // y has no derivative, slope 0 halves g's
  };
  for (double slope : {0.0, 0.01, 0.2, 1.5}) {
    slopes({4, 5}, slope);
    slopes({2, 3, 1, 4}, slope);
    slopes({0, 2}, slope);
  }

  for (const Shape& shape : {Shape{}, Shape{7}, Shape{2, 3}, Shape{1, 3}, Shape{0, 2},
                             Shape{3, 1, 2}, Shape{2, 1, 1, 3}, Shape{3, 2}}) {
    cases.push_back(
        {"tanh_grad", shape.str(), [](In in) { return tanh_grad(in[0], in[1]); }, {shape, shape}});
    cases.push_back({"sigmoid_grad",
                     shape.str(),
                     [](In in) { return sigmoid_grad(in[0], in[1]); },
                     {shape, shape},
                     0.05,
                     0.95});
  }

  const std::vector<std::pair<Shape, std::vector<int>>> reductions = {{{}, {}},
                                                                      {{3}, {0}},
                                                                      {{2, 3}, {0}},
                                                                      {{2, 3}, {1}},
                                                                      {{2, 3}, {0, 1}},
                                                                      {{2, 3, 4}, {1}},
                                                                      {{2, 3, 4}, {0, 2}},
                                                                      {{2, 3, 2, 2}, {0, 2, 3}},
                                                                      {{2, 3, 2, 2}, {0, 2}},
                                                                      {{2, 3, 2, 2}, {1, 3}},
                                                                      {{1, 3, 1}, {0, 2}},
                                                                      {{2, 3}, {-1}}};
  for (const auto& [shape, axes] : reductions) {
    for (bool keepdim : {false, true}) {
      std::string sample = shape.str() + (keepdim ? " keepdim, axes" : ", axes");
      for (int axis : axes) sample += " " + std::to_string(axis);
      const auto reduced = axes;
      cases.push_back({"sum",
                       sample,
                       [=](In in) { return sum(in[0], reduced, keepdim) * in[1]; },
                       {shape, {}}});
      cases.push_back({"mean",
                       sample,
                       [=](In in) { return mean(in[0], reduced, keepdim) * in[1]; },
                       {shape, {}}});
    }
  }
  cases.push_back({"sum", "one axis", [](In in) { return sum(in[0], 1) * in[1]; }, {{2, 3}, {}}});
  cases.push_back(
      {"mean", "one axis", [](In in) { return mean(in[0], -2) * in[1]; }, {{2, 3}, {}}});
  const std::vector<std::pair<Shape, Shape>> broadcasts = {
      {{}, {2, 3}},     {{3}, {2, 3}}, {{2, 1}, {2, 3}}, {{1, 3, 1, 1}, {2, 3, 2, 2}}, {{2}, {2}},
      {{1, 1}, {3, 2}}, {{}, {}},      {{3}, {0, 3}},    {{2, 1, 3}, {2, 4, 3}}};
  for (const auto& [small, large] : broadcasts) {
    const Shape to = small, from = large;
    cases.push_back({"broadcast_to",
                     to.str() + " to " + from.str(),
                     [=](In in) { return broadcast_to(in[0], from) * in[1]; },
                     {to, {}},
                     -1,
                     1,
                     from.numel() == 0 ? 1 : 0.3});
    cases.push_back({"sum_to",
                     from.str() + " to " + to.str(),
                     [=](In in) { return sum_to(in[0], to) * in[1]; },
                     {from, {}},
                     -1,
                     1,
                     from.numel() == 0 ? 1 : 0.3});
  }

  // Layout ops are linear; the square in front gives them a second derivative to be wrong about.
  const auto square = [](const Tensor& x) { return x * x; };
  const auto layout = [&](const std::string& op, const std::string& sample, const Shape& shape,
                          std::function<Tensor(const Tensor&)> f, double zeros = 0.3) {
    cases.push_back({op, sample, [=](In in) { return f(square(in[0])); }, {shape}, -1, 1, zeros});
  };
  layout("reshape", "[2, 3] to [3, -1]", {2, 3}, [](auto& x) { return reshape(x, {3, -1}); });
  layout("reshape", "[1] to []", {1}, [](auto& x) { return reshape(x, {}); });
  layout("reshape_to", "[2, 6] to [2, 3, 2]", {2, 6}, [](auto& x) {
    return reshape_to(x, {2, 3, 2});
  });
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{6}, Shape{2, 3}, Shape{1, 6}, Shape{0, 3},
                             Shape{2, 3, 2}, Shape{2, 1, 3, 2}}) {
    layout("reshape", shape.str() + " to [-1]", shape, [](auto& x) { return reshape(x, {-1}); });
    layout("reshape_to", shape.str() + " to one axis and an empty one", shape, [](auto& x) {
      return reshape_to(x, {x.numel(), 1});
    });
    if (shape.rank() == 0) continue;
    layout("flatten", shape.str(), shape, [](auto& x) { return flatten(x); });
  }
  layout("flatten", "an image", {2, 2, 3, 1}, [](auto& x) { return flatten(x); });
  for (const Shape& shape : {Shape{4}, Shape{1, 3}, Shape{0, 3}, Shape{2, 3, 1, 2}}) {
    const std::string sample = shape.str();
    const int64_t last = shape[-1];
    layout("slice", sample + ", all of it", shape, [=](auto& x) { return slice(x, -1, 0, last); });
    layout(
        "slice", sample + ", nothing", shape, [](auto& x) { return slice(x, -1, 1, 1); }, 1);
    layout("pad", sample + ", in front", shape, [](auto& x) { return pad(x, -1, 2, 0); });
    layout("pad", sample + ", not at all", shape, [](auto& x) { return pad(x, 0, 0, 0); });
    cases.push_back({"concat",
                     sample + ", one part",
                     [=](In in) { return square(concat({in[0]}, -1)); },
                     {shape}});
  }
  for (int axis : {0, 1, 2, -1}) {
    const std::string sample = "axis " + std::to_string(axis);
    layout(
        "slice", sample, {3, 4, 3}, [=](auto& x) { return slice(x, axis, 1, 3); }, 0.6);
    layout(
        "slice", sample + ", both ends from its end", {3, 4, 3},
        [=](auto& x) { return slice(x, axis, -2, -1); }, 0.8);
    layout(
        "slice", sample + ", to its end", {3, 4, 3}, [=](auto& x) { return slice(x, axis, 1); },
        0.6);
    layout(
        "select", sample, {3, 4, 3}, [=](auto& x) { return select(x, axis, 1); }, 0.8);
    layout(
        "select", sample + ", from its end", {3, 4, 3},
        [=](auto& x) { return select(x, axis, -1); }, 0.8);
    layout(
        "select", sample + ", its first", {3, 4, 3}, [=](auto& x) { return select(x, axis, 0); },
        0.8);
    layout("chunk", sample, {2, 4, 2}, [=](auto& x) {
      const std::vector<Tensor> parts = chunk(x, 2, axis);
      return parts[0] * parts[1];
    });
    layout("chunk", sample + ", one part", {2, 1, 3},
           [=](auto& x) { return chunk(x, 1, axis)[0]; });
    layout("pad", sample, {2, 3, 2}, [=](auto& x) { return pad(x, axis, 1, 2); });
    cases.push_back({"concat",
                     sample,
                     [=](In in) {
                       return square(concat({in[0], in[1], in[0]}, axis));
                     },
                     {{2, 3, 2}, {2, 3, 2}}});
  }
  cases.push_back({"concat",
                   "different extents",
                   [=](In in) { return square(concat(in, 1)); },
                   {{2, 1}, {2, 3}, {2, 2}}});

  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      const auto f = [=](In in) { return matmul(in[0], in[1], {ta, tb}); };
      for (const auto& [m, k, n] : {std::array{2, 3, 4}, std::array{1, 1, 1}, std::array{5, 1, 2},
                                    std::array{1, 4, 3}, std::array{3, 0, 2}}) {
        const Shape a = ta ? Shape{k, m} : Shape{m, k}, b = tb ? Shape{n, k} : Shape{k, n};
        cases.push_back(
            {"matmul", a.str() + (ta ? "^T " : " ") + b.str() + (tb ? "^T" : ""), f, {a, b}});
      }
      for (const auto& [front, m, k, n] : {std::tuple{Shape{2}, 2, 3, 4},
                                           {Shape{1}, 1, 4, 2},
                                           {Shape{3}, 2, 0, 1},
                                           {Shape{0}, 2, 3, 1},
                                           {Shape{2, 3}, 3, 2, 1},
                                           {Shape{3, 1}, 2, 2, 2}}) {
        const auto behind = [front = front](int64_t rows, int64_t columns) {
          return front.rank() == 1 ? Shape{front[0], rows, columns}
                                   : Shape{front[0], front[1], rows, columns};
        };
        const Shape a = ta ? behind(k, m) : behind(m, k), b = tb ? behind(n, k) : behind(k, n);
        cases.push_back(
            {"matmul", a.str() + (ta ? "^T " : " ") + b.str() + (tb ? "^T" : ""), f, {a, b}});
      }
      cases.push_back({"matmul",
                       "the same tensor twice",
                       [=](In in) {
                         return matmul(in[0], in[0], {ta, tb});
                       },
                       {{3, 3}}});
    }
  }
  for (const auto& [x, out] : {std::pair{Shape{2, 3}, 4},
                               {Shape{1, 1}, 1},
                               {Shape{5, 2}, 1},
                               {Shape{0, 2}, 3},
                               {Shape{3}, 2},
                               {Shape{2, 2, 3}, 4},
                               {Shape{2, 0, 3}, 2},
                               {Shape{2, 1, 2, 3}, 2}}) {
    const Shape weight = {out, x[-1]};
    const double zeros = x.numel() == 0 ? 1 : 0.3;
    const auto bare = [](In in) { return linear(in[0], in[1]); };
    const auto with_bias = [](In in) { return linear(in[0], in[1], in[2]); };
    cases.push_back({"linear", x.str() + ", no bias", bare, {x, weight}, -1, 1, zeros});
    cases.push_back({"linear", x.str() + ", bias", with_bias, {x, weight, {out}}, -1, 1, zeros});
    for (double slope : {0.0, 0.2}) {
      const auto leaky = [=](In in) { return linear_leaky_relu(in[0], in[1], in[2], slope); };
      const std::string sample = x.str() + ", slope " + std::to_string(slope);
      const double off = slope == 0 ? 1 : zeros;  // whole rows may be behind the gate
      cases.push_back({"linear_leaky_relu", sample, leaky, {x, weight, {out}}, -1, 1, off});
    }
  }

  struct Geometry {
    int64_t n, c, h, w, o, kh, kw;
    ConvOptions options;
  };
  const std::vector<Geometry> geometries = {
      {1, 1, 3, 3, 1, 3, 3, {}},        {2, 3, 4, 5, 2, 3, 2, {}},
      {2, 2, 5, 4, 3, 2, 2, {2, 0, 1}}, {1, 2, 6, 6, 2, 4, 4, {2, 1, 1}},  // a row left over
      {1, 2, 5, 5, 1, 1, 1, {2, 0, 1}}, {2, 1, 5, 6, 2, 2, 1, {3, 1, 1}},  // kernel < stride
      {1, 1, 4, 4, 2, 1, 1, {1, 2, 1}}, {1, 2, 6, 5, 1, 3, 2, {1, 1, 2}},
      {1, 1, 7, 7, 1, 3, 3, {2, 2, 2}}};
  for (const Geometry& s : geometries) {
    const ConvOptions options = s.options;
    const auto out = [&](int64_t extent, int64_t kernel) {
      return (extent + 2 * options.padding - options.dilation * (kernel - 1) - 1) / options.stride +
             1;
    };
    const Shape x = {s.n, s.c, s.h, s.w}, weight = {s.o, s.c, s.kh, s.kw};
    const Shape g = {s.n, s.o, out(s.h, s.kh), out(s.w, s.kw)};
    const int64_t h = s.h, w = s.w, kh = s.kh, kw = s.kw;
    const std::string sample = x.str() + " with " + weight.str() + ", stride " +
                               std::to_string(options.stride) + ", padding " +
                               std::to_string(options.padding) + ", dilation " +
                               std::to_string(options.dilation);
    // Pixels that no output sees have gradient 0; with padding and strides there may be many.
    cases.push_back({"conv2d",
                     sample,
                     [=](In in) { return conv2d(in[0], in[1], in[2], options); },
                     {x, weight, {s.o}},
                     -1,
                     1,
                     0.8});
    cases.push_back({"conv2d_input_grad",
                     sample,
                     [=](In in) { return conv2d_input_grad(in[0], in[1], h, w, options); },
                     {g, weight},
                     -1,
                     1,
                     0.8});
    cases.push_back({"conv2d_weight_grad",
                     sample,
                     [=](In in) { return conv2d_weight_grad(in[0], in[1], kh, kw, options); },
                     {g, x},
                     -1,
                     1,
                     0.8});
  }
  for (int64_t stride : {1, 2, 3}) {
    for (int64_t output_padding = 0; output_padding < stride; ++output_padding) {
      const ConvOptions options = {stride, 1, 1};
      cases.push_back({"conv_transpose2d",
                       "one pixel, stride " + std::to_string(stride) + ", output_padding " +
                           std::to_string(output_padding),
                       [=](In in) {
                         return conv_transpose2d(in[0], in[1], {}, {stride, 0, 1}, output_padding);
                       },
                       {{1, 2, 1, 1}, {2, 1, 2, 3}}});
      cases.push_back(
          {"conv_transpose2d",
           "stride " + std::to_string(stride) + ", output_padding " +
               std::to_string(output_padding),
           [=](In in) { return conv_transpose2d(in[0], in[1], in[2], options, output_padding); },
           {{2, 2, 3, 2}, {2, 3, 3, 2}, {3}},
           -1,
           1,
           0.5});
    }
  }
  cases.push_back({"conv_transpose2d",
                   "output_padding of a whole stride, below the dilation",
                   [](In in) {
                     return conv_transpose2d(in[0], in[1], in[2], {1, 1, 2}, 1);
                   },
                   {{1, 2, 3, 2}, {2, 1, 3, 2}, {1}},
                   -1,
                   1,
                   0.5});

  for (const Shape& x : {Shape{4, 3}, Shape{2, 1}, Shape{2, 3, 2, 2}, Shape{1, 2, 3, 1}}) {
    const Shape c = {x[1]};
    for (double eps : {1e-5, 0.1}) {
      // x is spread out so that the finite difference's step is small beside the deviation.
      cases.push_back({"batch_norm",
                       x.str() + ", eps " + std::to_string(eps),
                       [=](In in) { return batch_norm(in[0], in[1], in[2], eps); },
                       {x, c, c},
                       -3,
                       3});
      const double slope = eps == 0.1 ? 0 : 0.2;
      cases.push_back(
          {"batch_norm_leaky_relu",
           x.str() + ", slope " + std::to_string(slope),
           [=](In in) { return batch_norm_leaky_relu(in[0], in[1], in[2], slope, eps); },
           {x, c, c},
           -3,
           3,
           slope == 0 ? 1 : 0.3});
    }
  }

  return cases;
}

}  // namespace forger
