// The graph and the two walks over it: back, and away.
#include "autograd/engine.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/memory.h"
#include "autograd/ops.h"
#include "autograd/scope.h"
#include "message.h"

namespace forger {
namespace {

Tensor leaf(const Shape& shape, const std::vector<Scalar>& values) {
  return Tensor::from(shape, values).set_requires_grad();
}

/// Runs f on a thread whose stack has `bytes` bytes.
template <class F>
void on_small_stack(size_t bytes, const F& f) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, bytes) == 0);
  pthread_t thread;
  const auto start = [](void* argument) -> void* {
    (*static_cast<const F*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, start, const_cast<F*>(&f)) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("backward adds to the leaves' gradients until they are cleared") {
  const Tensor x = leaf({2}, {3, 4});
  backward(sum(x * x));
  CHECK(x.grad().to_vector() == std::vector<Scalar>{6, 8});
  backward(sum(x * x));
  CHECK(x.grad().to_vector() == std::vector<Scalar>{12, 16});
  x.zero_grad();
  CHECK(!x.grad().defined());
  const Tensor loss = sum(x * x);
  backward(loss);
  CHECK(message_of([&] {
          backward(loss);
        }).starts_with("backward: the graph was freed by an earlier backward pass\n"));
}

TEST_CASE("grad computes only what the given inputs need") {
  const Tensor x = leaf({2}, {3, 4}), w = leaf({2}, {5, 6});
  const Tensor loss = sum(x * w);
  backward(loss, {x});
  CHECK(x.grad().to_vector() == std::vector<Scalar>{5, 6});
  CHECK(!w.grad().defined());
}

TEST_CASE("a leaf that is listed twice has one gradient, and only leaves have one") {
  const Tensor w = leaf({2}, {3, 4});
  backward(sum(w * w), {w, w});
  CHECK(w.grad().to_vector() == std::vector<Scalar>{6, 8});
  const Tensor y = w * 2;
  CHECK(message_of([&] { backward(sum(y), {y}); })
            .starts_with("backward: gradients are left in leaves, and this tensor was computed\n"
                         "  by #"));
  CHECK(message_of([&] { (void)grad({y}, {w}, {Tensor()}); }) ==
        "grad: a cotangent needs its output's shape\n  output     [2]\n  cotangent  undefined");
}

TEST_CASE("grad with respect to a computed tensor") {
  const Tensor x = leaf({}, {3});
  const Tensor y = x * x;
  const Tensor z = y * y;
  CHECK(grad({z}, {y})[0].item() == 18);
  CHECK(grad({y * y}, {y, x})[1].item() == 108);
}

TEST_CASE("several outputs with cotangents") {
  const Tensor x = leaf({2}, {1, 2});
  const std::vector<Tensor> g =
      grad({x * 2, x * x}, {x}, {Tensor::from({2}, {1, 10}), Tensor::from({2}, {100, 1000})});
  CHECK(g[0].to_vector() == std::vector<Scalar>{202, 4020});
}

TEST_CASE("create_graph gives derivatives of derivatives") {
  const Tensor x = leaf({}, {2});
  Tensor y = x * x * x * x;
  const double expected[] = {32, 48, 48, 24, 0};
  for (double value : expected) {
    const std::vector<Tensor> g = grad({y}, {x}, {}, {.create_graph = true, .allow_unused = true});
    if (value == 0) {
      CHECK(!g[0].defined());  // the fourth derivative is a constant
      break;
    }
    y = g[0];
    CHECK(y.item() == value);
  }
}

TEST_CASE("no history where none is wanted") {
  const Tensor x = leaf({2}, {1, 2});
  CHECK(!x.detach().requires_grad());
  CHECK(!(Tensor::ones({2}) * 2).requires_grad());
  {
    const NoGrad guard;
    CHECK(!(x * 2).requires_grad());
    const WithGrad recording;
    CHECK((x * 2).requires_grad());
  }
  CHECK((x * 2).requires_grad());
  const int64_t before = live_nodes();
  {
    const Tensor y = x.detach() * 2;
    CHECK(live_nodes() == before);
  }
}

TEST_CASE("create_graph records although the caller does not") {
  const Tensor x = leaf({2}, {3, 4});
  const GradOptions create{.create_graph = true};
  const Tensor loss = sum(x * x * x);
  {
    const NoGrad guard;
    const Tensor g = grad({loss}, {x}, {}, create)[0];
    CHECK(g.requires_grad());
    CHECK(!grad_enabled());
    const WithGrad recording;
    CHECK(grad({sum(g)}, {x})[0].to_vector() == std::vector<Scalar>{18, 24});
    CHECK(grad_enabled());
  }
  const Tensor inner = sum(x * x * x), y = x * 2;
  std::vector<Scalar> in_hook;
  y.add_hook([&](const Tensor&) {
    CHECK(!grad_enabled());
    const Tensor g = grad({inner}, {x}, {}, create)[0];
    CHECK(g.requires_grad());
    const WithGrad recording;
    in_hook = grad({sum(g)}, {x})[0].to_vector();
    return Tensor();
  });
  CHECK(grad({sum(y)}, {x})[0].to_vector() == std::vector<Scalar>{2, 2});
  CHECK(in_hook == std::vector<Scalar>{18, 24});
}

TEST_CASE("backward from a loss whose leaves are all frozen is an error with the line") {
  Tensor x = leaf({2}, {3, 4});
  const Tensor loss = sum(x * x);
  x.set_requires_grad(false);
  std::string text, line;
  try {
    line = std::to_string(__LINE__ + 1);
    backward(loss);
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK(text == "backward: every leaf of the loss is frozen\n  loss  [], " + loss.node()->str() +
                    "\n  at tests/engine_test.cpp:" + line);
  x.set_requires_grad();
  backward(loss);
  CHECK(x.grad().to_vector() == std::vector<Scalar>{6, 8});
}

TEST_CASE("a backward pass frees what the rules saved, and says so when it is missed") {
  const int64_t nodes = live_nodes();
  {
    const Tensor x = leaf({1000}, std::vector<Scalar>(1000, 1));
    const size_t before = memory::stats().in_use;
    const Tensor loss = sum(exp(x * 2));
    CHECK(memory::stats().in_use > before + 4000);
    backward(loss, {x});
    const std::string line = std::to_string(__LINE__ - 1);
    CHECK(memory::stats().in_use < before + 6000);  // the gradient and the loss
    const std::string text = message_of([&] { backward(loss, {x}); });
    CAPTURE(text);
    CHECK(
        text.starts_with("backward: the graph was freed by an earlier backward pass\n"
                         "  at node #"));
    CHECK(text.ends_with("\n  freed by the pass at tests/engine_test.cpp:" + line +
                         "\n  give that pass retain_graph to go back twice"));
    const Tensor again = sum(exp(x * 2));
    backward(again, {x}, {.retain_graph = true});
    backward(again, {x});
  }
  CHECK(live_nodes() == nodes);
}

TEST_CASE("a rule writes over a gradient that nobody else can see, and over no other") {
  using Activation = std::function<Tensor(const Tensor&)>;
  const Tensor one = Tensor::ones({2}), zero = Tensor::zeros({2});
  for (const Activation& f :
       {Activation([](const Tensor& t) { return leaky_relu(t, 0.5); }),
        Activation([](const Tensor& t) { return tanh(t); }),
        Activation([](const Tensor& t) { return sigmoid(t); }),
        Activation([&](const Tensor& t) { return batch_norm(t, one, zero, 1e-5); })}) {
    const Tensor x = leaf({2, 2}, {-1, 2, 3, -0.5});
    const Tensor c = Tensor::from({2, 2}, {1, 2, 3, 4});
    const Scalar *above = nullptr, *below = nullptr;
    std::vector<Tensor> seen;
    const auto gradient = [&](bool keep) {
      const Tensor y = x * 1;
      const Tensor z = f(y);
      const Tensor loss = sum(z * c);
      y.add_hook([&](const Tensor& g) { return below = g.data(), Tensor(); });
      z.add_hook([&, keep](const Tensor& g) {
        above = g.data();
        if (keep) seen.push_back(g);
        return Tensor();
      });
      return grad({loss}, {x})[0].to_vector();
    };
    const std::vector<Scalar> expected = gradient(true);
    CHECK(above != below);
    CHECK(seen[0].to_vector() == c.to_vector());
    seen.clear();
    CHECK(gradient(false) == expected);
    CHECK(above == below);
    CHECK(grad({f(x)}, {x}, {c})[0].to_vector() == expected);  // the caller's own
    CHECK(c.to_vector() == std::vector<Scalar>{1, 2, 3, 4});
  }
}

TEST_CASE("what a hook records leaves no history in a gradient, and no cycle") {
  const int64_t nodes = live_nodes();
  for (const bool on_leaf : {false, true}) {
    const Tensor w = leaf({2}, {1, 2});
    const Tensor z = tanh(w);
    const Tensor seen = w.detach().set_requires_grad();
    (on_leaf ? w : z).add_hook([seen](const Tensor& g) {
      const WithGrad recording;
      return g * seen;
    });
    backward(sum(z), {w});
    CHECK(w.grad().defined());
    CHECK(!w.grad().requires_grad());
  }
  CHECK(live_nodes() == nodes);
}

/// The gradient of <y, c> is x itself, whatever y is: a rule that returns a tensor with a history.
struct Same {
  Tensor x;
  static constexpr const char* name = "same";
  Gradients backward(const Tensor&, const Context&) const { return {x}; }
};

TEST_CASE("gradients have no history unless the graph of the gradient is wanted: no cycle") {
  const int64_t nodes = live_nodes();
  {
    const Tensor w = leaf({}, {3});
    w.set_grad(grad({w * w * w}, {w}, {}, {.create_graph = true})[0]);
    CHECK(w.grad().item() == 27);
    CHECK(!w.grad().requires_grad());
    w.set_grad(w);
    CHECK(!w.grad().requires_grad());
    w.set_grad({});
    CHECK(!w.grad().defined());
  }
  CHECK(live_nodes() == nodes);
  {
    const Tensor w = leaf({}, {3});
    backward(record(Tensor::scalar(1), {w}, Same{w}, SourceLoc::here()), {w});
    CHECK(w.grad().item() == 3);
    CHECK(!w.grad().requires_grad());
  }
  CHECK(live_nodes() == nodes);
  {
    const Tensor w = leaf({}, {3});
    const Tensor y = w * w;
    const std::vector<Tensor> g = grad({y}, {w, y}, {w});
    CHECK(!g[0].requires_grad());
    CHECK(!g[1].requires_grad());
  }
  CHECK(live_nodes() == nodes);
}

TEST_CASE("a frozen leaf keeps its node, and every handle sees that it is frozen or thawed") {
  const int64_t nodes = live_nodes();
  {
    Tensor w = leaf({2}, {3, 4}).set_name("G.w");
    const Tensor same = w, v = leaf({2}, {1, 2});
    int hooked = 0;
    w.add_hook([&](const Tensor&) { return ++hooked, Tensor(); });
    backward(sum(w * v), {w, v});
    const Tensor before = w * v;  // recorded while w is wanted
    const Node* const node = w.node().get();

    w.set_requires_grad(false);
    CHECK(!same.requires_grad());
    CHECK(same.node().get() == node);
    CHECK(same.grad().to_vector() == std::vector<Scalar>{1, 2});
    CHECK(!(w * 2).requires_grad());
    const Tensor product = w * v;
    CHECK(!product.node()->inputs[0]);
    CHECK(product.node()->inputs[1].get() == v.node().get());
    backward(sum(product));
    CHECK(w.grad().to_vector() == std::vector<Scalar>{1, 2});
    CHECK(v.grad().to_vector() == std::vector<Scalar>{6, 8});
    CHECK(hooked == 1);
    CHECK(message_of([&] { backward(sum(before), std::vector<Tensor>()); }) ==
          "backward: the list of leaves is empty\n"
          "  without a list, backward(loss) adds to every leaf's gradient");
    const std::string leaf_text =
        "leaf  [2], " + w.node()->str() + ", frozen by set_requires_grad(false)";
    CHECK(w.node()->str().find("leaf G.w") != std::string::npos);
    CHECK(message_of([&] {
            backward(sum(w * v), {v, w});
          }) == "backward: leaf 1 does not require a gradient\n  " + leaf_text);
    CHECK(message_of([&] {
            (void)grad({sum(before)}, {w});
          }).starts_with("grad: input 0 does not require a gradient\n  input  [2], #"));
    CHECK(message_of([&] {
            backward(w);
          }).starts_with("backward: the loss depends on nothing that requires a gradient"));
    w.set_grad(Tensor::ones({2}));  // as an optimizer that clips does
    CHECK(w.grad().to_vector() == std::vector<Scalar>{1, 1});
    CHECK(message_of([&] {
            w.add_hook([](const Tensor&) { return Tensor(); });
          }).starts_with("add_hook: the tensor requires no gradient"));
    // A graph from before: only what requires a gradient now is collected.
    backward(sum(before));
    CHECK(w.grad().to_vector() == std::vector<Scalar>{1, 1});
    CHECK(v.grad().to_vector() == std::vector<Scalar>{9, 12});

    w.set_requires_grad();
    CHECK(same.requires_grad());
    CHECK(same.node().get() == node);
    CHECK(node->str().find("leaf G.w") != std::string::npos);
    backward(sum(same * v), {same});
    CHECK(w.grad().to_vector() == std::vector<Scalar>{2, 3});
    CHECK(hooked == 2);
  }
  CHECK(live_nodes() == nodes);
}

TEST_CASE("a hook keeps what it remembers from one call to the next") {
  const Tensor x = leaf({}, {1});
  std::vector<int> seen;
  x.add_hook([&seen, calls = 0](const Tensor&) mutable {
    seen.push_back(++calls);
    return Tensor();
  });
  for (int i = 0; i < 3; ++i) backward(x * 2, {x});
  CHECK(seen == std::vector<int>{1, 2, 3});
}

TEST_CASE("backward names itself, and may leave out leaves that the loss does not depend on") {
  const Tensor x = leaf({2}, {3, 4}), unused = leaf({3}, {1, 2, 3});
  const Tensor loss = sum(x * x);
  const BackwardOptions retain{.retain_graph = true};
  CHECK(message_of([&] {
          backward(loss, {x, unused}, retain);
        }) ==
        "backward: leaf 1 is not part of the loss's graph\n  leaf  [3], " + unused.node()->str());
  CHECK(!x.grad().defined());
  CHECK(message_of([&] {
          backward(loss, {x, Tensor::ones({2})});
        }) == "backward: leaf 1 does not require a gradient\n  leaf  [2]");
  CHECK(message_of([&] { backward(loss, {Tensor()}); }) == "backward: leaf 0 is undefined");
  CHECK(message_of([&] { backward(Tensor(), {x}); }) == "backward: the loss is undefined");
  CHECK(message_of([&] { backward(Tensor()); }) == "backward: the loss is undefined");
  CHECK(message_of([&] { (void)grad({Tensor()}, {x}); }) == "grad: the output is undefined");
  CHECK(message_of([&] { (void)grad({loss}, {Tensor()}); }) == "grad: input 0 is undefined");
  backward(loss, {unused, x}, {.retain_graph = true, .allow_unused = true});
  CHECK(!unused.grad().defined());
  CHECK(x.grad().to_vector() == std::vector<Scalar>{6, 8});
  unused.set_grad(Tensor::ones({3}));
  backward(loss, {unused, x}, {.allow_unused = true});
  CHECK(unused.grad().to_vector() == std::vector<Scalar>{1, 1, 1});
  CHECK(x.grad().to_vector() == std::vector<Scalar>{12, 16});
}

/// A rule that asks for an input that its op does not have.
struct AsksTooMuch {
  static constexpr const char* name = "asks_too_much";
  Gradients backward(const Tensor& g, const Context& ctx) const {
    return {ctx.wants(1) ? g : Tensor()};
  }
};

TEST_CASE("a rule that asks for an input beyond the last is named") {
  const Tensor x = leaf({}, {1});
  const Tensor y = record(Tensor::scalar(1), {x}, AsksTooMuch{}, SourceLoc::here());
  CHECK(message_of([&] { backward(y, {x}); }) ==
        "asks_too_much: the rule asks for an input that the op does not have\n"
        "  input 1, expected less than 1");
}

TEST_CASE("an op of ten inputs finds its way to each") {
  const int64_t nodes = live_nodes();
  {
    std::vector<Tensor> parts;
    for (int i = 0; i < 10; ++i) parts.push_back(leaf({1}, {Scalar(i)}));
    backward(sum(concat(parts, 0) * Tensor::from({10}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})), parts);
    for (int i = 0; i < 10; ++i) CHECK(parts[static_cast<size_t>(i)].grad().item() == i);
  }
  CHECK(live_nodes() == nodes);
}

TEST_CASE("changing a saved tensor before backward is an error that names it and both lines") {
  const Tensor x = leaf({2}, {1, 2});
  const Tensor w = leaf({2}, {3, 4}).set_name("w");
  const Tensor y = sum(x * w);
  const int used = __LINE__ - 1;
  w.mutable_data()[0] = 7;
  const int changed = __LINE__ - 1;
  const auto at = [](int line) { return "tests/engine_test.cpp:" + std::to_string(line); };
  const auto id = [](const Ref<Node>& node) { return "#" + std::to_string(node->id); };
  const std::string mul = id(y.node()->inputs[0]) + " mul, " + at(used);
  CHECK(message_of([&] { backward(y, {x}); }) ==
        "mul: a tensor that the gradient needs was changed after it was used\n"
        "  tensor   [2], " +
            id(w.node()) + " leaf w, " + w.node()->loc.str() +
            "\n  version  0 when it was used, 1 now\n  used by  " + mul + "\n  changed  at " +
            at(changed));
}

TEST_CASE("hooks see the whole gradient, may replace it, and can be removed") {
  const Tensor x = leaf({2}, {1, 2});
  const Tensor y = x * 3;
  std::vector<Scalar> seen;
  int calls = 0;
  y.add_hook([&](const Tensor& g) {
    seen = g.to_vector();
    ++calls;
    return Tensor();  // looks, and leaves it as it is
  });
  const int64_t doubling = y.add_hook([](const Tensor& g) { return g * 2; });
  x.add_hook([](const Tensor& g) { return g + 1; });
  const Tensor loss = sum(y * y + y);  // dy arrives in two parts: 2 y + 1
  CHECK(grad({loss}, {x}, {}, {.retain_graph = true})[0].to_vector() ==
        std::vector<Scalar>{43, 79});
  CHECK(seen == std::vector<Scalar>{7, 13});
  CHECK(calls == 1);
  CHECK(grad({loss}, {y}, {}, {.retain_graph = true})[0].to_vector() ==
        std::vector<Scalar>{14, 26});
  y.remove_hook(doubling);
  CHECK(grad({loss}, {x})[0].to_vector() == std::vector<Scalar>{22, 40});
  CHECK(message_of([&] {
          y.remove_hook(doubling);
        }).starts_with("remove_hook: this tensor has no such hook\n  hook "));
  CHECK(message_of([&] { Tensor::ones({2}).add_hook(nullptr); }) ==
        "add_hook: the tensor requires no gradient, so none will come\n  x  [2]");
  x.add_hook([](const Tensor&) { return Tensor::ones({3}); });
  CHECK(message_of([&] {
          backward(sum(x), {x});
        }).starts_with("hook: a hook's gradient needs its tensor's shape\n  tensor    [2], #"));
}

TEST_CASE("hooks are part of the graph that create_graph records") {
  const Tensor x = leaf({}, {3});
  const Tensor y = x * x;
  y.add_hook([](const Tensor& g) { return g * g; });
  const Tensor dx = grad({y * 5}, {x}, {}, {.create_graph = true})[0];  // 25 * 2 x
  CHECK(dx.item() == 150);
  CHECK(grad({dx}, {x})[0].item() == 50);
}

TEST_CASE("a node names the user's line, its module and what it differentiates") {
  const Tensor x = leaf({}, {2});
  const Scope scope("D.conv1", SourceLoc::here());
  const Tensor y = x * x;
  const int line = __LINE__ - 1;
  const std::string where = " D.conv1, tests/engine_test.cpp:" + std::to_string(line);
  CHECK(y.node()->str() == "#" + std::to_string(y.node()->id) + " mul" + where);
  const Tensor g = grad({y}, {x}, {}, {.create_graph = true})[0];
  CHECK(g.node()->str() == "#" + std::to_string(g.node()->id) + " add, grad of #" +
                               std::to_string(y.node()->id) + " mul" + where);
}

TEST_CASE("deep and wide graphs: no recursion, each node once") {
  const int64_t nodes = live_nodes();
  on_small_stack(256 << 10, [] {
    const Tensor x = leaf({}, {1}), w = leaf({}, {1});
    Tensor y = x;  // a million nodes: forward, backward and release
    for (int i = 0; i < 1'000'000; ++i) y = neg(y);
    backward(y, {x});
    CHECK(x.grad().item() == 1);

    y = x;  // release of a chain that was never walked, and saved its outputs
    for (int i = 0; i < 100'000; ++i) y = exp(y * 0);

    y = x;  // y = x w^n: d/dw dy/dx = n w^(n-1)
    for (int i = 0; i < 100'000; ++i) y = y * w;
    const Tensor dx = grad({y}, {x}, {}, {.create_graph = true})[0];
    CHECK(dx.item() == 1);
    CHECK(grad({dx}, {w})[0].item() == 100'000);
  });
  const Tensor x = leaf({}, {1});
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = y + y;  // 2^60 paths
  CHECK(grad({y}, {x})[0].item() == 0x1p60f);
  y = Tensor::scalar(0);
  for (int i = 0; i < 100'000; ++i) y = y + x;  // one tensor, used often
  CHECK(grad({y}, {x})[0].item() == 100'000);
  y = Tensor();
  CHECK(live_nodes() == nodes + 1);  // x
}

TEST_CASE("misuse is named") {
  const Tensor x = leaf({2}, {1, 2}), other = leaf({3}, {1, 2, 3});
  CHECK(message_of([&] { backward(x * 2, {x}); }) ==
        "backward: the loss has more than one element, so it needs a cotangent\n"
        "  loss [2]\n  reduce it to a loss by sum() or mean()");
  CHECK(message_of([&] { backward(Tensor::scalar(1)); }) ==
        "backward: the loss depends on nothing that requires a gradient\n  loss  []\n"
        "  it was computed under NoGrad, or from data and frozen parameters alone");
  CHECK(message_of([&] {
          (void)grad({sum(x)}, {other});
        }).starts_with("grad: input 0 is not part of the outputs' graph\n  input  [3], #"));
  CHECK(message_of([&] { (void)grad({sum(x)}, {Tensor::ones({2})}); }) ==
        "grad: input 0 does not require a gradient\n  input  [2]");
  CHECK(message_of([&] { (void)grad({x * 2}, {x}, {Tensor::ones({3})}); }) ==
        "grad: a cotangent needs its output's shape\n  output     [2]\n  cotangent  [3]");
  CHECK(message_of([&] {
          (x * 2).set_requires_grad();
        }).starts_with("set_requires_grad: not a leaf: this tensor was computed\n  by #"));
  backward(sum(x * x));  // and all is as it was
  CHECK(x.grad().to_vector() == std::vector<Scalar>{2, 4});
}

}  // namespace forger
