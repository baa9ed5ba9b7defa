// Tests changes of a tensor between an op and its backward pass: they give the right gradient or
// an error, never a wrong number.
#include <doctest/doctest.h>

#include <cstring>

#include "autograd/engine.h"
#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "registry.h"

namespace forger {
namespace {

std::vector<Tensor> gradients_of(const Tensor& y, const std::vector<Tensor>& inputs) {
  return grad({y}, inputs, {Random(1).normal(y.shape())}, {.allow_unused = true});
}

bool same(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return std::memcmp(a.data(), b.data(), static_cast<size_t>(a.numel()) * sizeof(Scalar)) == 0;
}

void add_one(const Tensor& x) {
  Scalar* data = x.mutable_data();
  for (int64_t i = 0; i < x.numel(); ++i) data[i] += 1;
}

/// Runs the case, changes what `change` picks, and goes back. Returns whether that was refused.
template <class Change>
bool refused_or_right(const OpCase& c, const std::vector<Tensor>& expected, const Change& change) {
  const std::vector<Tensor> inputs = make_inputs(c, 7);
  const Tensor y = c.f(inputs);
  change(inputs, y);
  try {
    const std::vector<Tensor> found = gradients_of(y, inputs);
    for (size_t i = 0; i < found.size(); ++i) CHECK(same(found[i], expected[i]));
    return false;
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.find(": a tensor that the gradient needs was changed after it was used\n") !=
          std::string::npos);
    CHECK(text.find("\n  used by  #") != std::string::npos);
    CHECK(text.find("\n  changed  at tests/f64/in_place_test.cpp:") != std::string::npos);
    return true;
  }
}

}  // namespace

TEST_CASE("changing a tensor before backward gives the right gradient or an error, for every op") {
  int refused = 0, right = 0;
  for (const OpCase& c : all_op_cases()) {
    CAPTURE(c.op);
    CAPTURE(c.sample);
    const std::vector<Tensor> inputs = make_inputs(c, 7);
    const Tensor y = c.f(inputs);
    if (!y.requires_grad()) continue;
    const std::vector<Tensor> expected = gradients_of(y, inputs);
    using Inputs = const std::vector<Tensor>&;
    const auto count = [&](bool was_refused) { ++(was_refused ? refused : right); };
    for (size_t k = 0; k < inputs.size(); ++k) {
      count(refused_or_right(c, expected, [k](Inputs in, const Tensor&) { add_one(in[k]); }));
      count(refused_or_right(c, expected, [k](Inputs in, const Tensor&) {
        add_one(reshape(in[k], {-1}));  // another handle to the same numbers
      }));
      count(refused_or_right(c, expected,
                             [k](Inputs in, const Tensor&) { add_one(in[k].detach()); }));
    }
    count(refused_or_right(c, expected, [](Inputs, const Tensor& out) { add_one(out); }));
  }
  MESSAGE("changes refused: " << refused << ", without influence: " << right);
  CHECK(refused > 500);
  CHECK(right > 500);
}

}  // namespace forger
