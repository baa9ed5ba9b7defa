// Tests composite ops: errors and nodes show an op that is written in other ops as one op, with
// the user's line.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <thread>

#include "autograd/debug/check_nan.h"
#include "autograd/engine.h"
#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/scope.h"
#include "message.h"

namespace forger {
namespace {

std::string line(int number) { return "tests/composite_test.cpp:" + std::to_string(number); }

Tensor shifted_product(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here()) {
  const Composite here("shifted_product", loc);
  return (a + 1) * b;
}

Tensor nested(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here()) {
  const Composite here("nested", loc);
  return exp(shifted_product(a, b));
}

/// Squares x; its rule calls a composite op.
struct Square {
  Saved x;
  static constexpr const char* name = "square";
  Gradients backward(const Tensor& g, const Context&) const {
    return {g * 2 * (shifted_product(x, Tensor::ones({})) - 1)};
  }
};
Tensor square(const Tensor& x, SourceLoc loc = SourceLoc::here()) {
  Tensor y = Tensor::empty(x.shape());
  for (int64_t i = 0; i < x.numel(); ++i) y.mutable_data()[i] = x.data()[i] * x.data()[i];
  return record(y, {x}, Square{x}, loc);
}

/// The lines of all nodes that y depends on, newest first, without the leaves'.
void collect_lines(const Node* node, std::vector<std::string>& lines) {
  if (!node || node->is_leaf()) return;
  lines.push_back(std::string(node->name) + " " + node->loc.str());
  for (const Ref<Node>& input : node->inputs) collect_lines(input.get(), lines);
}
std::vector<std::string> lines_of(const Tensor& y) {
  std::vector<std::string> lines;
  collect_lines(y.node().get(), lines);
  return lines;
}

}  // namespace

TEST_CASE("nodes in a composite op name its line and keep the names of their ops") {
  const Tensor a = Tensor::ones({2}).set_requires_grad();
  const Tensor y = nested(a, a);
  const std::string at = line(__LINE__ - 1);
  CHECK(lines_of(y) == std::vector<std::string>{"exp " + at, "mul " + at, "add " + at});
  const Tensor after = a * 2;
  CHECK(lines_of(after) == std::vector<std::string>{"mul " + line(__LINE__ - 1)});
}

TEST_CASE("an error in a composite op names the outermost and its line, also after an exception") {
  const Tensor a = Tensor::ones({2}), b = Tensor::ones({3});
  for (int i = 0; i < 2; ++i) {
    CHECK(text_of([&] { (void)nested(a, b); }) ==
          "nested: shapes do not broadcast\n  a  [2]\n  b  [3]\n  axis -1: 2 against 3\n  at " +
              line(__LINE__ - 2));
  }
  CHECK(text_of([&] { (void)(a + b); }) ==
        "add: shapes do not broadcast\n  a  [2]\n  b  [3]\n  axis -1: 2 against 3\n  at " +
            line(__LINE__ - 2));
}

TEST_CASE("a composite op in a layer names the layer's path and the line of its call") {
  const Scope scope("G.fc", SourceLoc::at("user.cpp", 7));
  CHECK(text_of([&] { (void)nested(Tensor::ones({2}), Tensor::ones({3}), call_site()); }) ==
        "nested: shapes do not broadcast\n  a  [2]\n  b  [3]\n  axis -1: 2 against 3\n"
        "  at user.cpp:7, in G.fc");
}

TEST_CASE("a rule that calls a composite op names the node it differentiates") {
  const Tensor x = Tensor::full({2}, 3).set_requires_grad();
  const Tensor y = sum(square(x));
  const std::string at = line(__LINE__ - 1);
  const Composite outer("gradient_penalty", SourceLoc::at("penalty.cpp", 1));
  const Tensor dx = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(dx.to_vector() == std::vector<Scalar>{6, 6});
  std::vector<std::string> lines = lines_of(dx);
  REQUIRE(lines.size() >= 4);
  for (const std::string& found : lines) CHECK(found.substr(found.find(' ') + 1) == at);
  CHECK(lines_of(x * 2) == std::vector<std::string>{"mul penalty.cpp:1"});
}

TEST_CASE("the error for a changed tensor names the composite op's line") {
  const Tensor x = Tensor::ones({2}).set_requires_grad(), w = Tensor::ones({2});
  const Tensor y = sum(x * w);
  {
    const Composite here("overwrite", SourceLoc::at("user.cpp", 9));
    *w.mutable_data() = 5;
  }
  CHECK(text_of([&] { backward(y, {x}); }).find("changed  at user.cpp:9") != std::string::npos);
}

TEST_CASE("a composite op belongs to the thread that runs it") {
  const Tensor a = Tensor::ones({2}).set_requires_grad();
  const Composite here("busy", SourceLoc::at("user.cpp", 9));
  std::vector<std::string> lines;
  std::thread([&] { lines = lines_of(a * 2); }).join();
  CHECK(lines == std::vector<std::string>{"mul " + line(__LINE__ - 1)});
}

TEST_CASE("check_nan names the composite op and the op inside it") {
  const Tensor a = Tensor::full({1}, 1e30F);
  set_check_nan(true);
  const std::string text = text_of([&] { (void)nested(a, Tensor::full({1}, 1e30F)); });
  const std::string at = line(__LINE__ - 1);
  set_check_nan(false);
  CHECK(text.starts_with(sizeof(Scalar) == 4 ? "mul: made a number that is not finite\n"
                                             : "exp: made a number that is not finite\n"));
  CHECK(text.ends_with("\n  inside nested\n  at " + at));
}

}  // namespace forger
