// Tests ops that select elements: an element that is not selected gets gradient 0, also from an
// infinite cotangent, where a product with 0 would be NaN.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"

namespace forger {
namespace {

constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();

struct Choice {
  const char* op;
  std::vector<Scalar> x;     // where the slope of f is 0
  std::vector<size_t> none;  // indices that get no gradient; empty for all
  std::function<Tensor(const Tensor&)> f;
};

std::vector<Choice> choices() {
  return {
      {"clamp", {-1, 2}, {}, [](const Tensor& x) { return clamp(x, 0, 1); }},
      {"maximum, left", {-1, -2}, {}, [](const Tensor& x) { return maximum(x, 0); }},
      {"maximum, right", {-1, -2}, {}, [](const Tensor& x) { return maximum(0, x); }},
      {"minimum, left", {1, 2}, {}, [](const Tensor& x) { return minimum(x, 0); }},
      {"minimum, right", {1, 2}, {}, [](const Tensor& x) { return minimum(0, x); }},
      {"max", {1, 2, 2}, {0}, [](const Tensor& x) { return max(x); }},
      {"min", {2, 1, 1}, {0}, [](const Tensor& x) { return min(x); }},
      {"abs", {0}, {}, [](const Tensor& x) { return abs(x); }},
      {"l1", {3}, {}, [](const Tensor& x) { return l1(x, Tensor::full({1}, 3)); }},
      {"sqrt", {0}, {}, [](const Tensor& x) { return sqrt(x); }},
      {"relu", {-1}, {}, [](const Tensor& x) { return relu(x); }},
      {"leaky_relu", {-1}, {}, [](const Tensor& x) { return leaky_relu(x, 0); }},
      {"elu", {-1, 0}, {}, [](const Tensor& x) { return elu(x, 0); }},
      {"hinge", {2}, {}, [](const Tensor& x) { return hinge(x, 1); }},
      {"pow, base", {2, 0}, {}, [](const Tensor& x) { return pow(x, 0); }},
      {"pow, subnormal base",
       {Scalar(1e-39), Scalar(-1e-39)},
       {},
       [](const Tensor& x) { return pow(x, 0); }},
      {"pow, exponent", {2, 1}, {}, [](const Tensor& x) { return pow(-1, x); }},
      {"where", {1, 2}, {}, [](const Tensor& x) { return where(Tensor::zeros({2}), x, 1); }},
      {"max_pool2d",
       {1, 2, 0, 1},
       {0, 2, 3},
       [](const Tensor& x) {
         return max_pool2d(reshape(x, {1, 1, 2, 2}), {.kernel = 2});
       }},
      {"gather",
       {1, 2},
       {0},
       [](const Tensor& x) {
         return gather(x, 0, {{1}, {1}});
       }},
  };
}

std::vector<size_t> places(const Choice& choice) {
  if (!choice.none.empty()) return choice.none;
  std::vector<size_t> all;
  for (size_t i = 0; i < choice.x.size(); ++i) all.push_back(i);
  return all;
}

Tensor leaf(const std::vector<Scalar>& values) {
  return Tensor::from({static_cast<int64_t>(values.size())}, values).set_requires_grad();
}

}  // namespace

TEST_CASE("an element that an op did not select gets gradient 0 from an infinite cotangent") {
  for (const Choice& choice : choices()) {
    CAPTURE(std::string(choice.op));
    const Tensor x = leaf(choice.x), y = choice.f(x);
    const Tensor dx = grad({y}, {x}, {Tensor::full(y.shape(), kInfinity)})[0];
    for (size_t i : places(choice)) CHECK(dx.data()[i] == 0);
  }
}

TEST_CASE("an element that an op did not select has second derivative 0") {
  for (const Choice& choice : choices()) {
    CAPTURE(std::string(choice.op));
    const Tensor x = leaf(choice.x), y = choice.f(x);
    const Tensor g = Tensor::full(y.shape(), kInfinity).set_requires_grad();
    const Tensor dx = grad({y}, {x}, {g}, {.create_graph = true})[0];
    for (size_t i : places(choice)) {
      CAPTURE(i);
      CHECK(dx.data()[i] == 0);
      if (!dx.requires_grad()) continue;
      const Tensor one = slice(dx, 0, static_cast<int64_t>(i), static_cast<int64_t>(i) + 1);
      const std::vector<Tensor> second =
          grad({one}, {g, x}, {}, {.retain_graph = true, .allow_unused = true});
      // The gradient at i depends neither on g nor on x at i.
      if (second[0].defined()) CHECK(sum(second[0]).item() == 0);
      if (second[1].defined()) CHECK(second[1].data()[i] == 0);
    }
  }
}

TEST_CASE("the gradient of a function with a pole is 0 where a clamp keeps x away from it") {
  const auto slope = [](const std::function<Tensor(const Tensor&)>& f) {
    const Tensor x = leaf({-1});
    const Tensor dx = grad({f(x)}, {x}, {}, {.create_graph = true})[0];
    CHECK(grad({dx}, {x})[0].item() == 0);
    return dx.item();
  };
  CHECK(slope([](const Tensor& x) { return 1 / clamp(x, 0, 1); }) == 0);
  CHECK(slope([](const Tensor& x) { return log(clamp(x, 0, 1)); }) == 0);
  CHECK(slope([](const Tensor& x) { return rsqrt(maximum(x, 0)); }) == 0);
  CHECK(slope([](const Tensor& x) { return log(-minimum(-x, 0)); }) == 0);
}

TEST_CASE("dropout gives 0 for a dropped element, also for an infinite one") {
  Random random(3);
  const Tensor x = Tensor::full({64}, kInfinity).set_requires_grad();
  const Tensor y = dropout(x, 0.5, random);
  const Tensor dx = grad({y}, {x}, {Tensor::full({64}, kInfinity)})[0];
  int dropped = 0;
  for (int64_t i = 0; i < 64; ++i) {
    CHECK((y.data()[i] == 0 || y.data()[i] == kInfinity));
    CHECK(dx.data()[i] == y.data()[i]);
    dropped += y.data()[i] == 0;
  }
  CHECK(dropped > 16);
  CHECK(dropped < 48);
}

TEST_CASE("smooth_l1 has slope 1 or -1 at an infinite difference") {
  const Tensor a = leaf({kInfinity, -kInfinity});
  const Tensor y = smooth_l1(a, Tensor::zeros({2}), 1, Reduction::kSum);
  CHECK(grad({y}, {a})[0].to_vector() == std::vector<Scalar>{1, -1});
}

TEST_CASE("pow with exponent 0 has gradient 0 at every base") {
  for (Scalar base : {Scalar(0), std::numeric_limits<Scalar>::denorm_min(),
                      std::numeric_limits<Scalar>::min() / 4, std::numeric_limits<Scalar>::min(),
                      std::numeric_limits<Scalar>::max(), kInfinity}) {
    CAPTURE(base);
    const Tensor a = leaf({base, -base});
    CHECK(grad({sum(pow(a, 0))}, {a})[0].to_vector() == std::vector<Scalar>{0, 0});
  }
}

TEST_CASE("an infinite logit whose target it meets has loss 0 and gradient 0") {
  const Tensor x = leaf({kInfinity, -kInfinity}), t = Tensor::from({2}, {1, 0});
  const Tensor y = bce_with_logits(x, t, Reduction::kNone);
  CHECK(y.to_vector() == std::vector<Scalar>{0, 0});
  CHECK(grad({sum(y)}, {x})[0].to_vector() == std::vector<Scalar>{0, 0});
  const Tensor wrong = bce_with_logits(x, 1 - t, Reduction::kNone);
  CHECK(wrong.to_vector() == std::vector<Scalar>{kInfinity, kInfinity});
  CHECK(grad({sum(wrong)}, {x})[0].to_vector() == std::vector<Scalar>{1, -1});
}

TEST_CASE("a logit of -inf has probability 0 in softmax_cross_entropy") {
  const Tensor x = Tensor::from({1, 3}, {-kInfinity, 0, 0}).set_requires_grad();
  const Tensor y = softmax_cross_entropy(x, {1}, Reduction::kSum);
  CHECK(y.item() == doctest::Approx(std::log(2.0)));
  CHECK(grad({y}, {x})[0].to_vector() == std::vector<Scalar>{0, -0.5, 0.5});
}

TEST_CASE("logsumexp of -inf alone has gradient 0") {
  const Tensor x = leaf({-kInfinity, -kInfinity});
  const Tensor y = logsumexp(x, {0});
  CHECK(y.item() == -kInfinity);
  CHECK(grad({y}, {x})[0].to_vector() == std::vector<Scalar>{0, 0});
}

TEST_CASE("the mixed second derivative of pow at exponent 0 is 1/a") {
  const Tensor a = leaf({4}), b = leaf({0});
  const Tensor da = grad({pow(a, b)}, {a}, {}, {.create_graph = true})[0];
  CHECK(da.item() == 0);
  CHECK(grad({da}, {b})[0].item() == 0.25);  // d(b a^(b-1))/db = 1/a
}

}  // namespace forger
