// Tests sums and batch norm against plain loops in double: exact on integers, within derived
// bounds on real numbers, with the same bits for any number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "guarded.h"
#include "kernel_sets.h"
#include "threads.h"

namespace forger {
namespace {

using kernels::Channels;
using kernels::Kernels;
using kernels::Reduce;
using Values = std::vector<Scalar>;

constexpr double kU = 0x1p-24 * 1.001;  // half a ULP, and room for the terms in u^2
constexpr double kUOfDouble = 0x1p-53;

double wide(Scalar x) { return static_cast<double>(x); }

int64_t x_size(const Reduce& s) { return s.keep0 * s.sum0 * s.keep1 * s.sum1; }

/// The sums in double, of f(x).
template <class F>
std::vector<double> plain_sum(const Reduce& s, const Scalar* x, const F& f) {
  std::vector<double> y(static_cast<size_t>(s.keep0 * s.keep1), 0);
  for (int64_t i = 0; i < s.keep0; ++i) {
    for (int64_t j = 0; j < s.sum0; ++j) {
      for (int64_t k = 0; k < s.keep1; ++k) {
        for (int64_t l = 0; l < s.sum1; ++l) {
          y[static_cast<size_t>(i * s.keep1 + k)] +=
              f(wide(x[((i * s.sum0 + j) * s.keep1 + k) * s.sum1 + l]));
        }
      }
    }
  }
  return y;
}

/// Large and small numbers whose exact sums are 0. A kernel's result is its rounding error, which
/// changes if the order of the sum changes.
Values cancelling(const Reduce& s, uint64_t seed) {
  const int64_t terms = s.sum0 * s.sum1;
  Random random(seed);
  Values x = random.normal({x_size(s)}).to_vector();
  for (Scalar& value : x) value = std::ldexp(value, static_cast<int>(random.bits() % 60) - 30);
  const auto at = [&](int64_t i, int64_t k, int64_t term) -> Scalar& {
    const int64_t j = term / s.sum1, l = term % s.sum1;
    return x[static_cast<size_t>(((i * s.sum0 + j) * s.keep1 + k) * s.sum1 + l)];
  };
  for (int64_t i = 0; i < s.keep0; ++i) {
    for (int64_t k = 0; k < s.keep1; ++k) {
      if (terms % 2 != 0) at(i, k, terms / 2) = 0;
      for (int64_t term = 0; term < terms / 2; ++term) at(i, k, terms - 1 - term) = -at(i, k, term);
    }
  }
  return x;
}

/// Checks sums of integers on every set, between pages without access.
void check_exact(const Reduce& s, Integers& integers, Guarded& x_memory, Guarded& y_memory,
                 Fence fence, int threads) {
  const Scalar* const from = integers.next(x_size(s));
  const std::vector<double> expected = plain_sum(s, from, [](double x) { return x; });
  const std::string shape = Shape{s.keep0, s.sum0, s.keep1, s.sum1}.str();
  CAPTURE(shape);
  Scalar* const x = x_memory.place(x_size(s), fence);
  std::copy_n(from, x_size(s), x);
  const Threads scope(threads);
  for (const Kernels* set : kernel_sets()) {
    const std::string kernels = set->name;
    CAPTURE(kernels);
    Scalar* const y = y_memory.place(s.keep0 * s.keep1, fence);
    set->sum(s, x, y);
    REQUIRE(first_difference(y, expected) == "");
    REQUIRE((x_memory.intact() && y_memory.intact()));
  }
}

/// The arrays of batch norm, each between pages without access.
struct BatchNormArrays {
  Guarded x, g, weight, bias, y, mean, var, rstd;
  bool intact() const {
    return x.intact() && g.intact() && weight.intact() && bias.intact() && y.intact() &&
           mean.intact() && var.intact() && rstd.intact();
  }
};

Scalar* copy_to(Guarded& memory, const Values& values, Fence fence) {
  Scalar* const to = memory.place(static_cast<int64_t>(values.size()), fence);
  std::copy(values.begin(), values.end(), to);
  return to;
}

/// Images and matrices with all kinds of tails, one and many channels, and one and several chunks.
const Channels kChannels[] = {
    {2, 1, 1},   {2, 3, 1},    {5, 7, 1},    {8, 8, 1},  {3, 9, 1},    {4, 15, 1},    {4, 16, 1},
    {4, 17, 1},  {9, 33, 1},   {64, 100, 1}, {1, 1, 2},  {1, 3, 4},    {2, 3, 5},     {2, 2, 7},
    {2, 5, 8},   {3, 4, 9},    {2, 3, 15},   {2, 3, 16}, {2, 3, 17},   {2, 3, 33},    {1, 17, 49},
    {64, 9, 49}, {16, 5, 196}, {3, 2, 784},  {2, 0, 9},  {513, 67, 1}, {4, 3, 10'007}};

size_t elements(const Channels& s) { return static_cast<size_t>(s.n * s.c * s.s); }

/// The channel of element i.
size_t channel_of(const Channels& s, size_t i) {
  return i / static_cast<size_t>(s.s) % static_cast<size_t>(s.c);
}

/// Sums of f(i) over the elements i of each channel.
template <class F>
std::vector<double> per_channel(const Channels& s, const F& f) {
  std::vector<double> sums(static_cast<size_t>(s.c), 0);
  for (size_t i = 0; i < elements(s); ++i) sums[channel_of(s, i)] += f(i);
  return sums;
}

std::string text(const Channels& s) { return Shape{s.n, s.c, s.s}.str(); }

/// The largest error divided by its bound; NaN if any error is NaN.
class Worst {
 public:
  void add(Scalar found, double exact, double bound) {
    const double error = std::fabs(wide(found) - exact);
    if (!(error <= value_ * bound)) value_ = error / bound;
  }
  double value() const { return value_; }

 private:
  double value_ = 0;
};

}  // namespace

TEST_CASE("sums over all combinations of axes are exact on integers") {
  constexpr int64_t kExtents[] = {0, 1, 2, 3, 8, 17, 33, 130};
  Integers integers(2'000'003);
  Guarded x, y;
  int cases = 0;
  for (const int64_t keep0 : kExtents) {
    for (const int64_t sum0 : kExtents) {
      for (const int64_t keep1 : kExtents) {
        for (const int64_t sum1 : kExtents) {
          const Reduce s{keep0, sum0, keep1, sum1};
          if (x_size(s) > 40'000) continue;
          const Fence fence = ++cases % 2 == 0 ? Fence::kBehind : Fence::kBefore;
          check_exact(s, integers, x, y, fence, cases % 16 == 0 ? 3 : 1);
        }
      }
    }
  }
  CHECK(cases >= 3000);
}

TEST_CASE("sums of several chunks and threads are exact on integers") {
  Integers integers(2'000'003);
  Guarded x, y;
  const Reduce shapes[] = {{1, 1, 1, 1'000'003}, {1, 1'000'003, 1, 1}, {1000, 1, 1, 1001},
                           {1, 1001, 1000, 1},   {7, 20'011, 3, 1},    {3, 1, 5, 66'667},
                           {2, 129, 3, 1025},    {2, 9, 4099, 1},      {64, 1, 100, 49},
                           {1, 64, 100, 49},     {1, 3, 2, 20'011},    {100'003, 2, 1, 1},
                           {1, 2, 100'003, 1}};
  for (const Fence fence : {Fence::kBehind, Fence::kBefore}) {
    for (const Reduce& s : shapes) check_exact(s, integers, x, y, fence, 3);
  }
}

TEST_CASE("a sum of ones is exact beyond 2^24, where a float accumulator stops") {
  constexpr int64_t kCount = int64_t{1} << 25;
  const Values ones(static_cast<size_t>(kCount), 1);
  for (const Kernels* set : kernel_sets()) {
    const std::string kernels = set->name;
    CAPTURE(kernels);
    Scalar all = 0, columns[2] = {};
    set->sum({1, 1, 1, kCount}, ones.data(), &all);
    set->sum({1, kCount / 2, 2, 1}, ones.data(), columns);
    CHECK(all == 33'554'432);
    CHECK(columns[0] == 16'777'216);
    CHECK(columns[1] == 16'777'216);
  }
}

// The mean is rounded to a float, with an error of at most 2^-11 at 1e4. The variance around that
// mean is too large by the square of the error, 2.4e-7. E[x^2] - E[x]^2 in floats would lose all
// digits.
TEST_CASE("the variance of ten million values around 10^4 is accurate") {
  const Tensor x = Random(1).normal({10'000'000}, 1e4, 1);
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < x.numel(); ++i) mean += static_cast<double>(x.data()[i]);
  mean /= static_cast<double>(x.numel());
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double centred = static_cast<double>(x.data()[i]) - mean;
    squares += centred * centred;
  }
  const double biased = squares / static_cast<double>(x.numel());
  const double unbiased = squares / static_cast<double>(x.numel() - 1);
  on_every_kernel_set([&] {
    CHECK(std::fabs(static_cast<double>(var(x).item()) / unbiased - 1) <= 1e-5);
    BatchStats stats;
    batch_norm(reshape(x, {x.numel(), 1}), Tensor::ones({1}), Tensor::zeros({1}), 1e-5, &stats);
    CHECK(std::fabs(static_cast<double>(stats.var.item()) / biased - 1) <= 1e-5);
  });
}

// A sum of K floats in double has an error of at most K 2^-53 sum |x| in any order, both here and
// in the kernel. Rounding it to a float adds at most u |y|.
TEST_CASE("sums of real numbers are rounded once") {
  for (const Reduce& s : {Reduce{1, 1, 1, 100'003}, Reduce{3, 50, 7, 33}, Reduce{5, 999, 17, 1},
                          Reduce{9, 1, 3, 65}, Reduce{2, 1, 2, 30'011}}) {
    const Values x = Random(1).normal({x_size(s)}, 0.1, 100).to_vector();
    const std::vector<double> exact = plain_sum(s, x.data(), [](double v) { return v; });
    const std::vector<double> magnitude =
        plain_sum(s, x.data(), [](double v) { return std::fabs(v); });
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      Values y(exact.size());
      set->sum(s, x.data(), y.data());
      Worst worst;
      for (size_t i = 0; i < y.size(); ++i) {
        const double terms = static_cast<double>(s.sum0 * s.sum1);
        worst.add(y[i], exact[i], kU * std::fabs(exact[i]) + 2 * terms * kUOfDouble * magnitude[i]);
      }
      CHECK(worst.value() <= 1);
    }
  }
}

TEST_CASE("sums have the same bits for any number of threads") {
  for (const Reduce& s : {Reduce{1, 1, 1, 1'000'003}, Reduce{1, 1'000'003, 1, 1},
                          Reduce{7, 20'011, 3, 1}, Reduce{3, 1, 5, 66'667}, Reduce{2, 129, 3, 1025},
                          Reduce{1, 64, 100, 49}, Reduce{1, 100, 3, 50}}) {
    const Values x = cancelling(s, 2);
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      CHECK(thread_dependence([&] {
              Values y(static_cast<size_t>(s.keep0 * s.keep1));
              set->sum(s, x.data(), y.data());
              return y;
            }) == "");
    }
  }
}

// Each channel holds as many numbers m + 1 as m - 1. The mean is m and the variance 1. With eps =
// 3, rstd is 1/2, and all results are integers or halves.
TEST_CASE("batch norm is exact if no step needs rounding") {
  BatchNormArrays memory;
  int cases = 0;
  for (const Channels& s : kChannels) {
    if (s.n * s.s % 2 != 0) continue;
    Values x, weight, bias;
    std::vector<double> y, mean, var, rstd;
    std::vector<int64_t> seen(static_cast<size_t>(s.c));
    for (size_t c = 0; c < seen.size(); ++c) {
      weight.push_back(static_cast<Scalar>(c % 7) - 3);
      bias.push_back(static_cast<Scalar>(c % 5) - 2);
      mean.push_back(static_cast<double>(c % 11) - 5);
      var.push_back(1);
      rstd.push_back(0.5);
    }
    for (size_t i = 0; i < elements(s); ++i) {
      const size_t c = channel_of(s, i);
      const double d = seen[c]++ % 2 == 0 ? 1 : -1;
      x.push_back(static_cast<Scalar>(mean[c] + d));
      y.push_back(d * 0.5 * wide(weight[c]) + wide(bias[c]));
    }
    const std::string shape = text(s);
    CAPTURE(shape);
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      const Fence fence = ++cases % 2 == 0 ? Fence::kBehind : Fence::kBefore;
      const Scalar* const from = copy_to(memory.x, x, fence);
      const Scalar* const w = copy_to(memory.weight, weight, fence);
      const Scalar* const b = copy_to(memory.bias, bias, fence);
      Scalar* const to = memory.y.place(static_cast<int64_t>(elements(s)), fence);
      Scalar* const m = memory.mean.place(s.c, fence);
      Scalar* const v = memory.var.place(s.c, fence);
      Scalar* const r = memory.rstd.place(s.c, fence);
      set->batch_norm(s, 3, 1, from, w, b, to, m, v, r);
      CHECK(first_difference(m, mean) == "");
      CHECK(first_difference(v, var) == "");
      CHECK(first_difference(r, rstd) == "");
      CHECK(first_difference(to, y) == "");
      CHECK(memory.intact());
    }
  }
}

// With K numbers in a channel, of which the kernel takes the mean m^ and the variance v^ in double:
//   |m^ - m|  <=  u |m| + K 2^-53 mean |x|                               =: dm
//   |v^ - v|  <=  4 u (v + dm^2) + dm^2    for (x - m^)^2 has three roundings in float, the mean of
//                                          it moves by (m^ - m)^2, and the result is rounded once
//   rstd      =   1 / sqrt(v~ + eps), off by the part |v~ - v| / (2 (v + eps)) + 2 u
// and y, given the m^ and rstd that the kernel itself returned, by four roundings of its product
// and one of the sum.
TEST_CASE("the rounding error of batch norm stays within its bound") {
  BatchNormArrays memory;
  int cases = 0;
  for (const Channels& s : kChannels) {
    for (const double centre : {0.0, 1000.0}) {
      const double count = static_cast<double>(s.n * s.s);
      const Values x = Random(3).normal({s.n, s.c, s.s}, centre, 2).to_vector();
      const Values weight = Random(4).normal({s.c}, 1, 0.5).to_vector();
      const Values bias = Random(5).normal({s.c}).to_vector();
      const auto sums = per_channel(s, [&](size_t i) { return wide(x[i]); });
      const auto magnitudes = per_channel(s, [&](size_t i) { return std::fabs(wide(x[i])); });
      const auto squares = per_channel(s, [&](size_t i) {
        const double d = wide(x[i]) - sums[channel_of(s, i)] / count;
        return d * d;
      });
      constexpr Scalar kEps = 1e-5f;
      for (const Kernels* set : kernel_sets()) {
        const std::string kernel = std::string(set->name) + " " + text(s);
        CAPTURE(kernel);
        CAPTURE(centre);
        const Fence fence = ++cases % 2 == 0 ? Fence::kBehind : Fence::kBefore;
        const Scalar* const from = copy_to(memory.x, x, fence);
        const Scalar* const w = copy_to(memory.weight, weight, fence);
        const Scalar* const b = copy_to(memory.bias, bias, fence);
        Scalar* const y = memory.y.place(static_cast<int64_t>(x.size()), fence);
        Scalar* const mean = memory.mean.place(s.c, fence);
        Scalar* const var = memory.var.place(s.c, fence);
        Scalar* const rstd = memory.rstd.place(s.c, fence);
        set->batch_norm(s, kEps, 1, from, w, b, y, mean, var, rstd);
        Worst worst_mean, worst_var, worst_rstd, worst_y;
        for (size_t c = 0; c < sums.size(); ++c) {
          const double m = sums[c] / count, v = squares[c] / count, ve = v + wide(kEps);
          const double dm = kU * std::fabs(m) + kUOfDouble * magnitudes[c];
          const double dv = 4 * kU * (v + dm * dm) + dm * dm;
          worst_mean.add(mean[c], m, dm);
          worst_var.add(var[c], v, dv);
          worst_rstd.add(rstd[c], 1 / std::sqrt(ve), (dv / (2 * ve) + 2 * kU) / std::sqrt(ve));
        }
        for (size_t i = 0; i < x.size(); ++i) {
          const size_t c = channel_of(s, i);
          const double product = (wide(x[i]) - wide(mean[c])) * wide(rstd[c]) * wide(w[c]);
          const double exact = product + wide(b[c]);
          worst_y.add(y[i], exact, kU * (4 * std::fabs(product) + std::fabs(exact)));
        }
        CHECK(worst_mean.value() <= 1);
        CHECK(worst_var.value() <= 1);
        CHECK(worst_rstd.value() <= 1);
        CHECK(worst_y.value() <= 1);
        CHECK(memory.intact());
      }
    }
  }
}

// The gradient is a formula in the given g, x, weight, mean and rstd. With d = x - mean and
// xhat = d rstd, in units of u:
//   dbias    1 |dbias|, for it is summed in double
//   dweight  3 sum |g xhat| for the terms' roundings, 2 |dweight| for those of the result
//   dx       weight rstd times: g, mean(g) and xhat mean(g xhat) each pass through at most eight
//            roundings, and mean(g xhat) has the error of its terms, 3 mean |g xhat|, besides
TEST_CASE("the rounding error of batch norm's gradient stays within its bound") {
  BatchNormArrays memory;
  int cases = 0;
  for (const Channels& s : kChannels) {
    const double count = static_cast<double>(s.n * s.s);
    const Values x = Random(6).normal({s.n, s.c, s.s}, 3, 2).to_vector();
    const Values g = Random(7).normal({s.n, s.c, s.s}, 0.5, 1).to_vector();
    const Values weight = Random(8).normal({s.c}, 1, 0.5).to_vector();
    const Values mean = Random(9).normal({s.c}, 3, 0.1).to_vector();
    const Values rstd = Random(10).uniform({s.c}, 0.4, 0.6).to_vector();
    const auto xhat = [&](size_t i) {
      const size_t c = channel_of(s, i);
      return (wide(x[i]) - wide(mean[c])) * wide(rstd[c]);
    };
    const auto sum_g = per_channel(s, [&](size_t i) { return wide(g[i]); });
    const auto abs_g = per_channel(s, [&](size_t i) { return std::fabs(wide(g[i])); });
    const auto sum_gx = per_channel(s, [&](size_t i) { return wide(g[i]) * xhat(i); });
    const auto abs_gx = per_channel(s, [&](size_t i) { return std::fabs(wide(g[i]) * xhat(i)); });
    for (const Kernels* set : kernel_sets()) {
      const std::string kernel = std::string(set->name) + " " + text(s);
      CAPTURE(kernel);
      const Fence fence = ++cases % 2 == 0 ? Fence::kBehind : Fence::kBefore;
      Scalar* const from_g = copy_to(memory.g, g, fence);
      const Scalar* const from_x = copy_to(memory.x, x, fence);
      const Scalar* const w = copy_to(memory.weight, weight, fence);
      const Scalar* const m = copy_to(memory.mean, mean, fence);
      const Scalar* const r = copy_to(memory.rstd, rstd, fence);
      const bool in_place = cases % 4 < 2;
      Scalar* const dx = in_place ? from_g : memory.y.place(static_cast<int64_t>(x.size()), fence);
      Scalar* const dweight = memory.var.place(s.c, fence);
      Scalar* const dbias = memory.bias.place(s.c, fence);
      set->batch_norm_grad(s, 1, from_g, from_x, w, nullptr, m, r, dx, dweight, dbias);
      Worst worst_dx, worst_dweight, worst_dbias;
      for (size_t c = 0; c < sum_g.size(); ++c) {
        worst_dbias.add(dbias[c], sum_g[c],
                        kU * std::fabs(sum_g[c]) + 2 * count * kUOfDouble * abs_g[c]);
        worst_dweight.add(dweight[c], sum_gx[c], kU * (3 * abs_gx[c] + 2 * std::fabs(sum_gx[c])));
      }
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t c = channel_of(s, i);
        const double scale = wide(weight[c]) * wide(rstd[c]);
        const double mean_g = sum_g[c] / count, along = xhat(i) * sum_gx[c] / count;
        const double terms = std::fabs(wide(g[i])) + std::fabs(mean_g) + std::fabs(along);
        worst_dx.add(
            dx[i], scale * (wide(g[i]) - mean_g - along),
            kU * std::fabs(scale) * (8 * terms + 3 * std::fabs(xhat(i)) * abs_gx[c] / count));
      }
      CHECK(worst_dx.value() <= 1);
      CHECK(worst_dweight.value() <= 1);
      CHECK(worst_dbias.value() <= 1);
      CHECK(memory.intact());
    }
  }
}

TEST_CASE("fused batch norm and leaky ReLU has the bits of the two separate kernels") {
  BatchNormArrays memory;
  int cases = 0;
  for (const Channels& s : kChannels) {
    const Values x = Random(6).normal({s.n, s.c, s.s}, 3, 2).to_vector();
    const Values g = Random(7).normal({s.n, s.c, s.s}, 0.5, 1).to_vector();
    const Values weight = Random(8).normal({s.c}, 1, 0.5).to_vector();
    const Values bias = Random(9).normal({s.c}).to_vector();
    const auto n = static_cast<int64_t>(x.size());
    const size_t channels = weight.size();
    for (const Kernels* set : kernel_sets()) {
      const std::string kernel = std::string(set->name) + " " + text(s);
      CAPTURE(kernel);
      for (const Scalar slope : {Scalar(0), Scalar(0.2f)}) {
        CAPTURE(slope);
        Values y(x.size()), mean(channels), var(channels), rstd(channels);
        set->batch_norm(s, 1e-5f, 1, x.data(), weight.data(), bias.data(), y.data(), mean.data(),
                        var.data(), rstd.data());
        Values passed(x.size()), dx(x.size()), dweight(channels), dbias(channels);
        set->leaky_relu_grad(n, slope, g.data(), y.data(), passed.data());
        set->batch_norm_grad(s, 1, passed.data(), x.data(), weight.data(), nullptr, mean.data(),
                             rstd.data(), dx.data(), dweight.data(), dbias.data());
        set->leaky_relu(n, slope, y.data(), y.data());

        const Fence fence = ++cases % 2 == 0 ? Fence::kBehind : Fence::kBefore;
        Scalar* const from_g = copy_to(memory.g, g, fence);
        const Scalar* const from_x = copy_to(memory.x, x, fence);
        const Scalar* const w = copy_to(memory.weight, weight, fence);
        const Scalar* const b = copy_to(memory.bias, bias, fence);
        Scalar* const to = memory.y.place(n, fence);
        Scalar* const m = memory.mean.place(s.c, fence);
        Scalar* const v = memory.var.place(s.c, fence);
        Scalar* const r = memory.rstd.place(s.c, fence);
        set->batch_norm(s, 1e-5f, slope, from_x, w, b, to, m, v, r);
        CHECK(std::equal(y.begin(), y.end(), to));
        CHECK(memory.intact());

        const bool in_place = cases % 4 < 2;
        Scalar* const to_dx = in_place ? from_g : memory.y.place(n, fence);
        Values to_dweight(channels), to_dbias(channels);
        set->batch_norm_grad(s, slope, from_g, from_x, w, b, m, r, to_dx, to_dweight.data(),
                             to_dbias.data());
        CHECK(std::equal(dx.begin(), dx.end(), to_dx));
        CHECK(to_dweight == dweight);
        CHECK(to_dbias == dbias);
        CHECK(memory.intact());
      }
    }
  }
}

TEST_CASE("batch norm and its gradient have the same bits for any number of threads") {
  for (const Channels& s : {Channels{64, 33, 49}, Channels{128, 300, 1}, Channels{5, 1, 40'001},
                            Channels{3, 7, 20'011}, Channels{2000, 17, 1}, Channels{4, 3, 999}}) {
    const std::string shape = text(s);
    CAPTURE(shape);
    const Values x = cancelling({1, s.n, s.c, s.s}, 1), g = cancelling({1, s.n, s.c, s.s}, 2);
    const Values weight = Random(3).normal({s.c}).to_vector(), bias = weight;
    const size_t channels = weight.size();
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      CHECK(thread_dependence([&] {
              Values out(x.size() + 3 * channels);
              Scalar* const mean = out.data() + x.size();
              set->batch_norm(s, 1e-5f, 1, x.data(), weight.data(), bias.data(), out.data(), mean,
                              mean + channels, mean + 2 * channels);
              return out;
            }) == "");
      CHECK(thread_dependence([&] {
              Values out(x.size() + 2 * channels);
              Scalar* const dweight = out.data() + x.size();
              set->batch_norm_grad(s, 0.25f, g.data(), x.data(), weight.data(), bias.data(),
                                   weight.data(), weight.data(), out.data(), dweight,
                                   dweight + channels);
              return out;
            }) == "");
    }
  }
}

}  // namespace forger
