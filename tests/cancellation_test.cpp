// Tests functions whose textbook formula subtracts nearly equal numbers. Values and gradients
// are compared with exact ones, computed in long double, over many powers of two.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/ops/unary.h"
#include "autograd/random.h"

namespace forger {
namespace {

using Exact = long double;

constexpr Exact kRounding = std::numeric_limits<Scalar>::epsilon() / Exact{2};

Exact sigmoid_of(Exact x) { return 1 / (1 + std::exp(-x)); }
Exact softplus_of(Exact x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
Exact phi_of(Exact x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Exact>); }
Exact normal_of(Exact x) { return std::erfc(-x / std::numbers::sqrt2_v<Exact>) / 2; }

/// An elementwise function of one variable with the roundings that it may have. They are relative
/// to the exact value, or to the terms that the gradient's formula adds.
struct Function {
  const char* name;
  double low, high;
  std::function<Tensor(const Tensor&)> f;
  std::function<Exact(Exact)> value, slope;
  std::function<Exact(Exact)> value_roundings, slope_bound;
};

/// +-2^k/4 for all quarters k with low <= x <= high and |x| >= 2^-30.
std::vector<Scalar> points(double low, double high) {
  std::vector<Scalar> xs;
  for (double exponent = -30; exponent < 7; exponent += 0.25) {
    for (double sign : {-1.0, 1.0}) {
      const double x = sign * std::exp2(exponent);
      if (x >= low && x <= high) xs.push_back(static_cast<Scalar>(x));
    }
  }
  return xs;
}

Tensor full_like(const Tensor& x, double value) {
  return Tensor::full(x.shape(), static_cast<Scalar>(value));
}

/// Two logits per sample: x and 0.
Tensor beside_zero(const Tensor& x) { return stack({x, Tensor::zeros(x.shape())}, 1); }

std::vector<int> labels(const Tensor& x, int label) {
  return std::vector<int>(static_cast<size_t>(x.numel()), label);
}

/// The factor by which erfc(z) amplifies a relative error of z = -x / sqrt(2).
Exact erfc_condition(Exact x) { return std::abs(x) * phi_of(x) / normal_of(x); }

std::vector<Function> functions() {
  const Reduction none = Reduction::kNone;
  const auto roundings = [](int n) { return [n](Exact) { return Exact(n); }; };
  // Roundings: a kernel at most 2, each product, sum and difference 1.
  return {
      {"expm2", -80, 80, [](const Tensor& x) { return expm2(x); },
       [](Exact x) {
         return std::abs(x) < 0.1
                    ? x * x / 2 *
                          (1 +
                           x / 3 *
                               (1 +
                                x / 4 *
                                    (1 +
                                     x / 5 *
                                         (1 +
                                          x / 6 *
                                              (1 +
                                               x / 7 *
                                                   (1 +
                                                    x / 8 *
                                                        (1 +
                                                         x / 9 * (1 + x / 10 * (1 + x / 11)))))))))
                    : std::expm1(x) - x;
       },
       [](Exact x) { return std::expm1(x); }, roundings(2),
       [](Exact x) { return 3 * std::abs(std::expm1(x)); }},
      {"expm1", -80, 80, [](const Tensor& x) { return expm1(x); },
       [](Exact x) { return std::expm1(x); }, [](Exact x) { return std::exp(x); }, roundings(2),
       [](Exact x) { return 3 * std::exp(x); }},
      {"elu", -80, 80, [](const Tensor& x) { return elu(x); },
       [](Exact x) { return x > 0 ? x : std::expm1(x); },
       [](Exact x) { return x > 0 ? 1 : std::exp(x); }, roundings(2),
       [](Exact x) { return x > 0 ? 0 : 4 * std::exp(x); }},
      {"gelu", -12, 12, [](const Tensor& x) { return gelu(x); },
       [](Exact x) { return x * normal_of(x); },
       [](Exact x) { return normal_of(x) + x * phi_of(x); },
       // The argument x / sqrt(2) has two roundings, erfc two, the products two.
       [](Exact x) { return 4 + 2 * erfc_condition(x); },
       // x phi(x) by exp(-z^2), whose argument has five: they grow by z^2 = x^2 / 2.
       [](Exact x) {
         return (6 + 2 * erfc_condition(x)) * normal_of(x) +
                (8 + 2.5L * x * x) * std::abs(x) * phi_of(x);
       }},
      {"bce_with_logits, t = 1", -80, 80,
       [=](const Tensor& x) { return bce_with_logits(x, full_like(x, 1), none); },
       [](Exact x) { return softplus_of(-x); }, [](Exact x) { return -sigmoid_of(-x); },
       roundings(5), [](Exact x) { return 5 * sigmoid_of(-x); }},
      {"bce_with_logits, t = 0", -80, 80,
       [=](const Tensor& x) { return bce_with_logits(x, full_like(x, 0), none); },
       [](Exact x) { return softplus_of(x); }, [](Exact x) { return sigmoid_of(x); }, roundings(5),
       [](Exact x) { return 5 * sigmoid_of(x); }},
      {"bce_with_logits, t = 3/4", -80, 80,
       [=](const Tensor& x) { return bce_with_logits(x, 0.75, none); },
       [](Exact x) { return softplus_of(x) / 4 + softplus_of(-x) * 3 / 4; },
       [](Exact x) { return sigmoid_of(x) / 4 - sigmoid_of(-x) * 3 / 4; }, roundings(5),
       [](Exact x) { return 5 * (sigmoid_of(x) / 4 + sigmoid_of(-x) * 3 / 4); }},
      {"bce_with_logits by its target", 0, 1,
       [=](const Tensor& t) { return bce_with_logits(full_like(t, 0.125), t, none); },
       [](Exact t) { return (1 - t) * softplus_of(0.125) + t * softplus_of(-0.125L); },
       [](Exact) { return -0.125L; }, roundings(5), [](Exact) { return 0; }},
      {"softmax_cross_entropy, right", -80, 80,
       [=](const Tensor& x) { return softmax_cross_entropy(beside_zero(x), labels(x, 0), none); },
       [](Exact x) { return softplus_of(-x); }, [](Exact x) { return -sigmoid_of(-x); },
       roundings(2), [](Exact x) { return 4 * sigmoid_of(-x); }},
      {"softmax_cross_entropy, wrong", -80, 80,
       [=](const Tensor& x) { return softmax_cross_entropy(beside_zero(x), labels(x, 1), none); },
       [](Exact x) { return softplus_of(x); }, [](Exact x) { return sigmoid_of(x); }, roundings(2),
       [](Exact x) { return 4 * sigmoid_of(x); }},
      {"log_softmax, one of two", -80, 80,
       [=](const Tensor& x) { return select(log_softmax(beside_zero(x)), 1, 0); },
       [](Exact x) { return -softplus_of(-x); }, [](Exact x) { return sigmoid_of(-x); },
       // log1p amplifies no error; for x < 0 the sum x - log1p(e^x) adds one. e^-x of the rule
       // amplifies the error of its argument by |x|.
       roundings(5), [](Exact x) { return (6 + 2 * std::abs(x)) * sigmoid_of(-x); }},
      {"log_softmax, the other", -80, 80,
       [=](const Tensor& x) { return select(log_softmax(beside_zero(x)), 1, 1); },
       [](Exact x) { return -softplus_of(x); }, [](Exact x) { return -sigmoid_of(x); },
       roundings(5), [](Exact x) { return (6 + 2 * std::abs(x)) * sigmoid_of(x); }},
      {"kl_gaussian by log_var1", -80, 80,
       [=](const Tensor& x) {
         const Tensor zero = full_like(x, 0);
         return kl_gaussian(zero, x, zero, zero, none);
       },
       [](Exact x) {
         return std::abs(x) < 1e-3L ? x * x / 4 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))
                                    : (std::expm1(x) - x) / 2;
       },
       [](Exact x) { return std::expm1(x) / 2; }, roundings(5),
       [](Exact x) { return 4 * std::abs(std::expm1(x) / 2); }},
      {"kl_gaussian by log_var2", -80, 80,
       [=](const Tensor& x) {
         const Tensor zero = full_like(x, 0);
         return kl_gaussian(zero, zero, zero, x, none);
       },
       [](Exact x) {
         return std::abs(x) < 1e-3L ? x * x / 4 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5)))
                                    : (std::expm1(-x) + x) / 2;
       },
       [](Exact x) { return -std::expm1(-x) / 2; }, roundings(5),
       [](Exact x) { return 4 * std::abs(std::expm1(-x) / 2); }},
  };
}

}  // namespace

TEST_CASE("values and gradients are accurate where the textbook formula cancels") {
  for (const Function& function : functions()) {
    CAPTURE(std::string(function.name));
    const std::vector<Scalar> at = points(function.low, function.high);
    const Tensor x = Tensor::from({static_cast<int64_t>(at.size())}, at).set_requires_grad();
    const Tensor y = function.f(x);
    const Tensor dx = grad({y}, {x}, {Tensor::ones(y.shape())})[0];
    for (size_t i = 0; i < at.size(); ++i) {
      CAPTURE(at[i]);
      const Exact value = function.value(at[i]), slope = function.slope(at[i]);
      const Exact smallest = std::numeric_limits<Scalar>::min();  // below it digits are lost
      const Exact value_bound = function.value_roundings(at[i]) * std::abs(value);
      const Exact slope_bound = function.slope_bound(at[i]);
      CHECK(std::abs(y.data()[i] - value) <= kRounding * value_bound + kRounding * smallest);
      CHECK(std::abs(dx.data()[i] - slope) <= kRounding * slope_bound + kRounding * smallest);
    }
  }
}

TEST_CASE("kl_gaussian of nearly equal distributions is positive and accurate") {
  const Tensor log_var = Random(5).normal({64, 128}, 0, 2e-4), zero = Tensor::zeros({64, 128});
  const Tensor each = kl_gaussian(zero, log_var, zero, zero, Reduction::kNone);
  Exact exact = 0;
  for (int64_t i = 0; i < each.numel(); ++i) {
    const Exact r = log_var.data()[i];
    exact += r * r / 4 + r * r * r / 12 + r * r * r * r / 48;
    CHECK((each.data()[i] > 0 || r == 0));
  }
  // Five roundings each; the sum's error grows at most by one rounding for each level of its tree.
  const Tensor total = kl_gaussian(zero, log_var, zero, zero, Reduction::kSum);
  CHECK(std::abs(total.item() - exact) <= 32 * kRounding * exact);
}

TEST_CASE("var is accurate for close numbers far from 0") {
  // 1000 and three of its neighbours, whose mean is not a float.
  const Scalar step = std::nextafter(Scalar{1000}, Scalar{2000}) - 1000;
  const Tensor x = Tensor::from({4}, {1000, 1000 + step, 1000 + step, 1000 + 3 * step});
  const Exact s = step, exact = s * s * (Exact{1.5625} + 2 * 0.0625L + 3.0625L) / 3;
  CHECK(std::abs(var(x).item() - exact) <= 8 * kRounding * exact);
}

}  // namespace forger
