#include <algorithm>
#include <cmath>

#include "autograd/kernels/reference/reference.h"

namespace forger::kernels::reference {
namespace {

template <class F>
void map(int64_t n, const Scalar* x, Scalar* y, F f) {
#pragma omp parallel for if (n > kSerialWork)
  for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

template <class F>
void map(int64_t n, const Scalar* a, const Scalar* b, Scalar* y, F f) {
#pragma omp parallel for if (n > kSerialWork)
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

template <class F>
void map(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y, F f) {
  const int64_t *n = s.extent, *as = s.a_stride, *bs = s.b_stride;
#pragma omp parallel for collapse(2) if (n[0] * n[1] * n[2] * n[3] > kSerialWork)
  for (int64_t i = 0; i < n[0]; ++i) {
    for (int64_t j = 0; j < n[1]; ++j) {
      for (int64_t k = 0; k < n[2]; ++k) {
        for (int64_t l = 0; l < n[3]; ++l) {
          y[((i * n[1] + j) * n[2] + k) * n[3] + l] =
              f(a[i * as[0] + j * as[1] + k * as[2] + l * as[3]],
                b[i * bs[0] + j * bs[1] + k * bs[2] + l * bs[3]]);
        }
      }
    }
  }
}

// The three below are computed in double, so that rounding the result is the only error that a
// float can show.

Scalar sigmoid_of(Scalar x) {
  return static_cast<Scalar>(1 / (1 + std::exp(-static_cast<double>(x))));
}

Scalar tanh_of(Scalar x) { return static_cast<Scalar>(std::tanh(static_cast<double>(x))); }

Scalar softplus_of(Scalar x) {
  const double wide = x;
  const double positive = wide < 0 ? 0 : wide;  // not std::max, which would drop a NaN
  return static_cast<Scalar>(positive + std::log1p(std::exp(-std::abs(wide))));
}

}  // namespace

void add(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u + v; });
}
void sub(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u - v; });
}
void mul(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u * v; });
}
void div(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u / v; });
}

void neg(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return -v; });
}
void abs(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::abs(v); });
}
void sign(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return v > 0 ? Scalar(1) : v < 0 ? Scalar(-1) : v; });
}
void sqrt(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::sqrt(v); });
}
void exp(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::exp(v); });
}
void log(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::log(v); });
}
void tanh(int64_t n, const Scalar* x, Scalar* y) { map(n, x, y, tanh_of); }
void sigmoid(int64_t n, const Scalar* x, Scalar* y) { map(n, x, y, sigmoid_of); }
void softplus(int64_t n, const Scalar* x, Scalar* y) { map(n, x, y, softplus_of); }

void leaky_relu(int64_t n, Scalar slope, const Scalar* x, Scalar* y) {
  map(n, x, y, [slope](Scalar v) { return leak(slope, v > 0, v); });
}
void leaky_relu_grad(int64_t n, Scalar slope, const Scalar* g, const Scalar* y, Scalar* dx) {
  map(n, g, y, dx, [slope](Scalar u, Scalar v) { return leak(slope, v > 0, u); });
}
void tanh_grad(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx) {
  map(n, g, y, dx, [](Scalar u, Scalar v) { return u * std::fma(-v, v, Scalar(1)); });
}
void sigmoid_grad(int64_t n, const Scalar* g, const Scalar* y, Scalar* dx) {
  map(n, g, y, dx, [](Scalar u, Scalar v) { return u * (v * (1 - v)); });
}

void adam(const Adam& s, int64_t n, const Scalar* g, Scalar* p, Scalar* m, Scalar* v) {
  const auto beta1 = static_cast<Scalar>(s.beta1), beta2 = static_cast<Scalar>(s.beta2);
  const auto rest1 = static_cast<Scalar>(1 - s.beta1), rest2 = static_cast<Scalar>(1 - s.beta2);
  const auto decay = static_cast<Scalar>(s.weight_decay), eps = static_cast<Scalar>(s.eps);
  const auto step_size = static_cast<Scalar>(s.step_size), shrink = static_cast<Scalar>(s.shrink);
  const auto correction = static_cast<Scalar>(1 / s.sqrt_correction);
  for (int64_t i = 0; i < n; ++i) {
    const Scalar d = std::fma(decay, p[i], g[i]);
    m[i] = std::fma(beta1, m[i], rest1 * d);
    v[i] = std::fma(beta2, v[i], rest2 * d * d);
    p[i] = shrink * p[i] - step_size * m[i] / std::fma(std::sqrt(v[i]), correction, eps);
  }
}

}  // namespace forger::kernels::reference
