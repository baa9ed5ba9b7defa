// Backward passes that begin inside a hook or a rule of another pass.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "message.h"

namespace forger {
namespace {

Tensor leaf(const Shape& shape, const std::vector<Scalar>& values) {
  return Tensor::from(shape, values).set_requires_grad();
}

/// y = x, whose rule first calls a function.
struct Calling {
  std::function<void()> f;
  static constexpr const char* name = "calling";
  Gradients backward(const Tensor& g, const Context&) const {
    f();
    return {g};
  }
};
Tensor calling(const Tensor& x, std::function<void()> f) {
  return record(x.detach(), {x}, Calling{std::move(f)}, SourceLoc::here());
}

const std::string kFreed = ": the graph was freed by an earlier backward pass\n  at node #";

}  // namespace

TEST_CASE("a pass inside a hook that frees older nodes is named by the outer pass") {
  const int64_t nodes = live_nodes();
  {
    const Tensor x = leaf({2}, {3, 4});
    const Tensor y = x * x;
    const Tensor w = y * 2;
    w.add_hook([&](const Tensor&) {
      (void)grad({y}, {x}, {Tensor::ones({2})});
      return Tensor();
    });
    const std::string line = std::to_string(__LINE__ - 3);
    const std::string text = message_of([&] { backward(sum(w), {x}); });
    CAPTURE(text);
    CHECK(text.starts_with("backward" + kFreed));
    CHECK(text.find("freed by the pass at tests/nested_pass_test.cpp:" + line) != text.npos);
    CHECK(!x.grad().defined());
    CHECK(grad_enabled());
    backward(sum(x * x), {x});  // and all is as it was
    CHECK(x.grad().to_vector() == std::vector<Scalar>{6, 8});
  }
  CHECK(live_nodes() == nodes);
}

TEST_CASE("a pass inside a hook that frees the hooked node itself is named, too") {
  const Tensor x = leaf({2}, {3, 4});
  const Tensor w = x * x * 2;
  bool inside = false;
  w.add_hook([&](const Tensor&) {
    if (!std::exchange(inside, true)) (void)grad({w}, {x}, {Tensor::ones({2})});
    return Tensor();
  });
  for (const bool retain_graph : {false, true}) {
    CHECK(message_of([&] {
            (void)grad({sum(w)}, {x}, {}, {.retain_graph = retain_graph});
          }).starts_with("grad" + kFreed));
  }
}

TEST_CASE("a pass inside a hook that retains the graph leaves the outer pass alone") {
  for (const bool create_graph : {false, true}) {
    const Tensor x = leaf({2}, {3, 4});
    const Tensor y = x * x;
    const Tensor w = y * 2;
    std::vector<std::vector<Scalar>> inner;
    for (const Tensor& hooked : {w, y, x}) {
      hooked.add_hook([&, inside = false](const Tensor&) mutable {
        if (std::exchange(inside, true)) return Tensor();
        const GradOptions options{.create_graph = create_graph, .retain_graph = true};
        inner.push_back(grad({y}, {x}, {Tensor::ones({2})}, options)[0].to_vector());
        return Tensor();
      });
    }
    CHECK(grad({sum(w)}, {x})[0].to_vector() == std::vector<Scalar>{12, 16});
    CHECK(inner.size() == 3);  // two of them inside each other
    for (const auto& g : inner) CHECK(g == std::vector<Scalar>{6, 8});
  }
}

TEST_CASE("a leaf's hook may go back through another graph, or the same one again") {
  const Tensor x = leaf({2}, {3, 4}), v = leaf({2}, {1, 1});
  const Tensor loss = sum(x * x), other = sum(v * v * v);
  bool inside = false;
  x.add_hook([&](const Tensor&) {
    if (std::exchange(inside, true)) return Tensor();
    backward(other, {v});
    (void)grad({loss}, {x});  // frees the graph under a pass that retains it, but needs it no more
    return Tensor();
  });
  CHECK(grad({loss}, {x}, {}, {.retain_graph = true})[0].to_vector() == std::vector<Scalar>{6, 8});
  CHECK(v.grad().to_vector() == std::vector<Scalar>{3, 3});
}

TEST_CASE("a hook that goes back from the same loss is told that it is freed, or nested too deep") {
  const Tensor x = leaf({2}, {3, 4});
  for (const bool retain_graph : {false, true}) {
    const Tensor y = x * x;
    const Tensor loss = sum(y);
    y.add_hook([&](const Tensor&) {
      (void)grad({loss}, {x}, {}, {.retain_graph = retain_graph});
      return Tensor();
    });
    const std::string text =
        message_of([&] { (void)grad({loss}, {x}, {}, {.retain_graph = retain_graph}); });
    CAPTURE(text);
    if (retain_graph) {
      CHECK(text ==
            "grad: 64 passes have begun inside each other\n"
            "  a hook or rule may go back through the graph that it is part of");
    } else {
      CHECK(text.starts_with("grad" + kFreed));
    }
    CHECK(grad_enabled());
    CHECK(!differentiated());
  }
  CHECK(grad({sum(x * x)}, {x})[0].to_vector() == std::vector<Scalar>{6, 8});
}

TEST_CASE("a pass inside a rule cannot free the op that runs, nor run it") {
  for (const bool inner_retains : {false, true}) {
    const Tensor x = leaf({2}, {3, 4});
    Tensor y;
    y = calling(
        x * 2, [&] { (void)grad({y}, {x}, {Tensor::ones({2})}, {.retain_graph = inner_retains}); });
    const auto outer = [&] { (void)grad({sum(y)}, {x}, {}, {.retain_graph = true}); };
    CHECK(
        message_of(outer).starts_with("grad: a pass began inside a rule and came back to "
                                      "it\n  at node #"));
    CHECK(message_of(outer) == message_of(outer));  // the graph is as it was
  }
  const Tensor x = leaf({2}, {3, 4});
  const Tensor y = x * x;
  const Tensor z = calling(y, [&] { (void)grad({y}, {x}, {Tensor::ones({2})}); });
  CHECK(message_of([&] { (void)grad({sum(z)}, {x}); }).starts_with("grad" + kFreed));
}

TEST_CASE("a hook that throws ends the pass, and a retained graph can be walked again") {
  struct Stop {};
  const Tensor x = leaf({2}, {3, 4});
  const Tensor y = x * x;
  const int64_t hook = y.add_hook([](const Tensor&) -> Tensor { throw Stop(); });
  const Tensor loss = sum(y * y);
  const GradOptions retain{.retain_graph = true};
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS((void)grad({loss}, {x}, {}, retain), Stop);
  CHECK(grad_enabled());
  CHECK(!differentiated());
  const Tensor z = calling(y, [] { throw Stop(); });
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS((void)grad({sum(z)}, {x}), Stop);
  CHECK(!differentiated());
  y.remove_hook(hook);
  CHECK(grad({loss}, {x}, {}, retain)[0].to_vector() == std::vector<Scalar>{108, 256});
  y.add_hook([](const Tensor&) -> Tensor { throw Stop(); });
  CHECK_THROWS_AS((void)grad({loss}, {x}), Stop);
  CHECK(message_of([&] { (void)grad({loss}, {x}); }).starts_with("grad" + kFreed));
}

TEST_CASE("hooks may add and remove hooks: that counts from the next pass on") {
  const Tensor x = leaf({2}, {3, 4});
  int first = 0, second = 0, third = 0;
  int64_t ids[2] = {};
  ids[0] = x.add_hook([&](const Tensor&) {
    ++first;
    x.remove_hook(ids[0]);
    x.remove_hook(ids[1]);
    x.add_hook([&](const Tensor&) { return ++third, Tensor(); });
    return Tensor();
  });
  ids[1] = x.add_hook([&](const Tensor& g) { return ++second, g * 2; });
  CHECK(grad({sum(x)}, {x})[0].to_vector() == std::vector<Scalar>{2, 2});
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(third == 0);
  CHECK(grad({sum(x)}, {x})[0].to_vector() == std::vector<Scalar>{1, 1});
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(third == 1);
}

TEST_CASE("a hook may let go of the graph that is walked") {
  const int64_t nodes = live_nodes();
  {
    Tensor x = leaf({2}, {3, 4});
    const Tensor kept = x;
    Tensor y = x * x;
    std::vector<Tensor> outputs = {sum(y)}, inputs = {x, y};
    y.add_hook([&](const Tensor&) {
      outputs.clear();
      inputs.clear();
      x = y = Tensor();
      return Tensor();
    });
    const std::vector<Tensor> g = grad(outputs, inputs);
    CHECK(g.size() == 2);
    CHECK(g[0].to_vector() == std::vector<Scalar>{6, 8});
  }
  CHECK(live_nodes() == nodes);
}

}  // namespace forger
