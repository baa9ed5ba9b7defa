// The twins of fixtures/ops.py: the same names, in the same order.
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "cases.h"
#include "nn/module.h"
#include "op_table.h"

namespace forger::parity {
namespace {

std::string list(const std::vector<int>& numbers, const char* between) {
  std::string text;
  for (size_t i = 0; i < numbers.size(); ++i) {
    text += (i ? between : "") + std::to_string(numbers[i]);
  }
  return text;
}

Indices indices_of(const Tensor& x) {
  const std::vector<int> labels = labels_of(x);
  return {x.shape(), {labels.begin(), labels.end()}};
}

const char* const kShapes[] = {"[]", "[7]", "[3, 5]", "[2, 1, 3]", "[2, 3, 2, 2]"};
const char* const kPairs[] = {"[3] [3]",       "[2, 3] [3]",       "[2, 3] []",
                              "[2, 1] [1, 3]", "[2, 3, 2] [3, 1]", "[2, 3, 2, 2] [1, 3, 1, 1]",
                              "[5, 1] [5, 2]"};
constexpr const char* kTwice = "/the same tensor twice";

void add_arithmetic(Table& t) {
  struct Binary {
    std::string name;
    Tensor (*f)(const Operand&, const Operand&);
    Bound y, d;
  };
  const auto plus = [](const Operand& a, const Operand& b) { return a + b; };
  const auto minus = [](const Operand& a, const Operand& b) { return a - b; };
  const auto times = [](const Operand& a, const Operand& b) { return a * b; };
  const auto over = [](const Operand& a, const Operand& b) { return a / b; };
  // The gradients are sums of products or quotients. That of pow by the exponent is the power times
  // a logarithm times g, 4 + 4 + 2 roundings, and added up where the exponent was broadcast.
  const std::vector<Binary> binaries = {
      {"add", plus, element(1), products(0)},  {"sub", minus, element(1), products(0)},
      {"mul", times, element(1), products(0)}, {"div", over, element(1), products(3)},
      {"maximum", maximum, kExact, chosen(0)}, {"minimum", minimum, kExact, chosen(0)},
      {"pow", pow, element(4), largest(16)}};
  for (const auto& [name, f, y, d] : binaries) {
    for (const char* pair : kPairs) {
      t.add(name + "/" + pair, y, d, [f = f](In x, In) { return f(x[0], x[1]); });
    }
    // x - x and x / x have the gradient 0 as a difference of equals.
    const bool constant = name == "sub" || name == "div";
    t.add(name + kTwice, y, constant ? largest(4) : d, [f = f](In x, In) { return f(x[0], x[0]); });
    if (name == "maximum" || name == "minimum") {
      t.add(name + "/equal elements", y, kExact, [f = f](In x, In) { return f(x[0], x[1]); });
      t.add(name + "/equal elements, broadcast", y, d, [f = f](In x, In) { return f(x[0], x[1]); });
    } else {
      t.add(name + "/a number on the left", y, d, [f = f](In x, In) { return f(1.25, x[0]); });
    }
  }
  for (double exponent : {0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5}) {
    const std::string name = "pow/exponent " + nn::short_number(exponent);
    const auto f = [=](In x, In) { return pow(x[0], exponent); };
    t.add(name, element(4), element(8), f);
    if (exponent == 0.5) continue;
    t.add(name + " of negatives", element(4), element(8), f);
    if (exponent >= 0) t.add(name + " at 0", element(4), element(8), f);
  }
  t.add("pow/0 to a power that is learned", kExact, kExact, [](In x, In) { return pow(0, x[0]); });
}

void add_comparing(Table& t) {
  using Compare = Tensor (*)(const Operand&, const Operand&);
  const std::vector<std::pair<std::string, Compare>> comparisons = {
      {"equal", equal},           {"not_equal", not_equal}, {"less", less},
      {"less_equal", less_equal}, {"greater", greater},     {"greater_equal", greater_equal}};
  for (const auto& [name, f] : comparisons) {
    for (size_t i = 0; i < 5; ++i) {
      t.add(name + "/" + kPairs[i], kExact, kExact, [f = f](In x, In) { return f(x[0], x[1]); });
    }
  }
  for (const char* sample : {"[2, 3] [2, 3] [2, 3]", "[2, 3] [3] [2, 3]", "[3] [2, 1] [3]",
                             "[4, 2, 3] [] [2, 3]", "[2, 1] [4, 2, 3] [1, 1]"}) {
    t.add(std::string("where/") + sample, kExact, products(0),
          [](In x, In c) { return where(c[0], x[0], x[1]); });
  }
  t.add(std::string("where") + kTwice, kExact, kExact,
        [](In x, In c) { return where(c[0], x[0], x[0]); });
  for (const char* shape : kShapes) {
    t.add(std::string("clamp/") + shape, kExact, kExact,
          [](In x, In) { return clamp(x[0], -0.5, 1.25); });
  }
  t.add("clamp/the edges", kExact, kExact, [](In x, In) { return clamp(x[0], -1, 1); });
  t.add("clamp/one point", kExact, kExact, [](In x, In) { return clamp(x[0], 1, 1); });
}

void add_unary(Table& t) {
  struct Unary {
    std::string name;
    Tensor (*f)(const Tensor&, SourceLoc);
    Bound y, d;
  };
  // Where 1 - y^2 or y (1 - y) cancels, or a sum of two terms, a result can be smaller than what
  // was rounded on its way: such bounds are relative to the largest number.
  const std::vector<Unary> unaries = {
      {"neg", neg, kExact, kExact},
      {"abs", abs, kExact, kExact},
      {"sign", sign, kExact, kExact},
      {"sqrt", sqrt, element(1), element(3)},
      {"rsqrt", rsqrt, element(2), element(10)},  // g r^3 / 2 with three times the error of r
      {"exp", exp, element(4), element(5)},
      {"log", log, element(4), element(1)},
      {"erf", erf, element(4), element(16)},  // e^-(x^2), x^2 < 9 being rounded, and 7 more
      {"sin", sin, element(4), element(5)},
      {"cos", cos, element(4), element(5)},
      {"relu", relu, kExact, kExact},
      {"tanh", tanh, element(4), largest(10)},
      {"sigmoid", sigmoid, element(4), largest(8)},
      {"softplus", softplus, element(4), element(5)},
      {"gelu", gelu, largest(6), largest(12)},
      {"silu", silu, element(5), largest(12)}};
  for (const auto& [name, f, y, d] : unaries) {
    const auto call = [f = f](In x, In) { return f(x[0], SourceLoc::here()); };
    for (const char* shape : kShapes) t.add(name + "/" + shape, y, d, call);
    t.add(name + "/far out and in the middle", y, d, call);
  }
  for (double slope : {0.0, 0.01, 0.2, 1.0, 1.5}) {
    const std::string sample = "/slope " + nn::short_number(slope);
    const auto f = [=](In x, In) { return leaky_relu(x[0], slope); };
    // The slope itself is rounded to float.
    t.add("leaky_relu" + sample, element(2), element(2), f);
    t.add("leaky_relu" + sample + ", at 0", element(2), element(2), f);
    t.add("leaky_relu_grad" + sample, element(2), element(2),
          [=](In x, In) { return leaky_relu_grad(x[0], x[1], slope); });
  }
  for (const char* shape : kShapes) {
    // |y| < 0.95, so that 1 - y^2 has at most ten times the rounding error of y^2.
    t.add(std::string("tanh_grad/") + shape, element(12), element(12),
          [](In x, In) { return tanh_grad(x[0], x[1]); });
    t.add(std::string("sigmoid_grad/") + shape, element(4), element(4),
          [](In x, In) { return sigmoid_grad(x[0], x[1]); });
  }
  for (double alpha : {0.0, 0.5, 1.0, 1.5}) {
    const std::string name = "elu/alpha " + nn::short_number(alpha);
    const auto f = [=](In x, In) { return elu(x[0], alpha); };
    t.add(name, element(4), largest(6), f);
    t.add(name + ", at 0 and far out", element(4), largest(6), f);
  }
}

void add_reductions(Table& t) {
  struct Reduced {
    Shape x;
    std::vector<int> axes;
  };
  const std::vector<Reduced> all_axes = {{{4}, {0}},
                                         {{2, 3}, {0}},
                                         {{2, 3}, {1}},
                                         {{2, 3}, {-1}},
                                         {{2, 3}, {0, 1}},
                                         {{2, 3, 4}, {1}},
                                         {{2, 3, 4}, {0, 2}},
                                         {{2, 3, 2, 2}, {0, 2, 3}},
                                         {{2, 3, 2, 2}, {1, 3}},
                                         {{2, 3, 2, 2}, {0, 2}},
                                         {{1, 3, 1}, {0, 2}}};
  using Reduce = Tensor (*)(const Tensor&, const Axes&, bool, SourceLoc);
  struct Op {
    std::string name;
    Reduce f;
    Bound y, d;
  };
  // Of a mean ones give 1, not the number of terms, which is 8 at most. The logarithm of the sum of
  // exponentials is a difference, an exponential, a sum, a logarithm and a sum.
  const std::vector<Op> ops = {{"sum", sum, products(0), kExact},
                               {"mean", mean, products(9), element(2)},
                               {"max", max, kExact, element(2)},
                               {"min", min, kExact, element(2)},
                               {"logsumexp", logsumexp, largest(8), largest(8)}};
  for (const auto& [shape, axes_in] : all_axes) {
    const std::vector<int> axes = axes_in;
    int64_t count = 1;
    for (int axis : axes) count *= shape[axis];
    for (bool keepdim : {false, true}) {
      const std::string sample =
          "/" + shape.str() + " over " + list(axes, " ") + (keepdim ? ", kept" : "");
      for (const auto& [name, f, y, d] : ops) {
        t.add(name + sample, y, d,
              [=, f = f](In x, In) { return f(x[0], axes, keepdim, SourceLoc::here()); });
      }
      for (int correction : {0, 1}) {
        if (count <= correction) continue;
        // x - mean, its square and the sum: five roundings of numbers of up to (2 M)^2 / count.
        t.add("var" + sample + ", correction " + std::to_string(correction), largest(16),
              largest(8), [=](In x, In) { return var(x[0], axes, correction, keepdim); });
      }
    }
  }
  t.add("sum/all of it", products(0), kExact, [](In x, In) { return sum(x[0]); });
  t.add("mean/all of it", products(16), element(2), [](In x, In) { return mean(x[0]); });
  t.add("max/all of it", kExact, kExact, [](In x, In) { return max(x[0]); });
  t.add("min/all of it", kExact, kExact, [](In x, In) { return min(x[0]); });
  t.add("var/all of it", largest(16), largest(8), [](In x, In) { return var(x[0]); });
  for (const auto& [name, f, y, d] : ops) {
    t.add(name + "/one axis", y, d,
          [f = f](In x, In) { return f(x[0], 1, false, SourceLoc::here()); });
  }
  t.add("var/one axis", largest(16), largest(8), [](In x, In) { return var(x[0], 1); });
  for (const Shape& shape :
       {Shape{4}, Shape{3, 5}, Shape{2, 3, 4}, Shape{2, 1, 3}, Shape{2, 3, 2, 2}}) {
    for (int axis = -1; axis < shape.rank(); ++axis) {
      const auto f = [=](In x, In) {
        const std::vector<int> places = argmax(x[0], axis);
        return Tensor::from({static_cast<int64_t>(places.size())}, {places.begin(), places.end()});
      };
      const std::string name = "argmax/" + shape.str() + " along " + std::to_string(axis);
      t.add(name, kExact, kExact, f);
      t.add(name + ", equal elements", kExact, kExact, f);
    }
  }
  t.add("max/equal elements", kExact, element(2), [](In x, In) { return max(x[0], {1}); });
  t.add("min/equal elements", kExact, element(2), [](In x, In) { return min(x[0], {1}); });
  t.add("max/equal elements, all of it", kExact, element(2), [](In x, In) { return max(x[0]); });
  t.add("min/equal elements, all of it", kExact, element(2), [](In x, In) { return min(x[0]); });

  const std::vector<std::pair<Shape, Shape>> broadcasts = {
      {{}, {2, 3}},           {{3}, {2, 3}}, {{2, 1}, {2, 3}}, {{1, 3, 1, 1}, {2, 3, 2, 2}},
      {{2, 1, 3}, {2, 4, 3}}, {{2}, {2}}};
  for (const auto& [small, large] : broadcasts) {
    const Shape to = small, from = large;
    t.add("broadcast_to/" + to.str() + " to " + from.str(), kExact, products(0),
          [=](In x, In) { return broadcast_to(x[0], from); });
    t.add("sum_to/" + from.str() + " to " + to.str(), products(0), kExact,
          [=](In x, In) { return sum_to(x[0], to); });
  }
  // A difference, an exponential, a sum and a quotient; one product and a difference more in the
  // gradient.
  const std::vector<Shape> shapes = {{5}, {3, 4}, {2, 3, 4}, {2, 1, 3}, {2, 3, 2, 2}};
  using Softmax = Tensor (*)(const Tensor&, int, SourceLoc);
  const std::vector<std::pair<std::string, Softmax>> softmaxes = {{"softmax", softmax},
                                                                  {"log_softmax", log_softmax}};
  for (const auto& [name, f] : softmaxes) {
    const auto along = [f = f](int axis) {
      return [=](In x, In) { return f(x[0], axis, SourceLoc::here()); };
    };
    for (const Shape& shape : shapes) {
      for (int axis = -1; axis < shape.rank(); ++axis) {
        t.add(name + "/" + shape.str() + " along " + std::to_string(axis), largest(8), largest(12),
              along(axis));
      }
    }
    t.add(name + "/far out", largest(8), largest(12), along(1));
  }
  t.add("logsumexp/far out", largest(8), largest(8), [](In x, In) { return logsumexp(x[0], {1}); });
}

void add_layout(Table& t) {
  const auto exact = [&t](const std::string& name, Table::Function f) {
    t.add(name, kExact, kExact, std::move(f));
  };
  exact("reshape/[2, 3] to [3, 2]", [](In x, In) { return reshape(x[0], {3, 2}); });
  exact("reshape/[2, 6] to [2, 3, -1]", [](In x, In) { return reshape(x[0], {2, 3, -1}); });
  exact("reshape/[1] to []", [](In x, In) { return reshape(x[0], {}); });
  exact("reshape/[2, 3, 2, 2] to [-1]", [](In x, In) { return reshape(x[0], {-1}); });
  exact("reshape/[6] to [1, 2, 1, 3]", [](In x, In) { return reshape(x[0], {1, 2, 1, 3}); });
  exact("reshape_to/[2, 3] to [3, 2]", [](In x, In) { return reshape_to(x[0], {3, 2}); });
  exact("reshape_to/[1] to []", [](In x, In) { return reshape_to(x[0], {}); });
  exact("reshape_to/[6] to [1, 2, 1, 3]", [](In x, In) { return reshape_to(x[0], {1, 2, 1, 3}); });
  exact("reshape_to/[2, 6] to [2, 3, 2]", [](In x, In) { return reshape_to(x[0], {2, 3, 2}); });
  exact("reshape_to/[] to [1, 1]", [](In x, In) { return reshape_to(x[0], {1, 1}); });
  for (const char* shape : {"[3]", "[2, 3]", "[2, 3, 4]", "[2, 3, 2, 2]", "[1, 2, 3]"}) {
    exact(std::string("flatten/") + shape, [](In x, In) { return flatten(x[0]); });
  }
  for (int axis : {0, 1, 2, -1}) {
    const std::string sample = "/axis " + std::to_string(axis);
    exact("slice" + sample, [=](In x, In) { return slice(x[0], axis, 1, 3); });
    exact("pad" + sample, [=](In x, In) { return pad(x[0], axis, 1, 2); });
    exact("concat" + sample, [=](In x, In) { return concat(x, axis); });
    exact("stack" + sample, [=](In x, In) { return stack(x, axis); });
  }
  for (int axis : {0, 1, 2, -1}) {
    const std::string sample = "/axis " + std::to_string(axis);
    exact("select" + sample, [=](In x, In) { return select(x[0], axis, 1); });
    exact("select" + sample + ", from the end", [=](In x, In) { return select(x[0], axis, -1); });
    exact("chunk" + sample + ", the parts in reverse", [=](In x, In) {
      const std::vector<Tensor> parts = chunk(x[0], 2, axis);
      return concat({parts[1], parts[0]}, axis);
    });
  }
  exact("select/of one axis", [](In x, In) { return select(x[0], 0, 2); });
  exact("select/of four axes", [](In x, In) { return select(x[0], 1, 1); });
  exact("chunk/one part", [](In x, In) { return chunk(x[0], 1, 0)[0]; });
  exact("chunk/the middle of three", [](In x, In) { return chunk(x[0], 3, 1)[1]; });
  exact("slice/both ends from the end", [](In x, In) { return slice(x[0], 1, -3, -1); });
  exact("slice/to the end", [](In x, In) { return slice(x[0], 1, 1); });
  exact("slice/all of it", [](In x, In) { return slice(x[0], 0, 0, 4); });
  exact("pad/in front of images", [](In x, In) { return pad(x[0], 2, 2, 0); });
  exact("concat/different extents", [](In x, In) { return concat(x, 1); });
  exact("concat/one part", [](In x, In) { return concat(x, 0); });
  exact("stack/scalars", [](In x, In) { return stack(x, 0); });
  const std::vector<std::vector<int>> orders = {{1, 0},       {2, 0, 1},    {0, 2, 1},
                                                {3, 1, 0, 2}, {0, 2, 3, 1}, {0}};
  for (const std::vector<int>& axes : orders) {
    exact("permute/[" + list(axes, ", ") + "]", [=](In x, In) { return permute(x[0], axes); });
  }
  for (const auto& [a, b] : {std::pair{0, 1}, {1, 2}, {0, 2}, {-1, 0}, {1, 1}}) {
    exact("transpose/" + list({a, b}, " and "),
          [a = a, b = b](In x, In) { return transpose(x[0], a, b); });
  }
  const std::vector<std::vector<int>> flips = {{0}, {1}, {0, 1}, {-1}, {0, 2}};
  for (const std::vector<int>& axes : flips) {
    exact("flip/" + list(axes, " "), [=](In x, In) { return flip(x[0], axes); });
  }
  const std::vector<std::pair<int64_t, Shape>> shuffles = {{1, {2, 3, 2, 2}},
                                                           {2, {1, 4, 2, 3}},
                                                           {2, {2, 8, 3, 2}},
                                                           {3, {1, 9, 2, 1}},
                                                           {2, {2, 4, 1, 1}}};
  for (const auto& [scale, shape] : shuffles) {
    const int64_t r = scale;
    const Shape back = {shape[0], shape[1] / (r * r), shape[2] * r, shape[3] * r};
    exact("pixel_shuffle/" + std::to_string(r) + ", " + shape.str(),
          [=](In x, In) { return pixel_shuffle(x[0], r); });
    exact("pixel_unshuffle/" + std::to_string(r) + ", " + back.str(),
          [=](In x, In) { return pixel_unshuffle(x[0], r); });
  }
}

void add_indexing(Table& t) {
  struct Picked {
    int axis;
    Shape x;
    int count;
  };
  const std::vector<Picked> picks = {
      {0, {4}, 6}, {0, {3, 2}, 5}, {1, {2, 3}, 4}, {-1, {2, 2, 5}, 3}, {2, {1, 2, 4, 2}, 1}};
  for (const auto& [axis_in, shape, count] : picks) {
    const int axis = axis_in;
    const int64_t extent = shape[axis];
    const std::string sample = "/axis " + std::to_string(axis) + " of " + shape.str() + ", " +
                               std::to_string(count) + " indices";
    t.add("gather" + sample, kExact, products(0),
          [=](In x, In c) { return gather(x[0], axis, indices_of(c[0])); });
    t.add("scatter_add" + sample, products(0), kExact,
          [=](In x, In c) { return scatter_add(x[0], axis, indices_of(c[0]), extent); });
    t.add("index_select" + sample, kExact, products(0),
          [=](In x, In c) { return index_select(x[0], axis, indices_of(c[0]).values); });
    t.add("index_add" + sample, products(0), kExact,
          [=](In x, In c) { return index_add(x[0], axis, indices_of(c[0]).values, extent); });
  }
  for (const auto& [labels, classes] : {std::pair{3, 5}, {7, 3}, {2, 1}, {1, 10}, {4, 4}}) {
    const std::string sample = list({labels, classes}, " of ");
    t.add("embedding/" + sample, kExact, products(0),
          [](In x, In c) { return embedding(x[0], labels_of(c[0])); });
    t.add("one_hot/" + sample, kExact, kExact,
          [n = classes](In, In c) { return one_hot(labels_of(c[0]), n); });
  }
}

SparseMatrix sparse(const Tensor& dense) {
  SparseMatrix m;
  m.out = dense.shape()[0];
  m.in = dense.shape()[1];
  for (int64_t i = 0; i < m.out; ++i) {
    for (int64_t j = 0; j < m.in; ++j) {
      m.index.push_back(j);
      m.weight.push_back(dense.at({i, j}));
    }
    m.begin.push_back(static_cast<int64_t>(m.index.size()));
  }
  return m;
}

void add_pooling(Table& t) {
  struct Pool {
    int kernel, stride, padding;
    const char* x;
  };
  const std::vector<Pool> pools = {{2, 2, 0, "[2, 3, 4, 6]"}, {3, 2, 1, "[1, 2, 5, 7]"},
                                   {2, 1, 0, "[2, 1, 3, 4]"}, {3, 3, 1, "[1, 2, 7, 5]"},
                                   {2, 3, 1, "[1, 1, 6, 6]"}, {4, 2, 2, "[1, 1, 5, 6]"},
                                   {1, 1, 0, "[2, 2, 2, 3]"}};
  // The weights of a mean or an interpolation add up to 1, so that ones do not count the terms: at
  // most 16 in a window, 36 that a pixel can send back its gradient to.
  for (const auto& [kernel, stride, padding, shape] : pools) {
    const std::string sample = "kernel " + std::to_string(kernel) + ", stride " +
                               std::to_string(stride) + ", padding " + std::to_string(padding) +
                               ", " + shape;
    const PoolOptions options{.kernel = kernel, .stride = stride, .padding = padding};
    t.add("max_pool2d/" + sample, kExact, chosen(0),
          [=](In x, In) { return max_pool2d(x[0], options); });
    t.add("avg_pool2d/" + sample, products(20), products(20),
          [=](In x, In) { return avg_pool2d(x[0], options); });
    t.add("avg_pool2d/" + sample + ", padding not counted", products(20), products(20),
          [=](In x, In) {
            PoolOptions inner = options;
            inner.count_include_pad = false;
            return avg_pool2d(x[0], inner);
          });
  }
  t.add("max_pool2d/equal elements", kExact, chosen(0),
        [](In x, In) { return max_pool2d(x[0], {.kernel = 3, .stride = 2, .padding = 1}); });
  t.add("max_pool2d/stride of the kernel", kExact, kExact,
        [](In x, In) { return max_pool2d(x[0], {.kernel = 2}); });
  t.add("avg_pool2d/stride of the kernel", products(8), products(8),
        [](In x, In) { return avg_pool2d(x[0], {.kernel = 2}); });

  for (const auto& [side, shape] : {std::pair{0, "[1, 2, 3, 2]"},
                                    {1, "[2, 3, 2, 2]"},
                                    {1, "[1, 1, 5, 4]"},
                                    {2, "[1, 2, 3, 5]"},
                                    {3, "[2, 1, 4, 7]"},
                                    {4, "[1, 1, 5, 6]"}}) {
    const int padding = side;
    t.add("reflection_pad2d/" + std::to_string(padding) + ", " + shape, kExact, products(0),
          [=](In x, In) { return reflection_pad2d(x[0], padding); });
  }

  struct Resize {
    const char* x;
    int h, w;
  };
  for (const auto& [shape, height, width] :
       {Resize{"[1, 2, 4, 6]", 2, 3}, Resize{"[2, 1, 5, 7]", 3, 2}, Resize{"[1, 1, 3, 3]", 1, 1},
        Resize{"[1, 2, 3, 2]", 5, 4}, Resize{"[1, 1, 4, 4]", 4, 4}, Resize{"[2, 2, 1, 1]", 3, 2}}) {
    const std::string sample = std::string("/") + shape + " to " + list({height, width}, " x ");
    const int h = height, w = width;
    t.add("adaptive_avg_pool2d" + sample, products(20), products(20),
          [=](In x, In) { return adaptive_avg_pool2d(x[0], h, w); });
    t.add("upsample_nearest2d" + sample, kExact, products(0),
          [=](In x, In) { return upsample_nearest2d(x[0], h, w); });
    t.add("upsample_bilinear2d" + sample, products(10), products(40),
          [=](In x, In) { return upsample_bilinear2d(x[0], h, w); });
    t.add("upsample_bilinear2d" + sample + ", align_corners", products(10), products(40),
          [=](In x, In) { return upsample_bilinear2d(x[0], h, w, true); });
    t.add("resample2d" + sample, products(40), products(40),
          [](In x, In c) { return resample2d(x[0], sparse(c[0]), sparse(c[1])); });
  }
}

void add_products(Table& t) {
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      const auto add_matmul = [&](const Shape& a, const Shape& b) {
        t.add("matmul/" + a.str() + (ta ? " transposed, " : ", ") + b.str() +
                  (tb ? " transposed" : ""),
              products(0), products(0), [ta, tb](In x, In) {
                return matmul(x[0], x[1], {ta, tb});
              });
      };
      for (const auto& [m, k, n] : {std::array{2, 3, 4}, std::array{1, 1, 1}, std::array{7, 1, 2},
                                    std::array{1, 9, 3}, std::array{5, 17, 6}}) {
        const Shape a = ta ? Shape{k, m} : Shape{m, k}, b = tb ? Shape{n, k} : Shape{k, n};
        add_matmul(a, b);
      }
      for (const auto& [a, b] :
           {std::pair{ta ? Shape{3, 7, 4} : Shape{3, 4, 7}, tb ? Shape{3, 5, 7} : Shape{3, 7, 5}},
            {ta ? Shape{2, 3, 7, 4} : Shape{2, 3, 4, 7},
             tb ? Shape{2, 3, 5, 7} : Shape{2, 3, 7, 5}}}) {
        add_matmul(a, b);
      }
    }
  }
  const auto add_linear = [&t](const std::string& sample) {
    t.add("linear/" + sample, products(0), products(0),
          [](In x, In) { return linear(x[0], x[1], x[2]); });
    t.add("linear/" + sample + ", no bias", products(0), products(0),
          [](In x, In) { return linear(x[0], x[1]); });
    t.add("linear_leaky_relu/" + sample, products(1), products(1),
          [](In x, In) { return linear_leaky_relu(x[0], x[1], x[2], 0.25); });
  };
  for (const auto& [shape, out] :
       {std::pair{Shape{3}, 2}, {Shape{2, 3, 4}, 5}, {Shape{2, 1, 3, 4}, 2}}) {
    const std::string sample = shape.str() + " to " + std::to_string(out);
    add_linear(sample);
  }
  for (const auto& [n, inner, out] : {std::array{2, 3, 4}, std::array{1, 1, 1}, std::array{5, 2, 1},
                                      std::array{1, 7, 3}, std::array{4, 19, 5}}) {
    const std::string sample = Shape{n, inner}.str() + " to " + std::to_string(out);
    add_linear(sample);
  }
  struct Convolution {
    Shape x, w;
    ConvOptions options;
    int64_t output_padding = 0;
    std::string str() const {
      return x.str() + " with " + w.str() + ", stride " + std::to_string(options.stride) +
             ", padding " + std::to_string(options.padding) + ", dilation " +
             std::to_string(options.dilation);
    }
  };
  const std::vector<Convolution> convolutions = {
      {{1, 1, 3, 3}, {1, 1, 3, 3}, {1, 0, 1}}, {{2, 3, 5, 6}, {4, 3, 3, 2}, {1, 1, 1}},
      {{2, 2, 6, 5}, {3, 2, 4, 4}, {2, 1, 1}}, {{1, 2, 6, 6}, {2, 2, 3, 3}, {2, 0, 1}},
      {{1, 2, 7, 5}, {1, 2, 1, 1}, {3, 0, 1}}, {{2, 1, 5, 6}, {2, 1, 2, 1}, {3, 1, 1}},
      {{1, 2, 7, 7}, {2, 2, 3, 3}, {1, 2, 2}}, {{1, 1, 8, 7}, {3, 1, 2, 3}, {2, 1, 3}}};
  for (const Convolution& s : convolutions) {
    t.add("conv2d/" + s.str(), products(0), products(0),
          [=](In x, In) { return conv2d(x[0], x[1], x[2], s.options); });
    t.add("conv2d/" + s.str() + ", no bias", products(0), products(0),
          [=](In x, In) { return conv2d(x[0], x[1], {}, s.options); });
    t.add("conv2d_input_grad/" + s.str(), products(0), products(0),
          [=](In x, In) { return conv2d_input_grad(x[0], x[1], s.x[2], s.x[3], s.options); });
    t.add("conv2d_weight_grad/" + s.str(), products(0), products(0),
          [=](In x, In) { return conv2d_weight_grad(x[0], x[1], s.w[2], s.w[3], s.options); });
  }
  const std::vector<Convolution> transposed = {
      {{1, 2, 1, 1}, {2, 3, 4, 4}, {1, 0, 1}, 0}, {{2, 2, 3, 2}, {2, 3, 3, 2}, {1, 1, 1}, 0},
      {{2, 3, 3, 4}, {3, 2, 4, 4}, {2, 1, 1}, 0}, {{1, 2, 3, 3}, {2, 2, 3, 3}, {2, 1, 1}, 1},
      {{1, 1, 2, 3}, {1, 2, 2, 2}, {3, 0, 1}, 2}, {{1, 2, 3, 3}, {2, 1, 3, 3}, {1, 1, 2}, 1},
      {{1, 2, 3, 2}, {2, 2, 2, 3}, {2, 1, 3}, 2}};
  for (const Convolution& s : transposed) {
    const std::string name =
        "conv_transpose2d/" + s.str() + ", output_padding " + std::to_string(s.output_padding);
    t.add(name, products(0), products(0), [=](In x, In) {
      return conv_transpose2d(x[0], x[1], x[2], s.options, s.output_padding);
    });
    t.add(name + ", no bias", products(0), products(0),
          [=](In x, In) { return conv_transpose2d(x[0], x[1], {}, s.options, s.output_padding); });
  }
}

}  // namespace

std::vector<ParityCase> op_cases() {
  Table t;
  for (const auto add : {add_arithmetic, add_comparing, add_unary, add_reductions, add_layout,
                         add_indexing, add_pooling, add_products, add_norms, add_losses}) {
    add(t);
  }
  return t.cases;
}

}  // namespace forger::parity
