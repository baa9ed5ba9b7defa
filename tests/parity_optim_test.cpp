// Compares optimizers, clipping, schedules and moving averages with PyTorch. Compiled into both
// test programs. fixtures/optimizers.py computes the expected values in float64.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <set>

#include "kernel_sets.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "parity/cases.h"

namespace forger::parity {
namespace {

constexpr int64_t kSteps = 100;

struct Weights : nn::Module {
  explicit Weights(const Group& initial)
      : Module("net"),
        weight(parameter("weight", initial.at("initial.weight").clone())),
        bias(parameter("bias", initial.at("initial.bias").clone())) {}

  /// The gradients that the fixture has for this step; the bias has none before `bias_begins`.
  void set_gradients(const Group& fixture, int64_t step, int64_t bias_begins = 0) const {
    for (const auto& [name, p] : named_parameters()) {
      if (name == "bias" && step < bias_begins) continue;
      const Tensor all = fixture.at("gradients." + name);
      p.set_grad(reshape_to(slice(all, 0, step, step + 1), p.shape()));
    }
  }

  Tensor weight, bias;
};

/// The largest deviation from PyTorch's numbers, relative to the largest of them.
double deviation(const Tensor& ours, const Tensor& theirs) {
  REQUIRE(ours.shape() == theirs.shape());
  double largest = 0, off = 0;
  for (int64_t i = 0; i < ours.numel(); ++i) {
    largest = std::max(largest, std::abs(double{theirs.data()[i]}));
    const double d = std::abs(double{ours.data()[i]} - double{theirs.data()[i]});
    off = d <= off ? off : d;  // not std::max, which would drop a NaN
  }
  return largest > 0 ? off / largest : off;
}

// A step rounds the weights once, and AdamW multiplies them by a factor that was rounded once; the
// same holds for the moments. After t steps that is at most 2 t u. A step's length, rounded in some
// ten operations, is at most a tenth of the weights, and lengths of the past count ten times at
// most through a momentum: 20 u more.
double bound(int64_t t) { return static_cast<double>(2 * t + 20) * kUnit; }

struct Run {
  std::string name;
  std::function<std::unique_ptr<nn::Optimizer>(const nn::Module&)> make;
  std::function<double(int64_t)> lr = {};
  int64_t bias_begins = 0;  // steps during which the bias gets no gradient
};

template <class Optimizer, class Options>
Run run(const std::string& name, Options options) {
  return {name, [=](const nn::Module& m) { return std::make_unique<Optimizer>(m, options); }};
}

std::vector<Run> runs() {
  using Sgd = nn::SgdOptions;
  using Adam = nn::AdamOptions;
  using AdamW = nn::AdamWOptions;
  using Rms = nn::RmsPropOptions;
  std::vector<Run> all = {
      run<nn::Sgd>("Sgd/plain", Sgd{.lr = 0.05}),
      run<nn::Sgd>("Sgd/weight decay", Sgd{.lr = 0.05, .weight_decay = 0.1}),
      run<nn::Sgd>("Sgd/momentum", Sgd{.lr = 0.02, .momentum = 0.9}),
      run<nn::Sgd>("Sgd/momentum, weight decay",
                   Sgd{.lr = 0.02, .momentum = 0.5, .weight_decay = 0.1}),
      run<nn::Sgd>("Sgd/nesterov", Sgd{.lr = 0.02, .momentum = 0.9, .nesterov = true}),
      run<nn::Sgd>("Sgd/nesterov, weight decay",
                   Sgd{.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true}),
      run<nn::Adam>("Adam/default", Adam{}),
      run<nn::Adam>("Adam/of a GAN", Adam{.lr = 2e-4, .beta1 = 0.5}),
      run<nn::Adam>("Adam/without a first moment", Adam{.lr = 1e-2, .beta1 = 0, .beta2 = 0.9}),
      run<nn::Adam>("Adam/weight decay, eps", Adam{.lr = 1e-2, .eps = 1e-3, .weight_decay = 0.1}),
      run<nn::AdamW>("AdamW/default", AdamW{}),
      run<nn::AdamW>("AdamW/weight decay", AdamW{.lr = 1e-2, .weight_decay = 0.2}),
      run<nn::RmsProp>("RmsProp/default", Rms{}),
      run<nn::RmsProp>("RmsProp/alpha, eps", Rms{.lr = 1e-3, .alpha = 0.9, .eps = 1e-3}),
      run<nn::RmsProp>("RmsProp/momentum", Rms{.lr = 1e-3, .momentum = 0.9}),
      run<nn::RmsProp>("RmsProp/momentum, weight decay",
                       Rms{.lr = 1e-3, .weight_decay = 0.1, .momentum = 0.5})};
  Run scheduled = run<nn::Adam>("Adam/under step_lr", Adam{});
  scheduled.lr = [](int64_t t) { return nn::step_lr(1e-3, t, 10, 0.5); };
  all.push_back(scheduled);
  for (Run late : {run<nn::Sgd>("Sgd/weight decay", Sgd{.lr = 0.05, .weight_decay = 0.1}),
                   run<nn::Sgd>("Sgd/momentum", Sgd{.lr = 0.02, .momentum = 0.9}),
                   run<nn::Sgd>("Sgd/nesterov", Sgd{.lr = 0.02, .momentum = 0.9, .nesterov = true}),
                   run<nn::Adam>("Adam/default", Adam{}),
                   run<nn::Adam>("Adam/of a GAN", Adam{.lr = 2e-4, .beta1 = 0.5}),
                   run<nn::AdamW>("AdamW/default", AdamW{}),
                   run<nn::RmsProp>("RmsProp/momentum", Rms{.lr = 1e-3, .momentum = 0.9})}) {
    late.name += ", late bias";
    late.bias_begins = kSteps / 2;
    all.push_back(late);
  }
  return all;
}

struct Schedule {
  std::string name;
  std::function<double(int64_t)> lr;
};

std::vector<Schedule> schedules() {
  return {
      {"step_lr/7, 0.5", [](int64_t t) { return nn::step_lr(0.5, t, 7, 0.5); }},
      {"step_lr/1, 0.1", [](int64_t t) { return nn::step_lr(0.5, t, 1); }},
      {"exponential_lr/0.9", [](int64_t t) { return nn::exponential_lr(0.5, t, 0.9); }},
      {"cosine_lr/30", [](int64_t t) { return nn::cosine_lr(0.5, t, 30); }},
      {"cosine_lr/30 to 0.1", [](int64_t t) { return nn::cosine_lr(0.5, t, 30, 0.1); }},
      {"linear_lr/20, 0.25 to 1", [](int64_t t) { return nn::linear_lr(0.5, t, 20, 0.25); }},
      {"linear_lr/20, 1 to 0", [](int64_t t) { return nn::linear_lr(0.5, t, 20, 1, 0); }},
  };
}

const std::vector<double> kLimits = {0.25, 1, 3, 100};  // the last is above every norm
const std::vector<double> kDecays = {0, 0.9, 0.999, 1};

}  // namespace

TEST_CASE("optimizers: the fixture's cases and the test's cases are the same") {
  std::set<std::string> ours = {""}, theirs;
  for (const Run& r : runs()) ours.insert(r.name);
  for (const Schedule& s : schedules()) ours.insert(s.name);
  for (double limit : kLimits) {
    ours.insert("clip_grad_norm/" + nn::short_number(limit));
    ours.insert("clip_grad_value/" + nn::short_number(limit));
  }
  for (double decay : kDecays) ours.insert("ema/" + nn::short_number(decay));
  for (const auto& [name, group] : read_fixture("optimizers.safetensors")) theirs.insert(name);
  CHECK(ours == theirs);
}

TEST_CASE("optimizers: a hundred steps match PyTorch's parameters and state") {
  const std::map<std::string, Group> fixture = read_fixture("optimizers.safetensors");
  on_every_kernel_set([&] {
    double largest = 0;
    std::string where;
    for (const Run& r : runs()) {
      CAPTURE(r.name);
      const Group& theirs = fixture.at(r.name);
      const Weights net(fixture.at(""));
      const std::unique_ptr<nn::Optimizer> optimizer = r.make(net);
      size_t compared = 0;
      const auto check = [&](const std::string& key, const Tensor& ours, int64_t t) {
        CAPTURE(key);
        REQUIRE(theirs.contains(key));
        const double off = deviation(ours, theirs.at(key));
        CHECK(off <= bound(t));
        ++compared;
        if (off <= largest) return;
        largest = off;
        where = r.name + ", " + key;
      };
      for (int64_t t = 1; t <= kSteps; ++t) {
        if (r.lr) optimizer->lr = r.lr(t - 1);
        net.set_gradients(fixture.at(""), t - 1, r.bias_begins);
        optimizer->step();
        for (const auto& [name, p] : net.named_parameters()) {
          const std::string key = name + " after " + std::to_string(t);
          if (theirs.contains(key)) check(key, p, t);
        }
      }
      for (const auto& [name, tensor] : optimizer->state()) {
        check("state." + name, tensor, kSteps);
      }
      CHECK(compared == theirs.size());
    }
    MESSAGE("largest deviation ", largest / kUnit, " u, ", where);
  });
}

TEST_CASE("optimizers: clipped gradients match PyTorch up to its 1e-6 in the norm") {
  const std::map<std::string, Group> fixture = read_fixture("optimizers.safetensors");
  for (double limit : kLimits) {
    CAPTURE(limit);
    const Weights net(fixture.at(""));
    net.set_gradients(fixture.at(""), 0);
    const Group& by_norm = fixture.at("clip_grad_norm/" + nn::short_number(limit));
    const double norm = nn::clip_grad_norm(net.parameters(), limit);
    CHECK(std::abs(norm - double{by_norm.at("norm").item()}) <= 4 * kUnit * norm);
    // PyTorch multiplies by max_norm / (norm + 1e-6), so that the new norm is a little below.
    const auto factor = static_cast<Scalar>(limit < norm ? norm / (norm + 1e-6) : 1);
    for (const auto& [name, p] : net.named_parameters()) {
      CHECK(deviation(p.grad() * double{factor}, by_norm.at(name)) <= 6 * kUnit);
    }
    net.set_gradients(fixture.at(""), 0);
    const Group& by_value = fixture.at("clip_grad_value/" + nn::short_number(limit));
    nn::clip_grad_value(net.parameters(), limit);
    for (const auto& [name, p] : net.named_parameters()) {
      CHECK(deviation(p.grad(), by_value.at(name)) == 0);
    }
  }
}

TEST_CASE("schedules: learning rates match PyTorch") {
  const std::map<std::string, Group> fixture = read_fixture("optimizers.safetensors");
  for (const Schedule& s : schedules()) {
    const Tensor theirs = fixture.at(s.name).at("lr");
    for (int64_t t = 0; t < theirs.numel(); ++t) {
      CAPTURE(s.name);
      CAPTURE(t);
      const double expected = theirs.data()[t];
      // PyTorch computes each rate from the one before: a rounding error or two per step, relative
      // to the first rate. The fixture's float is another one.
      const double allowed = static_cast<double>(4 * t + 4) * 0x1p-53 * 0.5 +
                             (sizeof(Scalar) == 4 ? kUnit * expected : 0);
      CHECK(std::abs(s.lr(t) - expected) <= allowed);
    }
  }
}

TEST_CASE("Ema matches its formula") {
  const std::map<std::string, Group> fixture = read_fixture("optimizers.safetensors");
  for (double decay : kDecays) {
    CAPTURE(decay);
    const Weights source(fixture.at("")), copy(fixture.at(""));
    const nn::Ema ema(source, copy, decay);
    const Tensor moves = fixture.at("").at("gradients.weight");  // any numbers will do
    const int64_t count = source.weight.numel();
    for (int64_t t = 0; t < kSteps; ++t) {
      std::copy_n(moves.data() + t * count, count, source.weight.mutable_data());
      ema.update();
    }
    const Tensor expected = fixture.at("ema/" + nn::short_number(decay)).at("weight");
    // Three roundings a step, of numbers of up to 2, that are forgotten with the weights.
    CHECK(deviation(copy.weight, expected) <= bound(kSteps));
  }
}

}  // namespace forger::parity
