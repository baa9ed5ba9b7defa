// Tests points at which a careless derivative divides by zero or overflows. If a function has no
// derivative there, the subgradient is the one that ops.h documents.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "autograd/engine.h"
#include "autograd/ops.h"

namespace forger {
namespace {

struct BadPoint {
  std::string name;
  std::function<Tensor(const Tensor&)> f;
  Tensor x;
  std::vector<Scalar> expected;  // gradient of sum(f(x)); if empty, any finite gradient passes
};

Tensor row(const std::vector<Scalar>& values) {
  return Tensor::from({1, static_cast<int64_t>(values.size())}, values);
}

Tensor zeros_of(const Tensor& x) { return Tensor::zeros(x.shape()); }

Tensor norm(const Tensor& x) { return sqrt(sum(x * x)); }

std::vector<BadPoint> bad_points() {
  const Scalar big = 1e4F;
  const Tensor far = row({-big, 0, big}), zeros = row({0, 0, 0}), same = row({2, 2, 2});
  const Tensor image = Tensor::full({2, 2, 3, 3}, 7), ones = Tensor::ones({2}),
               none = Tensor::zeros({2});
  return {
      {"norm at 0", norm, zeros, {0, 0, 0}},
      {"norm of rows at 0", [](auto& x) { return sqrt(sum(x * x, {1})); }, zeros, {0, 0, 0}},
      {"sqrt at 0", [](auto& x) { return sqrt(x); }, row({0, 4}), {0, 0.25}},
      {"sqrt of a constant's variance", [](auto& x) { return sqrt(var(x)); }, same, {0, 0, 0}},
      {"abs at 0", [](auto& x) { return abs(x); }, row({-1, 0, 1}), {-1, 0, 1}},
      {"relu at 0", [](auto& x) { return relu(x); }, row({-1, 0, 1}), {0, 0, 1}},
      {"leaky_relu at 0", [](auto& x) { return leaky_relu(x, 0.5); }, row({0, 1}), {0.5, 1}},
      {"elu at 0 and far below", [](auto& x) { return elu(x); }, row({-big, 0}), {0, 1}},
      {"gelu far out", [](auto& x) { return gelu(x); }, far, {0, 0.5, 1}},
      {"silu far out", [](auto& x) { return silu(x); }, far, {0, 0.5, 1}},
      {"sigmoid far out", [](auto& x) { return sigmoid(x); }, far, {0, 0.25, 0}},
      {"tanh far out", [](auto& x) { return tanh(x); }, far, {0, 1, 0}},
      {"softplus far out", [](auto& x) { return softplus(x); }, far, {0, 0.5, 1}},
      {"bce far out, real",
       [](auto& x) { return bce_with_logits(x, 1, Reduction::kSum); },
       far,
       {-1, -0.5, 0}},
      {"bce far out, fake",
       [](auto& x) { return bce_with_logits(x, 0, Reduction::kSum); },
       far,
       {0, 0.5, 1}},
      {"bce far out, smoothed",
       [](auto& x) { return bce_with_logits(x, 0.75, Reduction::kSum); },
       far,
       {-0.75, -0.25, 0.25}},
      {"log of sigmoid far out", [](auto& x) { return -softplus(-x); }, far, {1, 0.5, 0}},
      {"softmax far out",
       [](auto& x) {
         return softmax(x) * row({1, 2, 3});
       },
       far,
       {0, 0, 0}},
      {"log_softmax far out",
       [](auto& x) { return slice(log_softmax(x), 1, 0, 1); },
       far,
       {1, 0, -1}},
      {"cross entropy far out",
       [](auto& x) { return softmax_cross_entropy(x, {0}); },
       far,
       {-1, 0, 1}},
      {"logsumexp far out", [](auto& x) { return logsumexp(x, {1}); }, far, {0, 0, 1}},
      {"max of equals", [](auto& x) { return max(x); }, row({2, 2, 1}), {0.5, 0.5, 0}},
      {"min of equals", [](auto& x) { return min(x); }, row({1, 1, 2}), {0.5, 0.5, 0}},
      {"maximum of equals", [](auto& x) { return maximum(x, 2); }, row({1, 2, 3}), {0, 0.5, 1}},
      {"minimum of equals", [](auto& x) { return minimum(x, 2); }, row({1, 2, 3}), {1, 0.5, 0}},
      {"clamp at its edges",
       [](auto& x) { return clamp(x, 1, 2); },
       row({0, 1, 2, 3}),
       {0, 1, 1, 0}},
      {"square at 0 by pow", [](auto& x) { return pow(x, 2); }, row({0, 3}), {0, 6}},
      {"the power 1 at 0", [](auto& x) { return pow(x, 1); }, row({0, 3}), {1, 1}},
      {"the power 0 at 0", [](auto& x) { return pow(x, 0); }, row({0, 3}), {0, 0}},
      {"numbers at most 0 to a power that is learned",
       [](auto& x) {
         return pow(row({0, -2, 0}), x);
       },
       row({-1, 0.5, 2}),
       {0, 0, 0}},
      {"0 to a power that is learned", [](auto& x) { return pow(0, x); }, row({1, 2}), {0, 0}},
      {"hinge at its kink",
       [](auto& x) { return hinge(x, 1, Reduction::kSum); },
       row({0, 1, 2}),
       {-1, 0, 0}},
      {"l1 at 0",
       [](auto& x) { return l1(x, zeros_of(x), Reduction::kSum); },
       row({-1, 0, 1}),
       {-1, 0, 1}},
      {"smooth_l1 at its joints",
       [](auto& x) { return smooth_l1(x, zeros_of(x), 1, Reduction::kSum); },
       row({-1, 0, 1}),
       {-1, 0, 1}},
      {"batch norm of a constant batch",
       [=](auto& x) { return batch_norm(x, ones, none) * x; },
       image,
       {}},
      {"layer norm of constant rows", [](auto& x) { return layer_norm(x, 1) * x; }, same, {}},
      {"group norm of constant groups", [](auto& x) { return group_norm(x, 1) * x; }, image, {}},
      {"instance norm of constant images", [](auto& x) { return instance_norm(x) * x; }, image, {}},
      {"max_pool2d of equals", [](auto& x) { return max_pool2d(x, {.kernel = 3}); }, image, {}},
  };
}

bool all_finite(const Tensor& x) {
  return std::all_of(x.data(), x.data() + x.numel(), [](Scalar v) { return std::isfinite(v); });
}

}  // namespace

TEST_CASE("gradients at singular points are finite and match the documented subgradient") {
  CHECK(bad_points().size() >= 20);
  for (const BadPoint& p : bad_points()) {
    CAPTURE(p.name);
    const Tensor x = p.x.clone().set_requires_grad();
    const Tensor dx = grad({sum(p.f(x))}, {x})[0];
    CAPTURE(dx.str());
    CHECK(all_finite(dx));
    for (size_t i = 0; i < p.expected.size(); ++i) {
      CHECK(dx.data()[i] == doctest::Approx(p.expected[i]).epsilon(1e-6));
    }
  }
}

TEST_CASE("second derivatives at singular points are finite") {
  for (const BadPoint& p : bad_points()) {
    CAPTURE(p.name);
    const Tensor x = p.x.clone().set_requires_grad();
    const Tensor dx = grad({sum(p.f(x))}, {x}, {}, {.create_graph = true})[0];
    if (!dx.requires_grad()) continue;  // linear
    const Tensor ddx = grad({sum(dx * dx)}, {x}, {}, {.allow_unused = true})[0];
    CHECK((!ddx.defined() || all_finite(ddx)));
  }
}

TEST_CASE("a gradient penalty has gradient 0 if the critic is constant") {
  const Tensor x = Tensor::ones({4, 3}).set_requires_grad();
  const Tensor w = Tensor::zeros({1, 3}).set_requires_grad();
  const Tensor dx = grad({sum(linear(x, w))}, {x}, {}, {.create_graph = true})[0];
  const Tensor length = sqrt(sum(dx * dx, {1}));
  const Tensor penalty = mean((length - 1) * (length - 1));
  CHECK(penalty.item() == 1);
  CHECK(grad({penalty}, {w})[0].to_vector() == std::vector<Scalar>{0, 0, 0});
}

}  // namespace forger
