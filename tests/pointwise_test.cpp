// Tests the pointwise kernels. Operations that are rounded once must be exact per element; exp,
// log and the like must be within 2 ULP. Covers broadcasting and tails.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops/broadcast.h"
#include "autograd/random.h"
#include "guarded.h"
#include "threads.h"

namespace forger {
namespace {

using kernels::Broadcast;
using kernels::Kernels;
using Values = std::vector<Scalar>;

constexpr Scalar kInf = std::numeric_limits<Scalar>::infinity();
constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();
constexpr Scalar kLargest = std::numeric_limits<Scalar>::max();
constexpr Scalar kNormal = std::numeric_limits<Scalar>::min();  // the smallest that is
constexpr Scalar kDenormal = std::numeric_limits<Scalar>::denorm_min();

const Values& special_values() {
  static const Values values = {
      0, -0.0f, 1, -1, kInf, -kInf, kNan, -kNan, kLargest, -kLargest, kNormal, -kNormal, kDenormal,
      -kDenormal, kNormal - kDenormal, std::nextafter(1.0f, 2.0f), std::nextafter(1.0f, 0.0f),
      // the last finite result of exp, and the first infinite one
      88.72283f, 88.72284f,
      // around the last results that are normal, and that are not 0
      -87.33654f, -87.33655f, -103.97207f, -103.97208f, -104, 1e4f, -1e4f, 1e30f, -1e30f};
  return values;
}

/// A million floats of all magnitudes and both signs (every 4099th bit pattern, a prime), after the
/// special values.
Values all_magnitudes() {
  Values values = special_values();
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 4099) {
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  return values;
}

/// Numbers between -4 and 4, mixed with special values.
Values mixed(int64_t count, uint64_t seed) {
  Random random(seed);
  Values values = random.uniform({count}, -4, 4).to_vector();
  const Values& special = special_values();
  for (Scalar& value : values) {
    const uint32_t bits = random.bits();
    if (bits % 8 == 0) value = special[bits / 8 % special.size()];
  }
  return values;
}

/// True if both have the same bits or both are NaN. The processor chooses which NaN it returns.
bool same(Scalar a, Scalar b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

std::string first_other(const Scalar* found, const Values& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!same(found[i], expected[i])) {
      return "element " + std::to_string(i) + ": found " + std::to_string(found[i]) +
             ", expected " + std::to_string(expected[i]);
    }
  }
  return "";
}

/// Lengths with every kind of vector tail, and one that is cut into chunks.
std::vector<int64_t> lengths() {
  std::vector<int64_t> all;
  for (int64_t n = 0; n <= 67; ++n) all.push_back(n);
  all.push_back(100'003);
  return all;
}

struct Binary {
  const char* name;
  void (*Kernels::*kernel)(const Broadcast&, const Scalar*, const Scalar*, Scalar*);
  Scalar (*of)(Scalar, Scalar);
};
const Binary kBinaries[] = {{"add", &Kernels::add, [](Scalar a, Scalar b) { return a + b; }},
                            {"sub", &Kernels::sub, [](Scalar a, Scalar b) { return a - b; }},
                            {"mul", &Kernels::mul, [](Scalar a, Scalar b) { return a * b; }},
                            {"div", &Kernels::div, [](Scalar a, Scalar b) { return a / b; }}};

struct Unary {
  const char* name;
  void (*Kernels::*kernel)(int64_t, const Scalar*, Scalar*);
  double (*of)(double);
};
/// Those whose result is the nearest float to the true one. In double they are exact, or for the
/// root so nearly that rounding again gives the same float (Figueroa 1995: 53 >= 2 * 24 + 2).
const Unary kExact[] = {
    {"neg", &Kernels::neg, [](double x) { return -x; }},
    {"abs", &Kernels::abs, [](double x) { return std::fabs(x); }},
    {"sign", &Kernels::sign, [](double x) { return x > 0   ? 1.0
                                                   : x < 0 ? -1.0
                                                           : x; }},
    {"sqrt", &Kernels::sqrt, [](double x) { return std::sqrt(x); }}};
const Unary kTranscendental[] = {
    {"exp", &Kernels::exp, [](double x) { return std::exp(x); }},
    {"log", &Kernels::log, [](double x) { return std::log(x); }},
    {"tanh", &Kernels::tanh, [](double x) { return std::tanh(x); }},
    {"sigmoid", &Kernels::sigmoid,
     [](double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }},
    {"softplus", &Kernels::softplus,
     [](double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }}};

/// |found - exact| in units in the last place of a float near `exact`; an infinite float stands for
/// 2^128, the next after the largest.
double ulps(Scalar found, double exact) {
  const double wide =
      std::isinf(found) ? std::copysign(0x1p128, found) : static_cast<double>(found);
  const double clamped = std::clamp(exact, -0x1p128, 0x1p128);
  const int exponent = exact == 0 ? -126 : std::clamp(std::ilogb(clamped), -126, 127);
  return std::fabs(wide - clamped) / std::ldexp(1, exponent - 23);
}

}  // namespace

TEST_CASE("arithmetic of equal shapes is exact per element, also in place") {
  Guarded a_memory, b_memory, y_memory;
  int runs = 0;
  for (const int64_t n : lengths()) {
    const Values a = mixed(n, 1), b = mixed(n, 2);
    const Broadcast plan{{1, 1, 1, n}, {0, 0, 0, 1}, {0, 0, 0, 1}};
    for (const Binary& op : kBinaries) {
      Values expected;
      for (size_t i = 0; i < a.size(); ++i) expected.push_back(op.of(a[i], b[i]));
      for (const Kernels* set : kernel_sets()) {
        const std::string kernel = std::string(set->name) + " " + op.name;
        CAPTURE(kernel);
        CAPTURE(n);
        const Fence fence = ++runs % 2 == 0 ? Fence::kBehind : Fence::kBefore;
        Scalar* const to_a = a_memory.place(n, fence);
        Scalar* const to_b = b_memory.place(n, fence);
        Scalar* const y = y_memory.place(n, fence);
        std::copy(a.begin(), a.end(), to_a);
        std::copy(b.begin(), b.end(), to_b);
        (set->*op.kernel)(plan, to_a, to_b, y);
        REQUIRE(first_other(y, expected) == "");
        (set->*op.kernel)(plan, to_a, to_b, to_b);
        REQUIRE(first_other(to_b, expected) == "");
        std::copy(b.begin(), b.end(), to_b);
        (set->*op.kernel)(plan, to_a, to_b, to_a);
        REQUIRE(first_other(to_a, expected) == "");
        REQUIRE((a_memory.intact() && b_memory.intact() && y_memory.intact()));
      }
    }
  }
}

TEST_CASE("arithmetic is exact for all broadcast shapes") {
  constexpr int64_t kExtents[] = {1, 1, 2, 3, 5, 8, 17, 33, 0};
  Random random(1);
  Guarded a_memory, b_memory, y_memory;
  int empty = 0, broadcast = 0;
  for (int i = 0; i < 3000; ++i) {
    const int rank = static_cast<int>(random.below(5));
    int64_t extents[3][4] = {};  // of y, a, b
    for (int axis = 0; axis < rank; ++axis) {
      const int64_t extent = kExtents[random.below(i % 16 == 0 ? 9 : 8)];
      const int64_t repeated = random.below(4);  // neither, a, b, or neither
      extents[0][axis] = extent;
      extents[1][axis] = repeated == 1 ? 1 : extent;
      extents[2][axis] = repeated == 2 ? 1 : extent;
    }
    const Shape as(extents[1], rank), bs(extents[2], rank);
    const Shape shape = broadcast_shapes("test", as, bs, {});  // extent 1 in both stays 1
    const Values a = mixed(as.numel(), 3), b = mixed(bs.numel(), 4);
    empty += shape.numel() == 0;
    broadcast += !(as == bs);

    const Binary& op = kBinaries[i % 4];
    Values expected;
    for (int64_t at = 0; at < shape.numel(); ++at) {
      int64_t rest = at, index[2] = {}, pitch[2] = {1, 1};
      for (int axis = rank - 1; axis >= 0; --axis) {
        const int64_t place = rest % shape[axis];
        rest /= shape[axis];
        if (as[axis] > 1) index[0] += place * pitch[0];
        if (bs[axis] > 1) index[1] += place * pitch[1];
        pitch[0] *= as[axis];
        pitch[1] *= bs[axis];
      }
      expected.push_back(op.of(a[static_cast<size_t>(index[0])], b[static_cast<size_t>(index[1])]));
    }
    const std::string shapes = as.str() + " " + op.name + " " + bs.str();
    CAPTURE(shapes);
    const Fence fence = i % 2 == 0 ? Fence::kBehind : Fence::kBefore;
    Scalar* const to_a = a_memory.place(as.numel(), fence);
    Scalar* const to_b = b_memory.place(bs.numel(), fence);
    std::copy(a.begin(), a.end(), to_a);
    std::copy(b.begin(), b.end(), to_b);
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      const Threads threads(i % 8 == 0 ? 3 : 1);
      Scalar* const y = y_memory.place(shape.numel(), fence);
      (set->*op.kernel)(plan_broadcast(shape, as, bs), to_a, to_b, y);
      REQUIRE(first_other(y, expected) == "");
      REQUIRE((a_memory.intact() && b_memory.intact() && y_memory.intact()));
    }
  }
  CHECK(empty >= 20);
  CHECK(broadcast >= 1000);
}

TEST_CASE("broadcast arithmetic is exact for long rows and many short rows") {
  const Shape shapes[][2] = {
      {{100'003}, {}},       {{}, {100'003}},       {{3, 70'001}, {70'001}}, {{50'001, 3}, {3}},
      {{50'001, 3}, {1, 3}}, {{50'001, 1}, {1, 3}}, {{64, 16, 100}, {16, 1}}};
  for (const auto& [as, bs] : shapes) {
    const Shape shape = broadcast_shapes("test", as, bs, {});
    const Values a = mixed(as.numel(), 5), b = mixed(bs.numel(), 6);
    // The cases above have checked the reference, which is one loop for any length.
    Values expected(static_cast<size_t>(shape.numel())), y(expected.size());
    kernels::kReference.sub(plan_broadcast(shape, as, bs), a.data(), b.data(), expected.data());
    for (const Kernels* set : kernel_sets()) {
      const std::string name = std::string(set->name) + " " + as.str() + " - " + bs.str();
      CAPTURE(name);
      const Threads threads(3);
      std::fill(y.begin(), y.end(), kNan);
      set->sub(plan_broadcast(shape, as, bs), a.data(), b.data(), y.data());
      CHECK(first_other(y.data(), expected) == "");
    }
  }
}

TEST_CASE("neg, abs, sign and sqrt are exact for all magnitudes") {
  const Values x = all_magnitudes();
  Values y(x.size());
  for (const Unary& op : kExact) {
    Values expected;
    for (const Scalar value : x) expected.push_back(static_cast<Scalar>(op.of(value)));
    for (const Kernels* set : kernel_sets()) {
      const std::string kernel = std::string(set->name) + " " + op.name;
      CAPTURE(kernel);
      (set->*op.kernel)(static_cast<int64_t>(x.size()), x.data(), y.data());
      CHECK(first_other(y.data(), expected) == "");
    }
  }
}

TEST_CASE("leaky_relu and its rule are exact for all magnitudes") {
  const Values x = all_magnitudes();
  Values g = x, y(x.size());
  std::rotate(g.begin(), g.begin() + 12345, g.end());
  for (const Scalar slope : {0.0f, 0.01f, 0.2f, 1.5f}) {
    const auto scaled = [slope](Scalar v) {
      return slope == 0 && !std::isnan(v) ? Scalar(0) : slope * v;
    };
    Values forward, rule;
    for (size_t i = 0; i < x.size(); ++i) {
      forward.push_back(x[i] > 0 ? x[i] : scaled(x[i]));
      rule.push_back(x[i] > 0 ? g[i] : scaled(g[i]));
    }
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      CAPTURE(slope);
      const int64_t n = static_cast<int64_t>(x.size());
      set->leaky_relu(n, slope, x.data(), y.data());
      CHECK(first_other(y.data(), forward) == "");
      set->leaky_relu_grad(n, slope, g.data(), x.data(), y.data());
      CHECK(first_other(y.data(), rule) == "");
    }
  }
}

// The SIMD sets compute in double and promise 0.51 ULP (simd/math.h); the reference's exp and log
// are those of the C library.
TEST_CASE("exp, log, tanh, sigmoid and softplus are within 2 ULP for all magnitudes") {
  const Values x = all_magnitudes();
  Values y(x.size());
  for (const Unary& op : kTranscendental) {
    for (const Kernels* set : kernel_sets()) {
      const std::string kernel = std::string(set->name) + " " + op.name;
      CAPTURE(kernel);
      (set->*op.kernel)(static_cast<int64_t>(x.size()), x.data(), y.data());
      double worst = 0;
      Scalar worst_at = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = op.of(x[i]);
        const bool both_nan = std::isnan(exact) && std::isnan(y[i]);
        const double error = both_nan ? 0 : ulps(y[i], exact);
        if (!(error <= worst)) {  // also true for a NaN in only one of the two
          worst = error;
          worst_at = x[i];
          if (std::isnan(error)) break;
        }
      }
      CAPTURE(worst);
      CAPTURE(worst_at);
      CHECK(worst <= (set == &kernels::kReference ? 2 : 0.51));
    }
  }
}

TEST_CASE("unary kernels are right at zeros, infinities and NaN") {
  const Values x = {0, -0.0f, kInf, -kInf, kNan};
  const std::pair<void (*Kernels::*)(int64_t, const Scalar*, Scalar*), Values> expected[] = {
      {&Kernels::exp, {1, 1, kInf, 0, kNan}},
      {&Kernels::log, {-kInf, -kInf, kInf, kNan, kNan}},
      {&Kernels::tanh, {0, -0.0f, 1, -1, kNan}},
      {&Kernels::sigmoid, {0.5, 0.5, 1, 0, kNan}},
      {&Kernels::softplus, {0.6931472f, 0.6931472f, kInf, 0, kNan}},
      {&Kernels::sqrt, {0, -0.0f, kInf, kNan, kNan}},
      {&Kernels::sign, {0, -0.0f, 1, -1, kNan}}};
  for (const Kernels* set : kernel_sets()) {
    for (const auto& [kernel, values] : expected) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      Values y(x.size());
      (set->*kernel)(static_cast<int64_t>(x.size()), x.data(), y.data());
      CHECK(first_other(y.data(), values) == "");
    }
  }
}

TEST_CASE("a unary kernel's result does not depend on an element's position, also in place") {
  Guarded x_memory, y_memory;
  const Values all = mixed(100'003, 7);
  std::vector<Unary> ops(std::begin(kExact), std::end(kExact));
  ops.insert(ops.end(), std::begin(kTranscendental), std::end(kTranscendental));
  int runs = 0;
  for (const Kernels* set : kernel_sets()) {
    for (const Unary& op : ops) {
      const std::string kernel = std::string(set->name) + " " + op.name;
      CAPTURE(kernel);
      Values alone(all.size());
      for (size_t i = 0; i < all.size(); ++i) (set->*op.kernel)(1, &all[i], &alone[i]);
      for (const int64_t n : lengths()) {
        CAPTURE(n);
        const Fence fence = ++runs % 2 == 0 ? Fence::kBehind : Fence::kBefore;
        const Values expected(alone.begin(), alone.begin() + n);
        Scalar* const x = x_memory.place(n, fence);
        Scalar* const y = y_memory.place(n, fence);
        std::copy_n(all.begin(), n, x);
        (set->*op.kernel)(n, x, y);
        REQUIRE(first_other(y, expected) == "");
        (set->*op.kernel)(n, x, x);
        REQUIRE(first_other(x, expected) == "");
        REQUIRE((x_memory.intact() && y_memory.intact()));
      }
    }
  }
}

// With u = 2^-24 and every operation rounded: 1 - y^2 is off by at most u y^2 + u |1 - y^2|, less
// if it is fused, and its product with g by u more: u |g| (y^2 + 2 |1 - y^2|). g y (1 - y) has
// three roundings, each of u |g y (1 - y)|. 2^-149 is for products that are denormal; terms in u^2
// are below a thousandth.
TEST_CASE("the rounding error of the rules of tanh and sigmoid stays within its bound") {
  constexpr double kU = 0x1p-24 * 1.001;
  Guarded g_memory, y_memory, dx_memory;
  const Values all_g = Random(8).normal({100'003}).to_vector();
  const Values all_y = Random(9).uniform({100'003}, -1, 1).to_vector();
  for (const int64_t n : lengths()) {
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      CAPTURE(n);
      const Fence fence = n % 2 == 0 ? Fence::kBehind : Fence::kBefore;
      Scalar* const g = g_memory.place(n, fence);
      Scalar* const y = y_memory.place(n, fence);
      std::copy_n(all_g.begin(), n, g);
      std::copy_n(all_y.begin(), n, y);
      double worst = 0;  // error / bound
      Scalar* dx = dx_memory.place(n, fence);
      set->tanh_grad(n, g, y, dx);
      for (int64_t i = 0; i < n; ++i) {
        const double gi = g[i], yi = y[i], factor = 1 - yi * yi;
        const double bound = kU * std::fabs(gi) * (yi * yi + 2 * factor) + 0x1p-149;
        worst = std::max(worst, std::fabs(static_cast<double>(dx[i]) - gi * factor) / bound);
        if (std::isnan(dx[i])) worst = kInf;
      }
      REQUIRE(worst <= 1);
      REQUIRE(dx_memory.intact());
      dx = dx_memory.place(n, fence);
      set->sigmoid_grad(n, g, y, dx);
      for (int64_t i = 0; i < n; ++i) {
        const double gi = g[i], yi = y[i], exact = gi * yi * (1 - yi);
        const double bound = 3 * kU * std::fabs(exact) + 0x1p-149;
        worst = std::max(worst, std::fabs(static_cast<double>(dx[i]) - exact) / bound);
        if (std::isnan(dx[i])) worst = kInf;
      }
      REQUIRE(worst <= 1);
      REQUIRE((g_memory.intact() && y_memory.intact() && dx_memory.intact()));
    }
  }
}

// The formula in double, and beside each of its values how far a float kernel may be from it: u for
// every constant and every operation that it rounds.
TEST_CASE("the rounding error of one Adam step stays within its bound") {
  constexpr double kU = 0x1p-24 * 1.001;
  Guarded g_memory, p_memory, m_memory, v_memory;
  for (const int64_t n : lengths()) {
    const Values g0 = Random(10).normal({n}).to_vector(), p0 = Random(11).normal({n}).to_vector();
    const Values m0 = Random(12).normal({n}).to_vector();
    const Values v0 = Random(13).uniform({n}, 0, 2).to_vector();
    for (const double weight_decay : {0.0, 0.1}) {
      const kernels::Adam s = {.beta1 = 0.5,
                               .beta2 = 0.999,
                               .eps = weight_decay > 0 ? 0.125 : 1e-8,
                               .weight_decay = weight_decay,
                               .shrink = weight_decay > 0 ? 0.75 : 1,  // both exact in a float
                               .step_size = 0.03,
                               .sqrt_correction = 0.4};
      for (const Kernels* set : kernel_sets()) {
        const std::string kernels = set->name;
        CAPTURE(kernels);
        CAPTURE(n);
        CAPTURE(weight_decay);
        const Fence fence = n % 2 == 0 ? Fence::kBehind : Fence::kBefore;
        Scalar* const g = g_memory.place(n, fence);
        Scalar* const p = p_memory.place(n, fence);
        Scalar* const m = m_memory.place(n, fence);
        Scalar* const v = v_memory.place(n, fence);
        std::copy(g0.begin(), g0.end(), g);
        std::copy(p0.begin(), p0.end(), p);
        std::copy(m0.begin(), m0.end(), m);
        std::copy(v0.begin(), v0.end(), v);
        set->adam(s, n, g, p, m, v);
        double worst = 0;  // error / bound
        const auto compare = [&](Scalar found, double exact, double bound) {
          const double ratio = std::fabs(static_cast<double>(found) - exact) / bound;
          if (!(ratio <= worst)) worst = ratio;
        };
        for (size_t i = 0; i < g0.size(); ++i) {
          const double gi = g0[i], pi = p0[i], mi = m0[i], vi = v0[i];
          const double d = gi + weight_decay * pi;
          const double d_error = kU * (2 * std::fabs(weight_decay * pi) + std::fabs(d));
          const double rest1 = (1 - s.beta1) * d, m1 = s.beta1 * mi + rest1;
          const double m_error =
              kU * (2 * std::fabs(s.beta1 * mi) + 2 * std::fabs(rest1) + std::fabs(m1)) +
              (1 - s.beta1) * d_error;
          const double rest2 = (1 - s.beta2) * d * d, v1 = s.beta2 * vi + rest2;
          const double v_error =
              kU * (2 * s.beta2 * vi + 3 * rest2 + v1) + 2 * (1 - s.beta2) * std::fabs(d) * d_error;
          const double root = std::sqrt(v1) / s.sqrt_correction;
          // the root's argument, itself, its constant, the product; eps; the sum
          const double root_error = root * (v_error / v1 + 3 * kU);
          const double divisor = root + s.eps, divisor_error = root_error + kU * (s.eps + divisor);
          const double update = s.step_size * m1 / divisor;
          const double update_error = std::fabs(update) * (3 * kU + divisor_error / divisor) +
                                      s.step_size * m_error / divisor;
          compare(m[i], m1, m_error);
          compare(v[i], v1, v_error);
          const double kept = s.shrink * pi, p1 = kept - update;
          compare(p[i], p1, update_error + kU * (std::fabs(kept) + std::fabs(p1)));
        }
        REQUIRE(worst <= 1);
        REQUIRE((g_memory.intact() && p_memory.intact() && m_memory.intact() && v_memory.intact()));
      }
    }
  }
}

}  // namespace forger
