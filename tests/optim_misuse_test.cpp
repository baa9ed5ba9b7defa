// Tests the errors of optimizers, clipping, moving averages and schedules, word for word and
// with the user's line.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/error.h"
#include "autograd/ops.h"
#include "misuse.h"
#include "nn/layers.h"
#include "nn/optim.h"

namespace forger::nn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Pair : Module {
  explicit Pair(const std::string& name = "pair") : Module(name) {}
  Parameter first = parameter("a", Tensor::ones({2})), second = parameter("b", Tensor::ones({2}));
};

struct Empty : Module {
  Empty() : Module("empty") {}
};

/// The name of its buffer is the end of one in Counted.
struct Counter : Module {
  explicit Counter(Module& parent) : Module(parent, "x") {}
  Counter() : Module("counter") {}
  Buffer step = buffer("step", Tensor::zeros({1}));
};
struct Counted : Module {
  Counted() : Module("counted") {}
  Counter x{*this};
};

/// A value that an option must not have, and the range that the message names.
struct Wrong {
  double value;
  std::string range, shown;
};
const std::vector<Wrong> kNotNatural = {{-1, "finite and at least 0", "-1"},
                                        {-1e-30, "finite and at least 0", "-1e-30"},
                                        {kNaN, "finite and at least 0", "nan"},
                                        {kInfinity, "finite and at least 0", "inf"}};
const std::vector<Wrong> kNoDecay = {{-0.5, "at least 0 and below 1", "-0.5"},
                                     {1, "at least 0 and below 1", "1"},
                                     {kNaN, "at least 0 and below 1", "nan"},
                                     {kInfinity, "at least 0 and below 1", "inf"}};

/// Checks that `make` rejects every wrong value of an option, and that the error names the option.
void check_option(const std::string& op, const std::string& option,
                  const std::vector<Wrong>& values, const std::function<void(double)>& make) {
  for (const Wrong& wrong : values) {
    CHECK(message_of([&] { make(wrong.value); }) ==
          op + ": " + option + " must be " + wrong.range + "\n  found " + wrong.shown);
  }
}

/// The last line of the Error that f throws.
std::string last_line(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(text.rfind('\n') + 1);
  }
  return "no error";
}

}  // namespace

TEST_CASE("every option of every optimizer is checked against its range") {
  const Pair pair;
  check_option("Sgd", "lr", kNotNatural, [&](double x) { Sgd(pair, {.lr = x}); });
  check_option("Sgd", "momentum", kNoDecay, [&](double x) { Sgd(pair, {.momentum = x}); });
  check_option("Sgd", "weight_decay", kNotNatural,
               [&](double x) { Sgd(pair, {.weight_decay = x}); });
  CHECK(message_of([&] { Sgd(pair, {.nesterov = true}); }) ==
        "Sgd: nesterov needs a momentum above 0\n  found 0");

  check_option("Adam", "lr", kNotNatural, [&](double x) { Adam(pair, {.lr = x}); });
  check_option("Adam", "beta1", kNoDecay, [&](double x) { Adam(pair, {.beta1 = x}); });
  check_option("Adam", "beta2", kNoDecay, [&](double x) { Adam(pair, {.beta2 = x}); });
  check_option("Adam", "eps", kNotNatural, [&](double x) { Adam(pair, {.eps = x}); });
  check_option("Adam", "weight_decay", kNotNatural,
               [&](double x) { Adam(pair, {.weight_decay = x}); });

  check_option("AdamW", "lr", kNotNatural, [&](double x) { AdamW(pair, {.lr = x}); });
  check_option("AdamW", "beta1", kNoDecay, [&](double x) { AdamW(pair, {.beta1 = x}); });
  check_option("AdamW", "beta2", kNoDecay, [&](double x) { AdamW(pair, {.beta2 = x}); });
  check_option("AdamW", "eps", kNotNatural, [&](double x) { AdamW(pair, {.eps = x}); });
  check_option("AdamW", "weight_decay", kNotNatural,
               [&](double x) { AdamW(pair, {.weight_decay = x}); });

  check_option("RmsProp", "lr", kNotNatural, [&](double x) { RmsProp(pair, {.lr = x}); });
  check_option("RmsProp", "alpha", kNoDecay, [&](double x) { RmsProp(pair, {.alpha = x}); });
  check_option("RmsProp", "eps", kNotNatural, [&](double x) { RmsProp(pair, {.eps = x}); });
  check_option("RmsProp", "momentum", kNoDecay, [&](double x) { RmsProp(pair, {.momentum = x}); });
  check_option("RmsProp", "weight_decay", kNotNatural,
               [&](double x) { RmsProp(pair, {.weight_decay = x}); });
}

TEST_CASE("step() checks an assigned learning rate before it changes a parameter") {
  const Pair pair;
  pair.first.set_grad(Tensor::ones({2}));
  Sgd sgd(pair, {.lr = 0.1});
  Adam adam(pair);
  AdamW adamw(pair);
  RmsProp rms(pair);
  const std::pair<const char*, Optimizer*> all[] = {
      {"Sgd", &sgd}, {"Adam", &adam}, {"AdamW", &adamw}, {"RmsProp", &rms}};
  for (const auto& entry : all) {
    check_option(entry.first, "lr", kNotNatural, [optimizer = entry.second](double x) {
      optimizer->lr = x;
      optimizer->step();
    });
  }
  CHECK(pair.first.to_vector() == std::vector<Scalar>{1, 1});
  CHECK(adam.state()[0].second.item() == 0);
}

TEST_CASE(
    "Adam checks its step counts, which may come from a file, before it changes a parameter") {
  const Pair pair;
  Adam adam(pair);
  pair.first.set_grad(Tensor::ones({2}));
  Scalar& step = *adam.state()[3].second.mutable_data();
  for (const double wrong : {-1.0, 0.5, kNaN, kInfinity}) {
    step = static_cast<Scalar>(wrong);
    CHECK(message_of([&] { adam.step(); }) ==
          "Adam: b.step must be a natural number\n  found " + short_number(wrong));
  }
  CHECK(pair.first.to_vector() == std::vector<Scalar>{1, 1});
  step = 3;
  CHECK(message_of([&] { adam.step(); }) == "");
}

TEST_CASE("optimizers reject invalid parameter lists") {
  const Empty empty;
  const Pair pair, twin;
  Tensor leaf = Tensor::ones({2, 3}).set_requires_grad();
  const Tensor plain = Tensor::ones({2, 3}), computed = leaf * 2;
  check_messages({
      {[&] { Adam adam(empty); }, "Adam: there are no parameters to train"},
      {[&] {
         Sgd sgd({empty, empty});
       },
       "Sgd: there are no parameters to train"},
      {[&] { RmsProp rms(std::vector<Tensor>{}); }, "RmsProp: there are no parameters to train"},
      {[&] {
         AdamW adam({leaf, Tensor()}, {});
       },
       "AdamW: parameter 1 is undefined"},
      {[&] {
         Adam adam({leaf, plain}, {});
       },
       "Adam: parameter 1 requires no gradient\n  found [2, 3] without set_requires_grad()"},
      {[&] {
         Adam adam({leaf, leaf}, {});
       },
       "Adam: two parameters share their numbers\n  0\n  1"},
      {[&] {
         Adam adam({pair, pair});
       },
       "Adam: two parameters share their numbers\n  pair.a\n  pair.a"},
      {[&] {
         Adam adam({pair, twin});
       },
       "Adam: two parameters have one name\n  pair.a\n  expected modules of different names"},
      {[&] { clip_grad_norm({plain}, 1); },
       "clip_grad_norm: parameter 0 requires no gradient\n"
       "  found [2, 3] without set_requires_grad()"},
      {[&] {
         clip_grad_value({leaf, leaf}, 1);
       },
       "clip_grad_value: two parameters share their numbers\n  0\n  1"},
  });
  CHECK(message_of([&] {
          Adam adam(NamedTensors{{"scale", computed}});
        }).starts_with("Adam: parameter scale was computed\n  by #"));
}

TEST_CASE("step() reports a layer that was added after the optimizer was constructed") {
  struct Growing : Module {
    Growing() : Module("net") {}
    Sequential layers{*this, "layers"};
  } net, other;
  net.layers.add<Linear>(3, 2);
  other.layers.add<Linear>(3, 2);
  const std::string expected = "\n  expected an optimizer that is made after all layers";
  Adam adam(net);
  adam.step();
  net.layers.add<Linear>(2, 1);
  CHECK(message_of([&] { adam.step(); }) ==
        "Adam: a parameter was added after the optimizer was made\n  layers.1.weight [1, 2]" +
            expected);
  CHECK(message_of([&] { Adam(net).step(); }) == "");
  struct Named : Module {
    explicit Named(const std::string& name) : Module(name) {}
    Sequential layers{*this, "layers"};
  } G("G"), F("F");
  G.layers.add<Linear>(3, 2);
  F.layers.add<Linear>(3, 2);
  Sgd sgd({G, F});
  sgd.step();
  F.layers.add<Linear>(2, 1);
  CHECK(message_of([&] { sgd.step(); }) ==
        "Sgd: a parameter was added after the optimizer was made\n  F.layers.1.weight [1, 2]" +
            expected);
  // A list of tensors does not change, and a destroyed layer needs no training.
  Sgd listed(other.parameters());
  other.layers.add<Linear>(2, 1);
  CHECK(message_of([&] { listed.step(); }) == "");
  auto extra = std::make_unique<Linear>(G, "extra", 2, 2);
  Sgd before(G);
  extra.reset();
  CHECK(message_of([&] { before.step(); }) == "");
}

TEST_CASE("clipping rejects invalid limits") {
  const Pair pair;
  const std::string norm = "clip_grad_norm: max_norm must be above 0\n  found ";
  const std::string value = "clip_grad_value: limit must be at least 0\n  found ";
  check_messages({{[&] { clip_grad_norm(pair, 0); }, norm + "0"},
                  {[&] { clip_grad_norm(pair, -1); }, norm + "-1"},
                  {[&] { clip_grad_norm(pair, kNaN); }, norm + "nan"},
                  {[&] { clip_grad_norm(pair, kInfinity); }, ""},
                  {[&] { clip_grad_value(pair, -1); }, value + "-1"},
                  {[&] { clip_grad_value(pair, kNaN); }, value + "nan"},
                  {[&] { clip_grad_value(pair, 0); }, ""},
                  {[&] { clip_grad_value(pair, kInfinity); }, ""}});
}

TEST_CASE("Ema rejects a decay outside 0 to 1 and modules that differ") {
  const Pair pair, copy;
  for (const double decay : {-0.5, 1.5, kNaN, kInfinity}) {
    CHECK(message_of([&] { Ema(pair, copy, decay); }) ==
          "Ema: decay must be from 0 to 1\n  found " + short_number(decay));
  }
  check_messages(
      {{[&] { Ema(pair, Empty(), 0.5); },
        "Ema: the modules differ in architecture\n  unknown  a [2]\n  unknown  b [2]"},
       {[&] { Ema(Empty(), pair, 0.5); },
        "Ema: the modules differ in architecture\n  missing  a [2]\n  missing  b [2]"},
       {[&] { Ema(Counter(), Counted(), 0.5); },
        "Ema: the modules differ in architecture\n  missing  x.step [1]\n  unknown  step [1]"},
       {[&] { Ema(pair, pair, 0.5); }, "Ema: source and copy share their numbers\n  a"}});
  struct Growing : Module {
    Growing() : Module("net") {}
    Linear fc{*this, "fc", 3, 2};
    Sequential more{*this, "more"};
  } source, average;
  const Ema ema(source, average, 0.5);
  source.more.add<Linear>(2, 1);
  CHECK(message_of([&] { ema.update(); }) ==
        "Ema: the modules differ in architecture\n  unknown  more.0.bias [1]\n"
        "  unknown  more.0.weight [1, 2]");
}

TEST_CASE("schedules reject negative steps, empty spans and invalid rates") {
  using Schedule = std::function<double(double lr, int64_t t, int64_t span, double factor)>;
  struct Named {
    std::string name, span, factor;
    Schedule f;
  };
  const Named schedules[] = {
      {"step_lr", "period", "gamma",
       [](double lr, int64_t t, int64_t n, double x) { return step_lr(lr, t, n, x); }},
      {"exponential_lr", "", "gamma",
       [](double lr, int64_t t, int64_t, double x) { return exponential_lr(lr, t, x); }},
      {"cosine_lr", "total", "end",
       [](double lr, int64_t t, int64_t n, double x) { return cosine_lr(lr, t, n, x); }},
      {"linear_lr", "total", "start",
       [](double lr, int64_t t, int64_t n, double x) { return linear_lr(lr, t, n, x); }},
      {"linear_lr", "total", "finish",
       [](double lr, int64_t t, int64_t n, double x) { return linear_lr(lr, t, n, 1, x); }}};
  for (const Named& s : schedules) {
    check_option(s.name, "lr", kNotNatural, [&](double x) { s.f(x, 1, 2, 0.5); });
    check_option(s.name, s.factor, kNotNatural, [&](double x) { s.f(0.1, 1, 2, x); });
    check_option(s.name, "t", {{-1, "at least 0", "-1"}},
                 [&](double x) { s.f(0.1, static_cast<int64_t>(x), 2, 0.5); });
    if (s.span.empty()) continue;
    check_option(s.name, s.span, {{0, "at least 1", "0"}, {-3, "at least 1", "-3"}},
                 [&](double x) { s.f(0.1, 1, static_cast<int64_t>(x), 0.5); });
    CHECK(s.f(0.1, 1, 2, 0.5) > 0);
  }
}

TEST_CASE("errors of optimizers name the user's line") {
  const Pair pair, other;
  Sgd sgd(pair, {.lr = 0.1});
  sgd.lr = kNaN;
  const Ema ema(pair, other, 0.5);
  const Empty empty;
  const auto here = [](int line) {
    return "  at tests/optim_misuse_test.cpp:" + std::to_string(line);
  };
  CHECK(last_line([&] { Adam adam(pair, {.lr = -1}); }) == here(__LINE__));
  CHECK(last_line([&] { AdamW adam(pair, {.beta1 = -1}); }) == here(__LINE__));
  CHECK(last_line([&] { RmsProp rms(pair, {.alpha = -1}); }) == here(__LINE__));
  CHECK(last_line([&] { Sgd other_sgd(pair, {.momentum = -1}); }) == here(__LINE__));
  CHECK(last_line([&] { Adam adam(empty); }) == here(__LINE__));
  CHECK(last_line([&] { sgd.step(); }) == here(__LINE__));
  CHECK(last_line([&] { clip_grad_norm(pair, -1); }) == here(__LINE__));
  CHECK(last_line([&] { clip_grad_value(pair.parameters(), -1); }) == here(__LINE__));
  CHECK(last_line([&] { Ema(pair, pair, 0.5); }) == here(__LINE__));
  CHECK(last_line([&] { Ema(pair, other, 2); }) == here(__LINE__));
  CHECK(last_line([&] { step_lr(0.1, -1, 3); }) == here(__LINE__));
  CHECK(last_line([&] { exponential_lr(0.1, 1, kNaN); }) == here(__LINE__));
  CHECK(last_line([&] { cosine_lr(0.1, 1, 0); }) == here(__LINE__));
  CHECK(last_line([&] { linear_lr(0.1, 1, 3, -1); }) == here(__LINE__));
}

// An optimizer changed the numbers that a rule saved. The error names the optimizer's line.
TEST_CASE("a write between forward and backward is an error that names the user's line") {
  const Pair pair, other;
  Tensor p = pair.first;
  const auto blamed = [&](const std::function<void()>& change) {
    const Tensor loss = sum(p * p);
    change();
    try {
      backward(loss, {p});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const Ema ema(other, pair, 0.5);
  pair.first.set_grad(Tensor::ones({2}));
  RmsProp rms(pair, {.momentum = 0.5});
  const std::string file = "tests/optim_misuse_test.cpp:";
  const auto line = [&](int number) { return file + std::to_string(number); };
  CHECK(blamed([&] { ema.update(); }).find(line(__LINE__)) != std::string::npos);
  CHECK(blamed([&] { rms.step(); }).find(line(__LINE__)) != std::string::npos);
  CHECK(blamed([&] { Ema(other, pair, 0.5); }).find(line(__LINE__)) != std::string::npos);
}

}  // namespace forger::nn
