// Tests ops along axes: a single axis instead of a list, argmax, and products over leading axes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <type_traits>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"
#include "message.h"
#include "threads.h"

namespace forger {
namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.numel()) * sizeof(Scalar)) == 0;
}

}  // namespace

TEST_CASE("a single axis equals a list with one axis") {
  const Tensor x = Random(1).normal({2, 3, 4});
  CHECK(same_bits(sum(x, 1), sum(x, {1})));
  CHECK(same_bits(sum(x, -1, true), sum(x, {2}, true)));
  CHECK(same_bits(mean(x, 0), mean(x, {0})));
  CHECK(same_bits(max(x, 2), max(x, {2})));
  CHECK(same_bits(min(x, 1), min(x, {1})));
  CHECK(same_bits(var(x, 1, 0), var(x, {1}, 0)));
  CHECK(same_bits(logsumexp(x, 1, true), logsumexp(x, {1}, true)));
  CHECK(same_bits(flip(x, 1), flip(x, {1})));
  const std::vector<int> axes = {0, 2};
  CHECK(same_bits(sum(x, axes), sum(x, {0, 2})));
}

TEST_CASE("an axis is an int: max(x, 0.5) and sum(x, true) do not compile") {
  CHECK(std::is_convertible_v<int, Axes>);
  CHECK_FALSE(std::is_convertible_v<double, Axes>);
  CHECK_FALSE(std::is_convertible_v<float, Axes>);
  CHECK_FALSE(std::is_convertible_v<bool, Axes>);
  CHECK_FALSE(std::is_convertible_v<int64_t, Axes>);
}

TEST_CASE("argmax returns the first maximum, and the first NaN if there is one") {
  const Scalar nan = std::nanf(""), inf = INFINITY;
  const auto last = [](const std::vector<Scalar>& row) {
    return argmax(Tensor::from({static_cast<int64_t>(row.size())}, row))[0];
  };
  CHECK(last({1, 3, 2}) == 1);
  CHECK(last({3, 1, 3}) == 0);
  CHECK(last({-inf, -inf}) == 0);
  CHECK(last({1, nan, inf}) == 1);
  CHECK(last({nan, 5, nan}) == 0);
  CHECK(last({0, -Scalar{0}}) == 0);
  CHECK(last({-Scalar{0}, 0}) == 0);
  CHECK(last({7}) == 0);
}

TEST_CASE("argmax reduces one axis and keeps the order of the others") {
  const Tensor x = Tensor::from({2, 2, 3}, {1, 9, 2, 8, 3, 4, 5, 6, 7, 0, 0, 1});
  CHECK(argmax(x) == std::vector<int>{1, 0, 2, 2});
  CHECK(argmax(x, 1) == std::vector<int>{1, 0, 1, 0, 0, 0});
  CHECK(argmax(x, 0) == std::vector<int>{1, 0, 1, 0, 0, 0});
  CHECK(argmax(Tensor::zeros({0, 3}), 1).empty());
  CHECK(message_of([] {
          argmax(Tensor::zeros({3, 0, 2}), 1);
        }) == "argmax: no elements\n  x  [3, 0, 2]");
  // An axis longer than an int can count. The numbers do not exist, but are not read.
  const Tensor long_axis(Tensor::scalar(1).storage(), {1, int64_t{1} << 31});
  CHECK(message_of([&] { argmax(long_axis); }) ==
        "argmax: an axis of less than 2^31 elements expected\n  x  [1, 2147483648]");
}

TEST_CASE("gather at argmax equals max for any number of threads") {
  const Tensor x = Random(5).normal({30, 70, 40});
  for (int axis : {0, 1, 2}) {
    for (const int count : {1, 3}) {
      const Threads threads(count);
      const std::vector<int> places = argmax(x, axis);
      const Indices index{x.shape().with(axis, 1), {places.begin(), places.end()}};
      CHECK(same_bits(gather(x, axis, index), max(x, axis, true)));
    }
  }
}

TEST_CASE("argmax gives labels for accuracy, one_hot and the loss") {
  const Tensor logits = Tensor::from({3, 2}, {2, 1, 0, 5, 1, 4});
  const std::vector<int> labels = {0, 1, 0}, guessed = argmax(logits, 1);
  int right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += guessed[i] == labels[i];
  CHECK(right == 2);
  CHECK(one_hot(guessed, 2).to_vector() == std::vector<Scalar>{1, 0, 0, 1, 0, 1});
  CHECK(softmax_cross_entropy(logits, guessed).item() > 0);
}

TEST_CASE("batched matmul has the bits of single products for any number of threads") {
  struct Batch {
    int64_t count, m, k, n;
  };
  on_every_kernel_set([] {
    for (const auto& [count, m, k, n] :
         {Batch{1, 3, 5, 2}, Batch{9, 64, 32, 64}, Batch{5, 1, 33, 7}, Batch{300, 4, 3, 5},
          Batch{3, 90, 70, 130}}) {
      for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) {
          const Tensor a = Random(1).normal(ta ? Shape{count, k, m} : Shape{count, m, k});
          const Tensor b = Random(2).normal(tb ? Shape{count, n, k} : Shape{count, k, n});
          std::vector<Tensor> alone;
          for (int64_t i = 0; i < count; ++i) {
            alone.push_back(matmul(select(a, 0, i), select(b, 0, i), {ta, tb}));
          }
          CAPTURE(a.shape().str());
          CAPTURE(b.shape().str());
          CHECK(same_bits(matmul(a, b, {ta, tb}), stack(alone, 0)));
          CHECK(thread_dependence([&] { return matmul(a, b, {ta, tb}).to_vector(); }) == "");
        }
      }
    }
  });
}

TEST_CASE("linear over leading axes has the bits of flattened rows, gradients included") {
  const Tensor x = Random(1).normal({4, 5, 12}).set_requires_grad();
  const Tensor weight = Random(2).normal({7, 12}).set_requires_grad();
  const Tensor bias = Random(3).normal({7}).set_requires_grad();
  const Tensor g = Random(4).normal({4, 5, 7});
  const Tensor rows = reshape(x, {20, 12}), g_rows = reshape(g, {20, 7});
  const auto compare = [&](const Tensor& y, const Tensor& y_rows) {
    CHECK(same_bits(y, reshape(y_rows, {4, 5, 7})));
    const auto d = grad({y}, {x, weight, bias}, {g});
    const auto d_rows = grad({y_rows}, {x, weight, bias}, {g_rows});
    for (size_t i = 0; i < d.size(); ++i) CHECK(same_bits(d[i], d_rows[i]));
  };
  compare(linear(x, weight, bias), linear(rows, weight, bias));
  compare(linear_leaky_relu(x, weight, bias, 0.2),
          leaky_relu(linear(reshape(x, {20, 12}), weight, bias), 0.2));
}

}  // namespace forger
