#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/kernels/simd/reduce.h"

// Batch norm. A channel is one thread's from beginning to end, so no sum is shared; its n * s
// numbers stay in L2 while mean, variance and result are computed, and memory is read once. Images
// put a vector along the pixels of a channel, matrices put it across neighbouring channels.
namespace forger::kernels {
namespace {

/// Channels of one chunk of work.
int64_t channels_per_chunk(const Channels& s) { return max(1, kChunk / max(1, s.n * s.s)); }

/// Calls body(offset, lanes) for all elements of channel c of [n, c, s].
template <class Body>
inline void for_channel(const Channels& s, int64_t c, const Body& body) {
  for (int64_t n = 0; n < s.n; ++n) {
    const int64_t at = (n * s.c + c) * s.s;
    for_lanes(at, at + s.s, body);
  }
}

/// Calls body(c, lanes) for each vector of channels; a matrix' rows are s.c apart.
template <class Body>
inline void for_columns(const Channels& s, const Body& body) {
  const int64_t vectors = ceil_div(s.c, Vec::kLanes);
  const int64_t group = max(1, channels_per_chunk(s) / Vec::kLanes);
  parallel_chunks(vectors, group, [=](int64_t begin, int64_t end) {
    for_lanes(begin * Vec::kLanes, min(s.c, end * Vec::kLanes), body);
  });
}

Vec over(const WideSum& sum, double count) {
  return narrow(sum.low / wide(count), sum.high / wide(count));
}

/// All that batch norm reads and writes; see kernels.h.
struct BatchNormForward {
  float eps;
  Leak leak;
  const float *x, *weight, *bias;
  float *y, *mean, *var, *rstd;
};

void batch_norm_images(const Channels& s, const BatchNormForward& f) {
  const auto count = static_cast<double>(s.n * s.s);
  parallel_chunks(s.c, channels_per_chunk(s), [=](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      WideSum sum, squares;
      for_channel(s, c, [&](int64_t i, Lanes lanes) { sum.add(lanes.get(f.x + i)); });
      f.mean[c] = static_cast<float>(sum.total() / count);
      const Vec m = broadcast(f.mean[c]);
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec d = lanes.kept(lanes.get(f.x + i) - m);
        squares.add(d * d);
      });
      const double variance = squares.total() / count;
      f.var[c] = static_cast<float>(variance);
      f.rstd[c] = static_cast<float>(1 / __builtin_sqrt(variance + static_cast<double>(f.eps)));
      const Vec scale = broadcast(f.rstd[c] * f.weight[c]), shift = broadcast(f.bias[c]);
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec y = fma(lanes.get(f.x + i) - m, scale, shift);
        lanes.put(f.y + i, f.leak(y, y));
      });
    }
  });
}

void batch_norm_matrix(const Channels& s, const BatchNormForward& f) {
  const auto count = static_cast<double>(s.n);
  for_columns(s, [&](int64_t c, Lanes lanes) {
    WideSum sum, squares;
    for (int64_t n = 0; n < s.n; ++n) sum.add(lanes.get(f.x + n * s.c + c));
    const Vec m = over(sum, count);
    for (int64_t n = 0; n < s.n; ++n) {
      const Vec d = lanes.get(f.x + n * s.c + c) - m;
      squares.add(d * d);
    }
    const Vec variance = over(squares, count);
    const Wide e = wide(static_cast<double>(f.eps)), one = wide(1);
    const Vec r = narrow(one / sqrt(squares.low / wide(count) + e),
                         one / sqrt(squares.high / wide(count) + e));
    lanes.put(f.mean + c, m);
    lanes.put(f.var + c, variance);
    lanes.put(f.rstd + c, r);
    const Vec scale = r * lanes.get(f.weight + c), shift = lanes.get(f.bias + c);
    for (int64_t n = 0; n < s.n; ++n) {
      const Vec y = fma(lanes.get(f.x + n * s.c + c) - m, scale, shift);
      lanes.put(f.y + n * s.c + c, f.leak(y, y));
    }
  });
}

void batch_norm(const Channels& s, float eps, float slope, const float* x, const float* weight,
                const float* bias, float* y, float* mean, float* var, float* rstd) {
  const auto kernel = s.s == 1 ? batch_norm_matrix : batch_norm_images;
  kernel(s, {eps, {slope}, x, weight, bias, y, mean, var, rstd});
}

struct BatchNormBackward {
  Leak leak;
  const float *g, *x, *weight, *bias, *mean, *rstd;
  float *dx, *dweight, *dbias;
};

// With d = x - mean, dbias = sum(g) and dweight = rstd sum(g d), the gradient is linear in g and d:
// dx = weight rstd (g - dbias / count - d rstd dweight / count) = k1 g + k2 d + k3. Before all that
// g passes the leaky ReLU, whose gate is computed as the forward computed it, to the bit: that
// costs less than to read y.

template <bool leaky>
void batch_norm_grad_images(const Channels& s, const BatchNormBackward& b) {
  const auto count = static_cast<double>(s.n * s.s);
  parallel_chunks(s.c, channels_per_chunk(s), [=](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const Vec m = broadcast(b.mean[c]), scale = broadcast(b.rstd[c] * b.weight[c]);
      const Vec shift = leaky ? broadcast(b.bias[c]) : zero();
      const auto leaked = [&](Vec g, Vec d) { return leaky ? b.leak(fma(d, scale, shift), g) : g; };
      WideSum sum_g, sum_gd;
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec d = lanes.get(b.x + i) - m;
        const Vec g = leaked(lanes.get(b.g + i), d);  // zero behind the tail, so its product is too
        sum_g.add(g);
        sum_gd.add(g * d);
      });
      const auto r = static_cast<double>(b.rstd[c]);
      const double db = sum_g.total(), dw = r * sum_gd.total();
      const double k = static_cast<double>(b.weight[c]) * r;
      b.dbias[c] = static_cast<float>(db);
      b.dweight[c] = static_cast<float>(dw);
      const Vec k1 = broadcast(static_cast<float>(k));
      const Vec k2 = broadcast(static_cast<float>(-k * r * dw / count));
      const Vec k3 = broadcast(static_cast<float>(-k * db / count));
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec d = lanes.get(b.x + i) - m;
        lanes.put(b.dx + i, fma(leaked(lanes.get(b.g + i), d), k1, fma(d, k2, k3)));
      });
    }
  });
}

template <bool leaky>
void batch_norm_grad_matrix(const Channels& s, const BatchNormBackward& b) {
  const auto count = static_cast<double>(s.n);
  for_columns(s, [&](int64_t c, Lanes lanes) {
    const Vec m = lanes.get(b.mean + c), r = lanes.get(b.rstd + c);
    const Vec scale = r * lanes.get(b.weight + c), shift = leaky ? lanes.get(b.bias + c) : zero();
    const auto leaked = [&](Vec g, Vec d) { return leaky ? b.leak(fma(d, scale, shift), g) : g; };
    WideSum sum_g, sum_gd;
    for (int64_t n = 0; n < s.n; ++n) {
      const Vec d = lanes.get(b.x + n * s.c + c) - m, g = leaked(lanes.get(b.g + n * s.c + c), d);
      sum_g.add(g);
      sum_gd.add(g * d);
    }
    lanes.put(b.dbias + c, over(sum_g, 1));
    lanes.put(b.dweight + c, r * over(sum_gd, 1));
    const Vec k2 = -(scale * r * r * over(sum_gd, count)), k3 = -(scale * over(sum_g, count));
    for (int64_t n = 0; n < s.n; ++n) {
      const int64_t at = n * s.c + c;
      const Vec d = lanes.get(b.x + at) - m;
      lanes.put(b.dx + at, fma(leaked(lanes.get(b.g + at), d), scale, fma(d, k2, k3)));
    }
  });
}

void batch_norm_grad(const Channels& s, float slope, const float* g, const float* x,
                     const float* weight, const float* bias, const float* mean, const float* rstd,
                     float* dx, float* dweight, float* dbias) {
  const bool leaky = slope != 1, matrix = s.s == 1;
  const auto kernel = matrix
                          ? (leaky ? batch_norm_grad_matrix<true> : batch_norm_grad_matrix<false>)
                          : (leaky ? batch_norm_grad_images<true> : batch_norm_grad_images<false>);
  kernel(s, {{slope}, g, x, weight, bias, mean, rstd, dx, dweight, dbias});
}

}  // namespace
}  // namespace forger::kernels
