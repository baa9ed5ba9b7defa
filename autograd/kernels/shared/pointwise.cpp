#include <algorithm>
#include <cmath>

#include "autograd/kernels/parallel.h"
#include "autograd/kernels/shared.h"

namespace forger::kernels {
namespace {

template <class F>
void map(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y, F f) {
  const int64_t inner = s.extent[3], rows = s.extent[0] * s.extent[1] * s.extent[2];
  const int64_t as = s.a_stride[3], bs = s.b_stride[3];
  const auto row = [&](int64_t r, int64_t begin, int64_t end) {
    const int64_t k = r % s.extent[2], j = r / s.extent[2] % s.extent[1];
    const int64_t i = r / s.extent[2] / s.extent[1];
    const Scalar* ar = a + i * s.a_stride[0] + j * s.a_stride[1] + k * s.a_stride[2];
    const Scalar* br = b + i * s.b_stride[0] + j * s.b_stride[1] + k * s.b_stride[2];
    for (int64_t l = begin; l < end; ++l) y[r * inner + l] = f(ar[l * as], br[l * bs]);
  };
  if (rows == 1) {
    parallel_chunks(inner, kChunkElements, [&](int64_t begin, int64_t end) { row(0, begin, end); });
  } else {
    parallel_chunks(rows, items_per_chunk(inner), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row(r, 0, inner);
    });
  }
}

template <class F>
void map(int64_t n, const Scalar* x, Scalar* y, F f) {
  parallel_chunks(n, kChunkElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

}  // namespace

void maximum(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u > v || u != u ? u : v; });
}
void minimum(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return u < v || u != u ? u : v; });
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

void masked(const Broadcast& s, const Scalar* a, const Scalar* b, Scalar* y) {
  map(s, a, b, y, [](Scalar u, Scalar v) { return v == 0 ? 0 : u * v; });
}
void where(int64_t n, const Scalar* condition, const Scalar* a, const Scalar* b, Scalar* y) {
  parallel_chunks(n, kChunkElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = condition[i] != 0 ? a[i] : b[i];
  });
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
void expm1(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) { return std::expm1(v); });
}
void expm2(int64_t n, const Scalar* x, Scalar* y) {
  map(n, x, y, [](Scalar v) {
    const double u = v;
    if (std::abs(u) > 0.5) return static_cast<Scalar>(std::expm1(u) - u);
    // x^2/2 (1 + x/3 (1 + x/4 (...))): at 1/2 what follows x^16/16! is below 2^-60 of the sum.
    double sum = 1;
    for (int k = 16; k > 2; --k) sum = 1 + u / k * sum;
    return static_cast<Scalar>(u * u / 2 * sum);
  });
}
void elu(int64_t n, Scalar alpha, const Scalar* x, Scalar* y) {
  map(n, x, y, [alpha](Scalar v) { return v > 0 ? v : alpha * std::expm1(v); });
}

void sgd(const Sgd& s, int64_t n, const Scalar* g, Scalar* p, Scalar* v) {
  const auto lr = static_cast<Scalar>(s.lr), momentum = static_cast<Scalar>(s.momentum);
  const auto decay = static_cast<Scalar>(s.weight_decay);
  parallel_chunks(n, kChunkElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Scalar d = g[i] + decay * p[i];
      if (v) {
        v[i] = momentum * v[i] + d;
        d = s.nesterov ? d + momentum * v[i] : v[i];
      }
      p[i] -= lr * d;
    }
  });
}

void rmsprop(const RmsProp& s, int64_t n, const Scalar* g, Scalar* p, Scalar* square, Scalar* v) {
  const auto lr = static_cast<Scalar>(s.lr), momentum = static_cast<Scalar>(s.momentum);
  const auto decay = static_cast<Scalar>(s.weight_decay), eps = static_cast<Scalar>(s.eps);
  const auto alpha = static_cast<Scalar>(s.alpha), rest = static_cast<Scalar>(1 - s.alpha);
  parallel_chunks(n, kChunkElements, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Scalar d = g[i] + decay * p[i];
      square[i] = alpha * square[i] + rest * d * d;
      Scalar step = d / (std::sqrt(square[i]) + eps);
      if (v) step = v[i] = momentum * v[i] + step;
      p[i] -= lr * step;
    }
  });
}

}  // namespace forger::kernels
