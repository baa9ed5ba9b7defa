#include "autograd/ops.h"
#include "registry.h"

namespace forger {

std::vector<OpCase> select_cases() {
  using In = const std::vector<Tensor>&;
  std::vector<OpCase> cases;

  using Binary = Tensor (*)(const Operand&, const Operand&);
  const std::vector<std::pair<std::string, Binary>> binaries = {
      {"maximum", maximum}, {"minimum", minimum}, {"pow", pow}};
  for (const auto& [name, op] : binaries) {
    const bool is_pow = name == "pow";
    const double zeros = is_pow ? 0.3 : 0.9;  // the one that is not taken gets nothing
    const std::vector<std::vector<Shape>> shapes = {
        {{3}, {3}},       {{2, 3}, {3}},       {{2, 3}, {}},  {{2, 1}, {1, 3}},
        {{1, 1}, {2, 3}}, {{2, 3, 2}, {3, 1}}, {{0, 3}, {3}}, {{2, 3, 2, 2}, {1, 3, 1, 1}},
        {{5, 2}, {5, 1}}};
    for (const auto& pair : shapes) {
      cases.push_back({name, pair[0].str() + " " + pair[1].str(),
                       [op = op](In in) { return op(in[0], in[1]); }, pair, 0.5, 2,
                       pair[0].numel() == 0 ? 1 : zeros});
    }
    cases.push_back({name,
                     "the same tensor twice",
                     [op = op](In in) { return op(in[0], in[0]); },
                     {{2, 3}},
                     0.5,
                     2});
    cases.push_back({name,
                     "a number on the left",
                     [op = op](In in) { return op(1.25, in[0]); },
                     {{2, 6}},
                     0.5,
                     2,
                     0.8});
    cases.push_back({name,
                     "a number on the right",
                     [op = op](In in) { return op(in[0], 1.25); },
                     {{2, 6}},
                     0.5,
                     2,
                     0.8});
  }
  for (double exponent : {0.0, 1.0, 2.0, 3.0, -1.0, -2.0}) {
    for (double sign : {1.0, -1.0}) {
      cases.push_back({"pow",
                       "exponent " + std::to_string(exponent) + (sign < 0 ? " of negatives" : ""),
                       [=](In in) { return pow(in[0] * sign, exponent); },
                       {{2, 3}},
                       0.5,
                       2,
                       exponent == 0 ? 1 : 0.3});
    }
  }

  const Tensor condition = Tensor::from({2, 3}, {1, 0, 1, 0, 0, 1});
  const std::vector<std::vector<Shape>> chosen = {
      {{2, 3}, {2, 3}}, {{3}, {2, 3}}, {{2, 1}, {3}},    {{}, {2, 3}},
      {{1, 1}, {1, 3}}, {{}, {}},      {{4, 2, 3}, {3}}, {{1, 4, 2, 3}, {2, 1}}};
  for (const auto& pair : chosen) {
    cases.push_back({"where", pair[0].str() + " " + pair[1].str(),
                     [=](In in) { return where(condition, in[0], in[1]); }, pair, -1, 1, 0.6});
  }
  cases.push_back({"where",
                   "the same tensor twice",
                   [=](In in) { return where(condition, in[0], in[0]); },
                   {{2, 3}}});
  cases.push_back({"where",
                   "numbers",
                   [=](In in) { return where(condition, in[0], 2) + where(condition, 2, in[0]); },
                   {{2, 3}}});
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{1, 4}, Shape{2, 3}, Shape{0, 2},
                             Shape{2, 1, 3}, Shape{2, 3, 1, 2}}) {
    cases.push_back({"clamp",
                     shape.str(),
                     [](In in) { return clamp(in[0], -0.52, 0.61); },
                     {shape},
                     -1,
                     1,
                     shape.numel() < 2 ? 1 : 0.8});
  }
  cases.push_back({"clamp", "all inside", [](In in) { return clamp(in[0], -5, 5); }, {{2, 3}}});
  cases.push_back(
      {"clamp", "all outside", [](In in) { return clamp(in[0], 5, 5); }, {{2, 3}}, -1, 1, 1});

  struct Reduced {
    Shape x;
    std::vector<int> axes;
  };
  const std::vector<Reduced> reductions = {
      {{4}, {0}},          {{2, 3}, {0}},          {{2, 3}, {1}},
      {{2, 3}, {-1}},      {{2, 3}, {0, 1}},       {{2, 1, 3}, {1, 2}},
      {{2, 3, 2}, {0, 2}}, {{2, 3, 2, 2}, {1, 3}}, {{1, 2, 3, 2}, {0, 2, 3}}};
  for (const auto& [shape, axes] : reductions) {
    int64_t count = 1;
    std::string sample = shape.str() + " over";
    for (int axis : axes) {
      count *= shape[axis];
      sample += " " + std::to_string(axis);
    }
    for (bool keepdim : {false, true}) {
      const std::string label = sample + (keepdim ? ", kept" : "");
      const double zeros = 1 - 1 / static_cast<double>(count) + 1e-9;
      cases.push_back({"max",
                       label,
                       [=, axes = axes](In in) { return max(in[0], axes, keepdim); },
                       {shape},
                       -1,
                       1,
                       zeros});
      cases.push_back({"min",
                       label,
                       [=, axes = axes](In in) { return min(in[0], axes, keepdim); },
                       {shape},
                       -1,
                       1,
                       zeros});
      cases.push_back({"logsumexp",
                       label,
                       [=, axes = axes](In in) { return logsumexp(in[0], axes, keepdim); },
                       {shape}});
      for (int correction : {0, 1}) {
        if (count <= correction) continue;
        cases.push_back({"var",
                         label + ", correction " + std::to_string(correction),
                         [=, axes = axes](In in) { return var(in[0], axes, correction, keepdim); },
                         {shape}});
      }
    }
  }
  cases.push_back({"max", "one axis", [](In in) { return max(in[0], 1); }, {{2, 3}}, -1, 1, 0.7});
  cases.push_back({"min", "one axis", [](In in) { return min(in[0], 1); }, {{2, 3}}, -1, 1, 0.7});
  cases.push_back({"logsumexp", "one axis", [](In in) { return logsumexp(in[0], 1); }, {{2, 3}}});
  cases.push_back({"var", "one axis", [](In in) { return var(in[0], 0); }, {{2, 3}}});
  cases.push_back({"max", "all of it", [](In in) { return max(in[0]); }, {{2, 3}}, -1, 1, 0.9});
  cases.push_back({"min", "all of it", [](In in) { return min(in[0]); }, {{2, 3}}, -1, 1, 0.9});
  cases.push_back({"var", "all of it", [](In in) { return var(in[0]); }, {{2, 3}}});
  for (const Shape& shape : {Shape{5}, Shape{2, 3}, Shape{3, 2}, Shape{1, 4}, Shape{4, 1},
                             Shape{2, 1, 3}, Shape{2, 3, 2}, Shape{2, 2, 1, 3}}) {
    for (int axis = -1; axis < shape.rank(); ++axis) {
      const double zeros = shape[axis] == 1 ? 1 : 0.3;  // of one class the softmax is 1
      const std::string sample = shape.str() + " along " + std::to_string(axis);
      cases.push_back(
          {"softmax", sample, [=](In in) { return softmax(in[0], axis); }, {shape}, -2, 2, zeros});
      cases.push_back({"log_softmax",
                       sample,
                       [=](In in) { return log_softmax(in[0], axis); },
                       {shape},
                       -2,
                       2,
                       zeros});
    }
  }
  for (OpCase& c : cases) {
    c.distinct = c.op == "max" || c.op == "min" || c.op == "maximum" || c.op == "minimum";
  }
  return cases;
}

}  // namespace forger
