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
  parallel_chunks(vectors, group, [&](int64_t begin, int64_t end) {
    for_lanes(begin * Vec::kLanes, min(s.c, end * Vec::kLanes), body);
  });
}

Vec over(const WideSum& sum, double count) {
  return narrow(sum.low / wide(count), sum.high / wide(count));
}

void batch_norm_images(const Channels& s, float eps, const float* x, const float* weight,
                       const float* bias, float* y, float* mean, float* var, float* rstd) {
  const auto count = static_cast<double>(s.n * s.s);
  parallel_chunks(s.c, channels_per_chunk(s), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      WideSum sum, squares;
      for_channel(s, c, [&](int64_t i, Lanes lanes) { sum.add(lanes.get(x + i)); });
      mean[c] = static_cast<float>(sum.total() / count);
      const Vec m = broadcast(mean[c]);
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec d = lanes.kept(lanes.get(x + i) - m);
        squares.add(d * d);
      });
      const double variance = squares.total() / count;
      var[c] = static_cast<float>(variance);
      rstd[c] = static_cast<float>(1 / __builtin_sqrt(variance + static_cast<double>(eps)));
      const Vec scale = broadcast(rstd[c] * weight[c]), shift = broadcast(bias[c]);
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        lanes.put(y + i, fma(lanes.get(x + i) - m, scale, shift));
      });
    }
  });
}

void batch_norm_matrix(const Channels& s, float eps, const float* x, const float* weight,
                       const float* bias, float* y, float* mean, float* var, float* rstd) {
  const auto count = static_cast<double>(s.n);
  for_columns(s, [&](int64_t c, Lanes lanes) {
    WideSum sum, squares;
    for (int64_t n = 0; n < s.n; ++n) sum.add(lanes.get(x + n * s.c + c));
    const Vec m = over(sum, count);
    for (int64_t n = 0; n < s.n; ++n) {
      const Vec d = lanes.get(x + n * s.c + c) - m;
      squares.add(d * d);
    }
    const Vec variance = over(squares, count);
    const Wide e = wide(static_cast<double>(eps)), one = wide(1);
    const Vec r = narrow(one / sqrt(squares.low / wide(count) + e),
                         one / sqrt(squares.high / wide(count) + e));
    lanes.put(mean + c, m);
    lanes.put(var + c, variance);
    lanes.put(rstd + c, r);
    const Vec scale = r * lanes.get(weight + c), shift = lanes.get(bias + c);
    for (int64_t n = 0; n < s.n; ++n) {
      lanes.put(y + n * s.c + c, fma(lanes.get(x + n * s.c + c) - m, scale, shift));
    }
  });
}

void batch_norm(const Channels& s, float eps, const float* x, const float* weight,
                const float* bias, float* y, float* mean, float* var, float* rstd) {
  const auto kernel = s.s == 1 ? batch_norm_matrix : batch_norm_images;
  kernel(s, eps, x, weight, bias, y, mean, var, rstd);
}

// With d = x - mean, dbias = sum(g) and dweight = rstd sum(g d), the gradient is linear in g and d:
// dx = weight rstd (g - dbias / count - d rstd dweight / count) = k1 g + k2 d + k3.

void batch_norm_grad_images(const Channels& s, const float* g, const float* x, const float* weight,
                            const float* mean, const float* rstd, float* dx, float* dweight,
                            float* dbias) {
  const auto count = static_cast<double>(s.n * s.s);
  parallel_chunks(s.c, channels_per_chunk(s), [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const Vec m = broadcast(mean[c]);
      WideSum sum_g, sum_gd;
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        const Vec gi = lanes.get(g + i);  // zero behind the tail, so its product is too
        sum_g.add(gi);
        sum_gd.add(gi * (lanes.get(x + i) - m));
      });
      const auto r = static_cast<double>(rstd[c]);
      const double db = sum_g.total(), dw = r * sum_gd.total();
      const double scale = static_cast<double>(weight[c]) * r;
      dbias[c] = static_cast<float>(db);
      dweight[c] = static_cast<float>(dw);
      const Vec k1 = broadcast(static_cast<float>(scale));
      const Vec k2 = broadcast(static_cast<float>(-scale * r * dw / count));
      const Vec k3 = broadcast(static_cast<float>(-scale * db / count));
      for_channel(s, c, [&](int64_t i, Lanes lanes) {
        lanes.put(dx + i, fma(lanes.get(g + i), k1, fma(lanes.get(x + i) - m, k2, k3)));
      });
    }
  });
}

void batch_norm_grad_matrix(const Channels& s, const float* g, const float* x, const float* weight,
                            const float* mean, const float* rstd, float* dx, float* dweight,
                            float* dbias) {
  const auto count = static_cast<double>(s.n);
  for_columns(s, [&](int64_t c, Lanes lanes) {
    const Vec m = lanes.get(mean + c), r = lanes.get(rstd + c);
    WideSum sum_g, sum_gd;
    for (int64_t n = 0; n < s.n; ++n) {
      const Vec gi = lanes.get(g + n * s.c + c);
      sum_g.add(gi);
      sum_gd.add(gi * (lanes.get(x + n * s.c + c) - m));
    }
    lanes.put(dbias + c, over(sum_g, 1));
    lanes.put(dweight + c, r * over(sum_gd, 1));
    const Vec k1 = lanes.get(weight + c) * r;
    const Vec k2 = -(k1 * r * r * over(sum_gd, count)), k3 = -(k1 * over(sum_g, count));
    for (int64_t n = 0; n < s.n; ++n) {
      const int64_t at = n * s.c + c;
      lanes.put(dx + at, fma(lanes.get(g + at), k1, fma(lanes.get(x + at) - m, k2, k3)));
    }
  });
}

void batch_norm_grad(const Channels& s, const float* g, const float* x, const float* weight,
                     const float* mean, const float* rstd, float* dx, float* dweight,
                     float* dbias) {
  const auto kernel = s.s == 1 ? batch_norm_grad_matrix : batch_norm_grad_images;
  kernel(s, g, x, weight, mean, rstd, dx, dweight, dbias);
}

}  // namespace
}  // namespace forger::kernels
