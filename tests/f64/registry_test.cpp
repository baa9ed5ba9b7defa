// Compares the first and second derivatives of every op of ops.h with finite differences.
#include "registry.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"

namespace forger {

std::vector<Tensor> make_inputs(const OpCase& c, uint64_t seed) {
  Random random(seed);
  std::vector<Tensor> inputs;
  for (const Shape& shape : c.shapes) {
    Tensor x = random.uniform(shape, c.low, c.high);
    Scalar* data = x.mutable_data();
    if (c.distinct) {  // a shuffled row of even steps, each input's shifted against the others'
      const double step = (c.high - c.low) / static_cast<double>(x.numel());
      const double shift =
          0.9 * static_cast<double>(inputs.size() + 1) / static_cast<double>(c.shapes.size() + 1);
      for (int64_t i = 0; i < x.numel(); ++i) {
        data[i] = c.low + (static_cast<double>(i) + shift) * step;
        std::swap(data[i], data[random.below(i + 1)]);
      }
      inputs.push_back(x.set_requires_grad());
      continue;
    }
    for (int64_t i = 0; i < x.numel(); ++i) {
      if (std::abs(data[i]) < 0.05) data[i] = std::copysign(0.05, data[i]);
    }
    inputs.push_back(x.set_requires_grad());
  }
  return inputs;
}

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> all;
  for (const auto& family : {basic_cases, select_cases, layout_cases, image_cases, layer_cases}) {
    for (OpCase& c : family()) all.push_back(std::move(c));
  }
  return all;
}

namespace {

/// The functions of ops.h that give a tensor, or several.
std::set<std::string> ops_in_header() {
  std::ifstream file(FORGER_SOURCE_DIR "/autograd/ops.h");
  REQUIRE(file);
  std::set<std::string> names;
  const std::regex declaration(R"(^(?:Tensor|std::vector<Tensor>) (\w+)\()");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

/// Fails when so many derivatives are 0 that their agreement means little.
void check_trust(const GradCheckResult& result, double zeros_allowed) {
  if (result.compared == 0) return;  // zero-size inputs
  const double zeros =
      1 - static_cast<double>(result.nonzero) / static_cast<double>(result.compared);
  CHECK(zeros <= zeros_allowed);
  if (zeros_allowed < 1) CHECK(result.largest >= 1e-3);
}

}  // namespace

TEST_CASE("every op in ops.h has gradient cases") {
  std::map<std::string, int> cases;
  for (const OpCase& c : all_op_cases()) ++cases[c.op];
  std::set<std::string> ops = ops_in_header();
  CHECK(ops.size() > 75);
  for (const char* constant : {"sign", "equal", "not_equal", "less", "less_equal", "greater",
                               "greater_equal", "one_hot"}) {
    ops.erase(constant);  // piecewise constant: it has no node
  }
  for (const std::string& op : ops) {
    CAPTURE(op);
    CHECK(cases[op] >= 8);
  }
}

TEST_CASE("first derivatives of every op match finite differences") {
  for (const OpCase& c : all_op_cases()) {
    CAPTURE(c.op);
    CAPTURE(c.sample);
    GradCheckResult result;
    REQUIRE_NOTHROW(result = gradcheck(c.f, make_inputs(c, 7)));
    check_trust(result, c.zeros);
  }
}

TEST_CASE("second derivatives of every op match finite differences") {
  for (const OpCase& c : all_op_cases()) {
    CAPTURE(c.op);
    CAPTURE(c.sample);
    // What a linear op's rule returns does not depend on x, only on the cotangent.
    REQUIRE_NOTHROW(gradgradcheck(c.f, make_inputs(c, 8)));
  }
}

TEST_CASE("third derivatives of five ops match finite differences") {
  const auto third = [](const TensorFunction& f, std::vector<Tensor> inputs) {
    std::vector<Tensor> with_cotangent = inputs;
    Tensor v;
    {
      const NoGrad guard;
      v = Random(3).normal(f(inputs).shape());
    }
    with_cotangent.push_back(v.set_requires_grad());
    return gradgradcheck(gradient_of(f, inputs), with_cotangent, {.relative = 1e-5});
  };
  std::map<std::string, int> checked;
  for (const OpCase& c : all_op_cases()) {
    const bool wanted = c.op == "mul" || c.op == "exp" || c.op == "tanh" || c.op == "conv2d" ||
                        c.op == "batch_norm";
    if (!wanted || ++checked[c.op] > 3) continue;
    CAPTURE(c.op);
    CAPTURE(c.sample);
    REQUIRE_NOTHROW(third(c.f, make_inputs(c, 9)));
  }
  CHECK(checked.size() == 5);
}

}  // namespace forger
