// The check that stops in the op or rule which made the first NaN or infinity.
#include "autograd/debug/check_nan.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "message.h"

namespace forger {
namespace {

struct CheckOn {
  CheckOn() { set_check_nan(true); }
  ~CheckOn() { set_check_nan(false); }
};

}  // namespace

TEST_CASE("an op that makes an infinity is named, with its inputs") {
  const Tensor x = Tensor::from({2, 2}, {1, 2, 3, 200});
  CHECK(std::isinf(exp(x).at({1, 1})));  // off: it passes
  const CheckOn on;
  CHECK(message_of([&] { return exp(x); }) ==
        "exp: made a number that is not finite\n"
        "  result   [2, 2], 1 of 4 not finite, the first inf at {1, 1}\n"
        "  input 0  [2, 2], all finite, from 1 to 200");
  CHECK(exp(Tensor::ones({3})).at({0}) > 2);
}

TEST_CASE("a NaN that came from outside is told from one that was made") {
  const CheckOn on;
  const Tensor x = Tensor::from({2}, {1, std::numeric_limits<Scalar>::quiet_NaN()});
  CHECK(message_of([&] { return neg(x); }) ==
        "neg: made a number that is not finite\n"
        "  result   [2], 1 of 2 not finite, the first -nan at {1}\n"
        "  input 0  [2], 1 of 2 not finite, the first nan at {1}");
}

TEST_CASE("a rule that makes an infinity is named by the node it differentiates") {
  const CheckOn on;
  const Tensor x = Tensor::from({1}, {std::numeric_limits<Scalar>::denorm_min()});
  const Tensor leaf = x.clone().set_requires_grad();
  const Tensor y = log(leaf);
  const int line = __LINE__ - 1;
  const std::string text = message_of([&] { (void)grad({y}, {leaf}, {Tensor::ones({1})}); });
  CAPTURE(text);
  CHECK(
      text.starts_with("div: made a number that is not finite\n  result   [1], 1 of 1 not finite"));
  CHECK(text.find("\n  in the rule of #" + std::to_string(y.node()->id) +
                  " log, tests/check_nan_test.cpp:" + std::to_string(line)) != std::string::npos);
}

TEST_CASE("the check passes every loss of finite numbers and its gradients") {
  const CheckOn on;
  const Tensor x = Tensor::from({2, 3}, {1, 2, 3, 4, 5, 600}).set_requires_grad();
  const Tensor t = Tensor::from({2, 3}, {0, 1, 0.25, 1, 0, 1});
  const std::vector<Tensor> losses = {
      bce_with_logits(x, t),
      bce_with_logits(x, 0),
      bce_with_logits(x, 0.5),
      softmax_cross_entropy(x, {0, 2}),
      softmax_cross_entropy(slice(x, 1, 0, 1), {0, 0}),
      mse(x, t),
      l1(x, t),
      smooth_l1(x, t),
      hinge(x, 1),
      kl_gaussian(x, t, t, t),
      sum(log_softmax(x)),
      sum(logsumexp(x, {1})),
      sum(softmax(x)),
  };
  for (const Tensor& loss : losses) {
    CAPTURE(loss.str());
    const Tensor dx = grad({loss}, {x}, {}, {.create_graph = true})[0];
    if (dx.requires_grad()) (void)grad({sum(dx * dx)}, {x}, {}, {.allow_unused = true});
  }
}

}  // namespace forger
