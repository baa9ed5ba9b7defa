#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/math.h"

// The pointwise family. Most of it moves memory: at 8 to 12 bytes an element the arithmetic hides
// behind loads and stores. A tail of fewer than a vector's lanes is the same code under a mask.
namespace forger::kernels {
namespace {

/// Elements of a chunk: 128 KiB an operand, far more work than starting a team costs.
constexpr int64_t kChunk = 32768;

/// The same loads with a mask where the last vector is not whole.
struct Lanes {
  Mask mask;
  bool whole;
  Vec get(const float* p) const { return whole ? load(p) : load(p, mask); }
  Vec kept(Vec a) const { return whole ? a : keep(a, mask); }
  void put(float* p, Vec a) const { whole ? store(p, a) : store(p, a, mask); }
};

/// Calls body(i, lanes) for i = begin, begin + kLanes, ... below end.
template <class Body>
inline void for_lanes(int64_t begin, int64_t end, const Body& body) {
  int64_t i = begin;
  for (; i + Vec::kLanes <= end; i += Vec::kLanes) body(i, Lanes{first_lanes(0), true});
  if (i < end) body(i, Lanes{first_lanes(end - i), false});
}

/// y = f(x), in chunks of kChunk elements.
template <class F>
inline void map(int64_t n, const float* x, float* y, const F& f) {
  parallel_chunks(n, kChunk, [=](int64_t begin, int64_t end) {
    for_lanes(begin, end, [&](int64_t i, Lanes lanes) { lanes.put(y + i, f(lanes.get(x + i))); });
  });
}

template <class F>
inline void map(int64_t n, const float* a, const float* b, float* y, const F& f) {
  parallel_chunks(n, kChunk, [=](int64_t begin, int64_t end) {
    for_lanes(begin, end, [&](int64_t i, Lanes lanes) {
      lanes.put(y + i, f(lanes.get(a + i), lanes.get(b + i)));
    });
  });
}

/// y = f(x), where f works on doubles.
template <class F>
inline void map_wide(int64_t n, const float* x, float* y, const F& f) {
  map(n, x, y, [&](Vec v) { return narrow(f(widen_low(v)), f(widen_high(v))); });
}

/// One row of a broadcast: each operand walks along or stays where it is.
template <bool a_walks, bool b_walks, class F>
inline void broadcast_row(int64_t n, const float* a, const float* b, float* y, const F& f) {
  const Vec a_same = a_walks ? zero() : broadcast(*a), b_same = b_walks ? zero() : broadcast(*b);
  for_lanes(0, n, [&](int64_t i, Lanes lanes) {
    lanes.put(y + i, f(a_walks ? lanes.get(a + i) : a_same, b_walks ? lanes.get(b + i) : b_same));
  });
}

/// y = f(a, b). The innermost strides are 0 or 1. A long row is cut into pieces, short ones are
/// taken several at a time.
template <class F>
inline void map(const Broadcast& s, const float* a, const float* b, float* y, const F& f) {
  const int64_t inner = s.extent[3], rows = s.extent[0] * s.extent[1] * s.extent[2];
  if (inner == 0) return;
  const int64_t pieces = ceil_div(inner, kChunk), piece = ceil_div(inner, pieces);
  parallel_chunks(rows * pieces, max(1, kChunk / inner), [=](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t row = t / pieces, l = t % pieces * piece;
      const int64_t k = row % s.extent[2], ij = row / s.extent[2];
      const int64_t j = ij % s.extent[1], i = ij / s.extent[1];
      const float* const ar = a + i * s.a_stride[0] + j * s.a_stride[1] + k * s.a_stride[2];
      const float* const br = b + i * s.b_stride[0] + j * s.b_stride[1] + k * s.b_stride[2];
      const int64_t n = min(piece, inner - l), as = s.a_stride[3], bs = s.b_stride[3];
      float* const to = y + row * inner + l;
      if (as != 0 && bs != 0) {
        broadcast_row<true, true>(n, ar + l, br + l, to, f);
      } else if (as != 0) {
        broadcast_row<true, false>(n, ar + l, br, to, f);
      } else if (bs != 0) {
        broadcast_row<false, true>(n, ar, br + l, to, f);
      } else {
        broadcast_row<false, false>(n, ar, br, to, f);
      }
    }
  });
}

void add(const Broadcast& s, const float* a, const float* b, float* y) {
  map(s, a, b, y, [](Vec u, Vec v) { return u + v; });
}
void sub(const Broadcast& s, const float* a, const float* b, float* y) {
  map(s, a, b, y, [](Vec u, Vec v) { return u - v; });
}
void mul(const Broadcast& s, const float* a, const float* b, float* y) {
  map(s, a, b, y, [](Vec u, Vec v) { return u * v; });
}
void div(const Broadcast& s, const float* a, const float* b, float* y) {
  map(s, a, b, y, [](Vec u, Vec v) { return u / v; });
}

void neg(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Vec v) { return -v; });
}
void abs(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Vec v) { return abs(v); });
}
void sign(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Vec v) {
    return select_less(zero(), v, broadcast(1), select_less(v, zero(), broadcast(-1), v));
  });
}
void sqrt(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Vec v) { return sqrt(v); });
}
void exp(int64_t n, const float* x, float* y) {
  map_wide(n, x, y, [](Wide v) { return exp(v); });
}
void log(int64_t n, const float* x, float* y) {
  map_wide(n, x, y, [](Wide v) { return log(v); });
}
void tanh(int64_t n, const float* x, float* y) {
  map_wide(n, x, y, [](Wide v) { return tanh(v); });
}
void sigmoid(int64_t n, const float* x, float* y) {
  map_wide(n, x, y, [](Wide v) { return sigmoid(v); });
}
void softplus(int64_t n, const float* x, float* y) {
  map_wide(n, x, y, [](Wide v) { return softplus(v); });
}

/// v where gate > 0, elsewhere slope * v, or for slope 0 the 0 that infinity would spoil; NaN stays
/// NaN.
struct Leak {
  float slope;
  Vec operator()(Vec gate, Vec v) const {
    const Vec scaled =
        slope == 0 ? select_less(-abs(v), broadcast(1), zero(), v) : broadcast(slope) * v;
    return select_less(zero(), gate, v, scaled);
  }
};

void leaky_relu(int64_t n, float slope, const float* x, float* y) {
  const Leak leak{slope};
  map(n, x, y, [leak](Vec v) { return leak(v, v); });
}
void leaky_relu_grad(int64_t n, float slope, const float* g, const float* y, float* dx) {
  const Leak leak{slope};
  map(n, g, y, dx, [leak](Vec u, Vec v) { return leak(v, u); });
}
void tanh_grad(int64_t n, const float* g, const float* y, float* dx) {
  map(n, g, y, dx, [](Vec u, Vec v) { return u * fma(-v, v, broadcast(1)); });
}
void sigmoid_grad(int64_t n, const float* g, const float* y, float* dx) {
  map(n, g, y, dx, [](Vec u, Vec v) { return u * (v * (broadcast(1) - v)); });
}

/// One pass over g, p, m and v.
void adam(const Adam& s, int64_t n, const float* g, float* p, float* m, float* v) {
  const auto constant = [](double x) { return broadcast(static_cast<float>(x)); };
  const Vec beta1 = constant(s.beta1), rest1 = constant(1 - s.beta1);
  const Vec beta2 = constant(s.beta2), rest2 = constant(1 - s.beta2);
  const Vec decay = constant(s.weight_decay), eps = constant(s.eps);
  const Vec shrink = constant(s.shrink), step_size = constant(s.step_size),
            correction = constant(1 / s.sqrt_correction);
  for_lanes(0, n, [&](int64_t i, Lanes lanes) {
    const Vec old = lanes.get(p + i);
    const Vec d = fma(decay, old, lanes.get(g + i));
    const Vec m1 = fma(beta1, lanes.get(m + i), rest1 * d);
    const Vec v1 = fma(beta2, lanes.get(v + i), rest2 * d * d);
    lanes.put(m + i, m1);
    lanes.put(v + i, v1);
    lanes.put(p + i, shrink * old - step_size * m1 / fma(sqrt(v1), correction, eps));
  });
}

}  // namespace
}  // namespace forger::kernels
