// Tests that check_nan reports a NaN in the forward or backward pass of any op.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "autograd/debug/check_nan.h"
#include "autograd/engine.h"
#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "registry.h"

namespace forger {
namespace {

bool has_nan(const Tensor& x) {
  return std::any_of(x.data(), x.data() + x.numel(), [](Scalar v) { return std::isnan(v); });
}

template <class F>
bool caught(const F& f) {
  set_check_nan(true);
  std::string message;
  try {
    f();
  } catch (const Error& error) {
    message = error.what();
  }
  set_check_nan(false);
  return message.find(": made a number that is not finite") != std::string::npos;
}

}  // namespace

TEST_CASE("check_nan reports every op whose result has a NaN from its input") {
  std::map<std::string, int> caught_of;
  for (const OpCase& c : all_op_cases()) {
    CAPTURE(c.op);
    CAPTURE(c.sample);
    caught_of[c.op] += 0;
    const std::vector<Tensor> inputs = make_inputs(c, 7);
    for (const Tensor& x : inputs) {
      if (x.numel() == 0) continue;
      x.mutable_data()[0] = std::numeric_limits<Scalar>::quiet_NaN();
    }
    const Tensor y = c.f(inputs);
    // The op did not look at it, or handed its input back, as dropout with p = 0 does.
    if (!has_nan(y) || y.node() == inputs[0].node()) continue;
    CHECK(caught([&] { c.f(inputs); }));
    ++caught_of[c.op];
  }
  for (const auto& [name, times] : caught_of) {
    const std::string op = name;
    CAPTURE(op);
    CHECK(times > 0);
  }
}

TEST_CASE("check_nan reports every rule whose cotangent has a NaN") {
  std::map<std::string, int> caught_of;
  for (const OpCase& c : all_op_cases()) {
    CAPTURE(c.op);
    CAPTURE(c.sample);
    caught_of[c.op] += 0;
    const std::vector<Tensor> inputs = make_inputs(c, 7);
    const Tensor y = c.f(inputs);
    if (y.numel() == 0 || !y.requires_grad() || y.node() == inputs[0].node()) continue;
    const Tensor v = Random(1).normal(y.shape());
    std::fill_n(v.mutable_data(), v.numel(), std::numeric_limits<Scalar>::quiet_NaN());
    const auto pass = [&] {
      return grad({y}, inputs, {v}, {.retain_graph = true, .allow_unused = true});
    };
    const std::vector<Tensor> gradients = pass();
    if (std::none_of(gradients.begin(), gradients.end(),
                     [](const Tensor& g) { return g.defined() && has_nan(g); })) {
      continue;
    }
    CHECK(caught(pass));
    ++caught_of[c.op];
  }
  for (const auto& [name, times] : caught_of) {
    const std::string op = name;
    CAPTURE(op);
    CHECK(times > 0);
  }
}

}  // namespace forger
