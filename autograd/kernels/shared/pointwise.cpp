#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include "autograd/kernels/parallel.h"
#include "autograd/kernels/shared.h"

namespace forger::kernels {
namespace {

// Strides known at compile time.
constexpr std::integral_constant<int64_t, 0> kSingle;
constexpr std::integral_constant<int64_t, 1> kDense;

template <class F>
void map(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y, F f) {
  const int64_t inner = s.extent[3], rows = s.extent[0] * s.extent[1] * s.extent[2];
  const int64_t as = s.a_stride[3], bs = s.b_stride[3];
  const auto row = [&](int64_t r, int64_t begin, int64_t end) {
    const int64_t k = r % s.extent[2], j = r / s.extent[2] % s.extent[1];
    const int64_t i = r / s.extent[2] / s.extent[1];
    const Scalar* ar = a + i * s.a_stride[0] + j * s.a_stride[1] + k * s.a_stride[2];
    const Scalar* br = b + i * s.b_stride[0] + j * s.b_stride[1] + k * s.b_stride[2];
    Scalar* yr = y + r * inner;
    // The compiler vectorises the loops with constant strides.
    const auto loop = [=](auto a_stride, auto b_stride) {
      for (int64_t l = begin; l < end; ++l) yr[l] = f(ar[l * a_stride], br[l * b_stride]);
    };
    if (as == 1 && bs == 1) return loop(kDense, kDense);
    if (as == 1 && bs == 0) return loop(kDense, kSingle);
    if (as == 0 && bs == 1) return loop(kSingle, kDense);
    loop(as, bs);
  };
  if (rows == 1) {
    parallel_chunks(inner, kChunkElements, [=](int64_t begin, int64_t end) { row(0, begin, end); });
  } else {
    parallel_chunks(rows, items_per_chunk(inner), [=](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row(r, 0, inner);
    });
  }
}

template <class F>
void map(int64_t n, const Scalar* x, Scalar* y, F f) {
  parallel_chunks(n, kChunkElements, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

/// e^x = 2^k (1 + r + r^2 q) with an integer k and |r| <= log(2) / 2. x is at most 100, where e^x
/// exceeds every float.
struct ExpParts {
  double x, power, r, q;  // power is 2^k
};

/// Computes the parts in double, with an error below 2^-36 of r^2 q. It has no branches, so that
/// loops over it are vectorised.
inline ExpParts exp_parts(float value) {
  const double u = value;
  const double x = u > 100 ? 100 : u;
  const double bounded = x < -100 ? -100 : x;
  constexpr double kShift = 0x1.8p52;  // x + kShift rounds x to an integer, in the low bits
  const double shifted = bounded * std::numbers::log2e + kShift;
  const double power = std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
  const double r = bounded - (shifted - kShift) * std::numbers::ln2;
  double q = 1.0 / 39916800;  // the series 1/2! + r/3! + ... + r^9/11!
  for (double factor : {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120,
                        1.0 / 24, 1.0 / 6, 1.0 / 2}) {
    q = q * r + factor;
  }
  return {x, power, r, q};
}

// Scalar selects one of the two overloads of each function. In the first, the differences in
// parentheses are 0 for k = 0, so that nothing cancels near 0.

[[maybe_unused]] inline float exp_minus_one(float x) {
  const ExpParts e = exp_parts(x);
  return static_cast<float>(e.power * (e.r + e.r * e.r * e.q) + (e.power - 1));
}
[[maybe_unused]] inline float exp_minus_two_terms(float x) {
  const ExpParts e = exp_parts(x);
  return static_cast<float>(e.power * (e.r * e.r * e.q) + (e.power - 1) + (e.power * e.r - e.x));
}

[[maybe_unused]] inline double exp_minus_one(double x) { return std::expm1(x); }
[[maybe_unused]] inline double exp_minus_two_terms(double x) {
  if (std::abs(x) > 0.5) return std::expm1(x) - x;
  // x^2/2 (1 + x/3 (1 + x/4 (...))): at 1/2 what follows x^16/16! is below 2^-60 of the sum.
  double sum = 1;
  for (int k = 16; k > 2; --k) sum = 1 + x / k * sum;
  return x * x / 2 * sum;
}

}  // namespace

void maximum(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return ((u > v) | (u != u)) ? u : v; });
}
void minimum(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return ((u < v) | (u != u)) ? u : v; });
}
void pow(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return v == 2 ? u * u : std::pow(u, v); });
}
void equal(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return Scalar(u == v); });
}
void not_equal(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return Scalar(u != v); });
}
void less(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return Scalar(u < v); });
}
void less_equal(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return Scalar(u <= v); });
}
void step(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y,
      [](Scalar u, Scalar v) { return (Scalar(u > v) + Scalar(u >= v)) * Scalar{0.5}; });
}

void masked(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) {
    const Scalar product = u * v;  // before the comparison, so that no branch is needed
    return v == 0 ? 0 : product;
  });
}
void where(int64_t n, const Scalar* condition, Repeatable a, Repeatable b, Scalar* y) {
  // The strides are constants of the loop, so that the compiler vectorises it.
  const auto select = [=](auto a_stride, auto b_stride) {
    parallel_chunks(n, kChunkElements, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Scalar u = a.data[i * a_stride], v = b.data[i * b_stride];
        y[i] = condition[i] != 0 ? u : v;
      }
    });
  };
  if (a.single && b.single) return select(kSingle, kSingle);
  if (a.single) return select(kSingle, kDense);
  if (b.single) return select(kDense, kSingle);
  select(kDense, kDense);
}

void rsqrt(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return static_cast<Scalar>(1 / std::sqrt(double{v})); });
}
void erf(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::erf(v); });
}
void sin(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::sin(v); });
}
void cos(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::cos(v); });
}
void erfc(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::erfc(v); });
}
void log1p(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::log1p(v); });
}
void expm1(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return exp_minus_one(v); });
}
void expm2(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return exp_minus_two_terms(v); });
}
void elu(int64_t n, Scalar alpha, const Scalar* x, Scalar* y) {
  map(n, x, y, [alpha](Scalar v) {
    const Scalar negative = alpha * exp_minus_one(v);
    return v > 0 ? v : negative;
  });
}

void sgd(const Sgd& s, int64_t n, const Scalar* g, Scalar* p, Scalar* v) {
  const auto lr = static_cast<Scalar>(s.lr), momentum = static_cast<Scalar>(s.momentum);
  const auto decay = static_cast<Scalar>(s.weight_decay);
  for (int64_t i = 0; i < n; ++i) {
    Scalar d = g[i] + decay * p[i];
    if (v) {
      v[i] = momentum * v[i] + d;
      d = s.nesterov ? d + momentum * v[i] : v[i];
    }
    p[i] -= lr * d;
  }
}

void rmsprop(const RmsProp& s, int64_t n, const Scalar* g, Scalar* p, Scalar* square, Scalar* v) {
  const auto lr = static_cast<Scalar>(s.lr), momentum = static_cast<Scalar>(s.momentum);
  const auto decay = static_cast<Scalar>(s.weight_decay), eps = static_cast<Scalar>(s.eps);
  const auto alpha = static_cast<Scalar>(s.alpha), rest = static_cast<Scalar>(1 - s.alpha);
  for (int64_t i = 0; i < n; ++i) {
    const Scalar d = g[i] + decay * p[i];
    square[i] = alpha * square[i] + rest * d * d;
    Scalar step = d / (std::sqrt(square[i]) + eps);
    if (v) step = v[i] = momentum * v[i] + step;
    p[i] -= lr * step;
  }
}

}  // namespace forger::kernels
