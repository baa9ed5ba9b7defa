// Tests optimizers against their formulas in double, their state, and that a network learns.
#include "nn/optim.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "autograd/engine.h"
#include "autograd/random.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "threads.h"

namespace forger::nn {
namespace {

using Values = std::vector<Scalar>;

constexpr double kU = 0x1p-24 * 1.001;  // half a ULP, and room for the terms in u^2

/// Two parameters, without a network around them.
struct Pair : Module {
  explicit Pair(int64_t n = 1)
      : Module("pair"),
        first(parameter("a", Tensor::ones({n}))),
        second(parameter("b", Tensor::ones({n}))) {}
  Parameter first, second;
};

/// A number in double, and the largest allowed error of the float kernel.
struct Bounded {
  double value = 0, error = 0;
};

/// d = g + weight_decay p, with one rounding of the constant, the product and the sum each.
Bounded decayed(double g, double weight_decay, const Bounded& p) {
  const double term = weight_decay * p.value;
  const double d = g + term;
  return {d, std::abs(weight_decay) * p.error + kU * (2 * std::abs(term) + std::abs(d))};
}

/// An optimizer at work on the first of a pair, with gradients that are a function of the step.
template <class Optimizer, class Options>
class Run {
 public:
  static constexpr int64_t kCount = 40;
  explicit Run(const Options& options) : optimizer(pair, options) {
    const Values start = Random(1).normal({kCount}).to_vector();
    std::copy(start.begin(), start.end(), pair.first.mutable_data());
  }
  static Tensor gradient(int step) {
    // Not near 0, where Adam would divide one rounding error by another.
    Tensor g = Random(2, static_cast<uint64_t>(step)).uniform({kCount}, 0.5, 1.5);
    Scalar* const data = g.mutable_data();
    for (int64_t i = 0; i < kCount; ++i) {
      if ((i * 7 + step * step) % 3 == 0) data[i] = -data[i];
    }
    return g;
  }
  void steps(int begin, int end) {
    for (int step = begin; step < end; ++step) {
      pair.first.set_grad(gradient(step));
      optimizer.step();
    }
  }

  Pair pair{kCount};
  Optimizer optimizer;
};
using SgdRun = Run<Sgd, SgdOptions>;
using AdamRun = Run<Adam, AdamOptions>;

constexpr int kSteps = 100;

/// Two interlocking half circles, [n, 2], and which one each point belongs to, [n, 1].
std::pair<Tensor, Tensor> moons(int64_t n, uint64_t seed) {
  Random random(seed);
  const Tensor x = random.normal({n, 2}, 0, 0.1), label = Tensor::zeros({n, 1});
  Scalar* const point = x.mutable_data();
  for (int64_t i = 0; i < n; ++i) {
    const double angle = random.uniform(0, std::numbers::pi), sign = i % 2 == 0 ? 1 : -1;
    point[2 * i] += static_cast<Scalar>(sign * (std::cos(angle) - 0.5));
    point[2 * i + 1] += static_cast<Scalar>(sign * (std::sin(angle) - 0.25));
    label.mutable_data()[i] = static_cast<Scalar>(i % 2);
  }
  return {x, label};
}

struct Classifier : Module {
  Classifier() : Module("classifier") {}
  Linear first{*this, "first", 2, 32};
  Linear second{*this, "second", 32, 32};
  Linear last{*this, "last", 32, 1};
  Tensor forward(const Tensor& x) override { return last(tanh(second(tanh(first(x))))); }
};

struct Learned {
  double first_loss, last_loss, accuracy;
  Values weights;
};

template <class MakeOptimizer>
Learned learn(uint64_t seed, const MakeOptimizer& make) {
  seed_init(seed);
  Classifier net;
  auto optimizer = make(net);
  Learned result{};
  for (int step = 0; step < 300; ++step) {
    const auto [x, label] = moons(64, seed * 1000 + static_cast<uint64_t>(step));
    optimizer.zero_grad();
    const Tensor loss = bce_with_logits(net(x), label);
    backward(loss);
    optimizer.step();
    (step == 0 ? result.first_loss : result.last_loss) = loss.item();
  }
  const auto [x, label] = moons(1000, 123456);
  const Tensor logits = net(x);
  for (int64_t i = 0; i < 1000; ++i) {
    result.accuracy += (logits.data()[i] > 0) == (label.data()[i] > 0) ? 0.001 : 0;
  }
  for (const Tensor& p : net.parameters()) {
    const Values values = p.to_vector();
    result.weights.insert(result.weights.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace

TEST_CASE("Sgd matches hand-computed steps: plain, momentum, weight decay") {
  const auto two_steps = [](SgdOptions options) {
    Pair pair;
    Sgd sgd(pair, options);
    Values p;
    for (const Scalar g : {Scalar{2}, Scalar{4}}) {
      pair.first.set_grad(Tensor::from({1}, {g}));
      sgd.step();
      p.push_back(pair.first.item());
    }
    CHECK(pair.second.item() == 1);  // without a gradient it stays
    return p;
  };
  CHECK(two_steps({.lr = 0.25}) == Values{0.5, -0.5});
  CHECK(two_steps({.lr = 0.25, .momentum = 0.5}) == Values{0.5, -0.75});  // v = 2, 5
  CHECK(two_steps({.lr = 0.25, .weight_decay = 2}) == Values{0, -1});     // d = 4, 4
  CHECK(two_steps({.lr = 0.25, .momentum = 0.5, .weight_decay = 2}) ==
        Values{0, -1.5});  // v = 4, 6
}

TEST_CASE("a hundred Sgd steps match the formula in double") {
  for (const double weight_decay : {0.0, 0.01}) {
    const SgdOptions options = {.lr = 0.02, .momentum = 0.9, .weight_decay = weight_decay};
    SgdRun run(options);
    std::vector<Bounded> p(SgdRun::kCount), v(SgdRun::kCount);
    for (size_t i = 0; i < p.size(); ++i) p[i].value = run.pair.first.data()[i];
    run.steps(0, kSteps);
    for (int step = 0; step < kSteps; ++step) {
      const Tensor g = SgdRun::gradient(step);
      for (size_t i = 0; i < p.size(); ++i) {
        const Bounded d = decayed(g.data()[i], weight_decay, p[i]);
        const double kept = options.momentum * v[i].value;
        v[i].error = options.momentum * v[i].error + d.error +
                     kU * (2 * std::abs(kept) + std::abs(kept + d.value));
        v[i].value = kept + d.value;
        const double update = options.lr * v[i].value;
        p[i].error +=
            options.lr * v[i].error + kU * (2 * std::abs(update) + std::abs(p[i].value - update));
        p[i].value -= update;
      }
    }
    for (size_t i = 0; i < p.size(); ++i) {
      const double error = std::abs(static_cast<double>(run.pair.first.data()[i]) - p[i].value);
      CHECK(error <= p[i].error);
      CHECK(p[i].error < 1e-3);  // the bound says something: these parameters moved by about 10
    }
  }
}

TEST_CASE("a hundred Adam steps match the formula in double") {
  for (const double weight_decay : {0.0, 0.01}) {
    const AdamOptions options = {.lr = 0.01,
                                 .beta1 = 0.5,
                                 .eps = weight_decay > 0 ? 0.125 : 1e-8,
                                 .weight_decay = weight_decay};
    AdamRun run(options);
    std::vector<Bounded> p(AdamRun::kCount), m(AdamRun::kCount), v(AdamRun::kCount);
    for (size_t i = 0; i < p.size(); ++i) p[i].value = run.pair.first.data()[i];
    run.steps(0, kSteps);
    for (int step = 0; step < kSteps; ++step) {
      const Tensor g = AdamRun::gradient(step);
      const double correction1 = 1 - std::pow(options.beta1, step + 1);
      const double correction2 = 1 - std::pow(options.beta2, step + 1);
      for (size_t i = 0; i < p.size(); ++i) {
        const Bounded d = decayed(g.data()[i], weight_decay, p[i]);
        const double kept1 = options.beta1 * m[i].value, new1 = (1 - options.beta1) * d.value;
        m[i].error = options.beta1 * m[i].error + (1 - options.beta1) * d.error +
                     kU * (2 * std::abs(kept1) + 2 * std::abs(new1) + std::abs(kept1 + new1));
        m[i].value = kept1 + new1;
        const double kept2 = options.beta2 * v[i].value;
        const double new2 = (1 - options.beta2) * d.value * d.value;
        v[i].error = options.beta2 * v[i].error +
                     2 * (1 - options.beta2) * std::abs(d.value) * d.error +
                     kU * (2 * kept2 + 3 * new2 + kept2 + new2);
        v[i].value = kept2 + new2;
        // An error e of v moves its root by at most e / sqrt(v).
        const double root = std::sqrt(v[i].value / correction2), divisor = root + options.eps;
        const double divisor_error =
            root * (v[i].error / v[i].value + 3 * kU) + kU * (options.eps + divisor);
        const double step_size = options.lr / correction1;
        const double update = step_size * m[i].value / divisor;
        p[i].error += step_size * m[i].error / divisor +
                      std::abs(update) * (divisor_error / divisor + 3 * kU) +
                      kU * std::abs(p[i].value - update);
        p[i].value -= update;
      }
    }
    for (size_t i = 0; i < p.size(); ++i) {
      const double error = std::abs(static_cast<double>(run.pair.first.data()[i]) - p[i].value);
      CHECK(error <= p[i].error);
      CHECK(p[i].error < 1e-4);  // the bound says something: these parameters moved by up to 1
    }
    CHECK(run.pair.second.to_vector() == Values(AdamRun::kCount, 1));  // it had no gradient
  }
}

TEST_CASE("Adam's first step is lr against the gradient's sign for any magnitude") {
  Pair pair(3);
  Adam adam(pair, {.lr = 0.25, .eps = 0});
  pair.first.set_grad(Tensor::from({3}, {1e-6f, -1, 1e6f}));
  adam.step();
  // m / sqrt(v) is 1 but for the rounding of eight operations and constants.
  const double expected[] = {0.75, 1.25, 0.75};
  for (int64_t i = 0; i < 3; ++i) {
    CHECK(std::abs(static_cast<double>(pair.first.at({i})) - expected[i]) <= 0.25 * 8 * kU + kU);
  }
}

TEST_CASE("Adam corrects each parameter's bias with that parameter's step count") {
  for (const double beta1 : {0.9, 0.5}) {
    CAPTURE(beta1);
    Pair pair;
    Adam adam(pair, {.lr = 0.01, .beta1 = beta1});
    for (int step = 0; step <= 1000; ++step) {
      pair.first.set_grad(Tensor::ones({1}));
      if (step == 1000) pair.second.set_grad(Tensor::ones({1}));
      adam.step();
    }
    // A parameter's first step has length lr at any time: see the test above.
    const double moved = 1 - static_cast<double>(pair.second.item());
    CHECK(std::abs(moved - 0.01) <= 0.01 * 8 * kU + kU);
    CHECK(adam.state()[0].second.item() == 1001);
    CHECK(adam.state()[3].second.item() == 1);
  }
}

TEST_CASE("a step leaves a frozen parameter and its state unchanged until it is thawed") {
  const auto frozen_for = [](int steps) {
    Pair pair;
    Adam adam(pair, {.lr = 0.01});
    const auto step = [&](Scalar g) {
      pair.first.set_grad(Tensor::full({1}, g));
      adam.step();
    };
    step(1);
    step(-2);
    const Scalar before = pair.first.item();
    pair.first.set_requires_grad(false);
    for (int i = 0; i < steps; ++i) {
      pair.second.set_grad(Tensor::ones({1}));
      adam.step();
    }
    CHECK(pair.first.item() == before);
    pair.first.set_requires_grad(true);
    step(3);
    CHECK(adam.state()[0].second.item() == 3);
    return pair.first.item();
  };
  CHECK(frozen_for(0) == frozen_for(50));
}

TEST_CASE("a step without any gradient changes nothing") {
  Pair pair;
  Adam adam(pair);
  adam.step();
  CHECK(pair.first.item() == 1);
  CHECK(adam.state()[0].second.item() == 0);
}

TEST_CASE("AdamW's weight decay defaults to 0.01, also if other options are set") {
  Pair pair;
  AdamW adam(pair, {.lr = 0.25});
  pair.first.set_grad(Tensor::zeros({1}));
  adam.step();
  CHECK(pair.first.item() == static_cast<Scalar>(1 - 0.25 * 0.01));
  AdamW none(pair, {.lr = 0.25, .weight_decay = 0});
  none.step();
  CHECK(pair.first.item() == static_cast<Scalar>(1 - 0.25 * 0.01));
}

TEST_CASE("optimizers accept a module, several modules, tensors or named tensors") {
  const auto names = [](const Optimizer& optimizer) {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : optimizer.state()) all.push_back(name);
    return all;
  };
  using Names = std::vector<std::string>;
  struct Scale : Module {
    explicit Scale(const std::string& name) : Module(name) {}
    Parameter p = parameter("p", Tensor::ones({1}));
  };
  const Scale G("G"), F("F");
  Tensor plain = Tensor::ones({1}).set_requires_grad();
  const SgdOptions options = {.lr = 0.5, .momentum = 0.5};
  Sgd one(G, options), several({G, F}, options), list({plain, F.p}, options);
  Sgd parameters(G.parameters(), options), named(NamedTensors{{"scale", plain}}, options);
  CHECK(names(one) == Names{"p.momentum_buffer"});
  CHECK(names(several) == Names{"G.p.momentum_buffer", "F.p.momentum_buffer"});
  CHECK(names(list) == Names{"0.momentum_buffer", "F.p.momentum_buffer"});
  CHECK(names(parameters) == Names{"G.p.momentum_buffer"});
  CHECK(names(named) == Names{"scale.momentum_buffer"});
  for (const Tensor& p : std::vector<Tensor>{G.p, F.p, plain}) p.set_grad(Tensor::ones({1}));
  several.step();
  CHECK(G.p.item() == 0.5);
  CHECK(F.p.item() == 0.5);
  list.step();
  CHECK(plain.item() == 0.5);
  CHECK(F.p.item() == 0);
  list.zero_grad();
  CHECK(G.p.grad().defined());
  CHECK(!plain.grad().defined());
  // A module's name and the names of tensors do not depend on what else is in the list.
  const Scale again("G");
  const Sgd twins({G.p, again.p}, options);
  CHECK(names(twins) == Names{"G.p.momentum_buffer", "1.momentum_buffer"});
  // A number that is a tensor's own name is skipped.
  const auto leaf = [](const std::string& name) {
    return Tensor::ones({1}).set_requires_grad().set_name(name);
  };
  const Sgd numbered({leaf("1"), plain, leaf("2"), leaf("2")}, options);
  CHECK(names(numbered) ==
        Names{"1.momentum_buffer", "3.momentum_buffer", "2.momentum_buffer", "4.momentum_buffer"});
}

TEST_CASE("clip_grad_norm returns a norm that is not finite and leaves the gradients unchanged") {
  const auto infinity = std::numeric_limits<Scalar>::infinity();
  const auto nan = std::numeric_limits<Scalar>::quiet_NaN();
  Pair pair(2);
  pair.first.set_grad(Tensor::from({2}, {infinity, 1}));
  pair.second.set_grad(Tensor::from({2}, {5, 0}));
  CHECK(clip_grad_norm(pair, 1) == std::numeric_limits<double>::infinity());
  CHECK(pair.first.grad().to_vector() == Values{infinity, 1});
  CHECK(pair.second.grad().to_vector() == Values{5, 0});
  pair.first.set_grad(Tensor::from({2}, {nan, 1}));
  CHECK(std::isnan(clip_grad_norm(pair, 1)));
  CHECK(pair.first.grad().at({1}) == 1);
  CHECK(pair.second.grad().to_vector() == Values{5, 0});
  clip_grad_value(pair, 2);
  CHECK(std::isnan(pair.first.grad().at({0})));
  CHECK(pair.second.grad().to_vector() == Values{2, 0});
}

TEST_CASE("clipping ignores frozen parameters and those without a gradient") {
  Pair pair;
  pair.first.set_grad(Tensor::from({1}, {4}));
  CHECK(clip_grad_norm({pair.first, pair.second}, 2) == 4);
  CHECK(pair.first.grad().item() == 2);
  CHECK(!pair.second.grad().defined());
  pair.second.set_grad(Tensor::from({1}, {100}));
  pair.second.set_requires_grad(false);
  CHECK(clip_grad_norm(pair, 1) == 2);
  CHECK(pair.first.grad().item() == 1);
}

TEST_CASE("Ema averages all parameters, also frozen ones, and copies buffers") {
  struct Net : Module {
    Net() : Module("net") {}
    Parameter weight = parameter("weight", Tensor::ones({1}));
    Buffer mean = buffer("mean", Tensor::zeros({1}));
  };
  Net source, average;
  source.weight.set_requires_grad(false);
  const Ema ema(source, average, 0.5);
  *source.weight.mutable_data() = 3;
  *source.mean.mutable_data() = 3;
  ema.update();
  CHECK(average.weight.item() == 2);
  CHECK(average.mean.item() == 3);
}

TEST_CASE("a step leaves a parameter without a gradient unchanged and updates the others") {
  Pair pair(2);
  Sgd sgd(pair, {.lr = 0.25});
  Adam adam(pair, {.lr = 0.25});
  pair.second.set_grad(Tensor::ones({2}));
  sgd.step();
  CHECK(pair.first.to_vector() == Values{1, 1});
  CHECK(pair.second.to_vector() == Values{0.75, 0.75});
  adam.step();
  CHECK(pair.first.to_vector() == Values{1, 1});
  CHECK(pair.second.at({0}) < 0.75);
}

TEST_CASE("the learning rate can change between steps") {
  Pair pair;
  Sgd sgd(pair, {.lr = 0.25});
  pair.first.set_grad(Tensor::from({1}, {1}));
  sgd.step();
  sgd.lr = 0.5;
  sgd.step();
  CHECK(pair.first.item() == 0.25);
  Adam adam(pair, {.lr = 0.25});
  adam.lr = 0;
  adam.step();
  CHECK(pair.first.item() == 0.25);
}

TEST_CASE("zero_grad clears the gradients of all its parameters") {
  Pair pair;
  const Sgd sgd(pair, {});
  backward(sum(pair.first * pair.second));
  CHECK(pair.first.grad().defined());
  CHECK(pair.second.grad().defined());
  sgd.zero_grad();
  CHECK(!pair.first.grad().defined());
  CHECK(!pair.second.grad().defined());
}

TEST_CASE("an optimizer's state uses the parameters' names and continues a run bit for bit") {
  const auto names = [](const Optimizer& optimizer) {
    std::vector<std::string> all;
    for (const auto& [name, tensor] : optimizer.state()) all.push_back(name);
    return all;
  };
  const auto resumed = [&](auto whole, auto first, auto second) {
    whole->steps(0, 20);
    first->steps(0, 10);
    const NamedTensors from = first->optimizer.state(), to = second->optimizer.state();
    REQUIRE(names(first->optimizer) == names(second->optimizer));
    for (size_t i = 0; i < from.size(); ++i) {
      std::copy_n(from[i].second.data(), from[i].second.numel(), to[i].second.mutable_data());
    }
    std::copy_n(first->pair.first.data(), AdamRun::kCount, second->pair.first.mutable_data());
    second->steps(10, 20);
    CHECK(second->pair.first.to_vector() == whole->pair.first.to_vector());
    CHECK(second->pair.first.to_vector() != first->pair.first.to_vector());
  };
  AdamRun adam({}), adam1({}), adam2({});
  resumed(&adam, &adam1, &adam2);
  CHECK(names(adam.optimizer) == std::vector<std::string>{"a.step", "a.exp_avg", "a.exp_avg_sq",
                                                          "b.step", "b.exp_avg", "b.exp_avg_sq"});
  CHECK(adam.optimizer.state()[0].second.item() == 20);
  CHECK(adam.optimizer.state()[3].second.item() == 0);  // b had no gradient
  const SgdOptions options = {.lr = 0.1, .momentum = 0.9};
  SgdRun sgd(options), sgd1(options), sgd2(options);
  resumed(&sgd, &sgd1, &sgd2);
  CHECK(names(sgd.optimizer) == std::vector<std::string>{"a.momentum_buffer", "b.momentum_buffer"});
  CHECK(names(Sgd(sgd.pair, {.lr = 0.1})).empty());
}

TEST_CASE("a step has the bits of one optimizer for each parameter, for any number of threads") {
  using Make = std::function<std::unique_ptr<Optimizer>(const ParameterList&)>;
  const std::pair<const char*, Make> optimizers[] = {
      {"Sgd", [](const auto& list) { return std::make_unique<Sgd>(list); }},
      {"Sgd with momentum",
       [](const auto& list) {
         return std::make_unique<Sgd>(list, SgdOptions{.momentum = 0.9, .nesterov = true});
       }},
      {"Adam", [](const auto& list) { return std::make_unique<Adam>(list); }},
      {"AdamW", [](const auto& list) { return std::make_unique<AdamW>(list); }},
      {"RmsProp", [](const auto& list) {
         return std::make_unique<RmsProp>(list, RmsPropOptions{.momentum = 0.5});
       }}};
  for (const auto& entry : optimizers) {
    CAPTURE(entry.first);
    const auto after_steps = [&make = entry.second](bool together) {
      std::vector<Tensor> parameters;
      // One is empty, and some are longer than what a thread updates at once.
      for (const int64_t n : {1, 40000, 0, 7, 16384, 100, 70001}) {
        Tensor p = Random(1, static_cast<uint64_t>(n)).normal({n});
        parameters.push_back(p.set_requires_grad());
      }
      std::vector<std::unique_ptr<Optimizer>> optimizers_of;
      if (together) {
        optimizers_of.push_back(make(parameters));
      } else {
        for (const Tensor& p : parameters) {
          optimizers_of.push_back(make(std::vector<Tensor>{p}));
        }
      }
      for (uint64_t step = 0; step < 3; ++step) {
        for (const Tensor& p : parameters) p.set_grad(Random(2, step).normal(p.shape()));
        for (const auto& optimizer : optimizers_of) optimizer->step();
      }
      Values all;
      for (const Tensor& p : parameters) all.insert(all.end(), p.data(), p.data() + p.numel());
      return all;
    };
    CHECK(after_steps(true) == after_steps(false));
    CHECK(thread_dependence([&] { return after_steps(true); }) == "");
  }
}

TEST_CASE("a gradient that is another parameter is read before or after its update, in order") {
  constexpr int64_t kCount = 100'000;
  const auto after_step = [](bool first_from_second) {
    Pair pair(kCount);  // both are 1
    (first_from_second ? pair.first : pair.second)
        .set_grad(first_from_second ? pair.second : pair.first);
    (first_from_second ? pair.second : pair.first).set_grad(Tensor::full({kCount}, 2));
    Sgd sgd(pair, {.lr = 0.5});
    sgd.step();
    Values both = pair.first.to_vector();
    const Values second = pair.second.to_vector();
    both.insert(both.end(), second.begin(), second.end());
    return both;
  };
  Values expected(kCount, 0.5);  // first = 1 - 0.5 * 1, then second = 1 - 0.5 * 2
  expected.resize(2 * kCount, 0);
  CHECK(after_step(true) == expected);
  expected.assign(kCount, 0);  // first = 1 - 0.5 * 2, then second = 1 - 0.5 * 0
  expected.resize(2 * kCount, 1);
  CHECK(after_step(false) == expected);
  for (const bool first_from_second : {true, false}) {
    CHECK(thread_dependence([&] { return after_step(first_from_second); }) == "");
  }
}

TEST_CASE("a network learns two moons, with the same bits for the same seed") {
  const auto with_adam = [](const Module& net) { return Adam(net, {.lr = 0.01}); };
  const auto with_sgd = [](const Module& net) { return Sgd(net, {.lr = 0.1, .momentum = 0.9}); };
  const Learned adam = learn(1, with_adam), sgd = learn(1, with_sgd);
  for (const Learned& learned : {adam, sgd}) {
    CAPTURE(learned.first_loss);
    CHECK(learned.last_loss < learned.first_loss / 4);
    CHECK(learned.accuracy > 0.95);
  }
  CHECK(learn(1, with_adam).weights == adam.weights);
  CHECK(learn(2, with_adam).weights != adam.weights);
}

}  // namespace forger::nn
