#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/channel_weight_grad.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"
#include "autograd/kernels/simd/winograd.h"

// The weight gradient by winograd.h, with channels as the columns of a tile, as in
// channel_weight_grad.h. k counts the quads of all images that take the point:
//
//   for (chunk of images, block of kNr channels): one task
//     for block of images: a slice of k
//       transpose x's channels into lanes and transform them:   v[remainder][point][k][channel]
//       pack g by places and transform it:                      a[point][panel][k][o]
//       for point, for remainder, for panel: tile of            dw[point][remainder][o][channel]
//   add the chunks up in order, transform, and transpose to [o][c][tap]
namespace forger::kernels {
namespace {

constexpr int64_t kWinogradQuads = 256;  // about as many are a slice of k

struct WinogradWeightGradPlan {
  int64_t taps, area;         // of the kernel; places of an image
  int64_t points, rems;       // of both axes: of a transform; remainders by the stride
  int64_t images, blocks;     // of a slice of k, and how many slices
  int64_t per_chunk, chunks;  // slices
  int64_t c_blocks, a_panels;
  int64_t v_point, a_panel, a_point;  // floats
  int64_t dw_point, dw_size;          // floats of a point and remainder, of a task
  int64_t plane_size, g_size, v_size, own_size;
  float* dw;   // [chunk][block of channels]
  float* own;  // [thread]: a plane of x and a zero, places of g and a zero, v, a
};

/// r if the kernel has r taps an axis for each remainder by the stride, r = 2 or 3; or else 0.
int64_t winograd_taps(const Conv2d& s) {
  const int64_t r = s.kh / s.stride;
  const bool fits = s.kh == s.kw && s.kh == r * s.stride && s.dilation == 1;
  return fits && (r == 2 || r == 3) ? r : 0;
}

/// Floats of v and a.
int64_t points_of_image(const Conv2d& s, int64_t r) {
  return Quads(s.oh, s.ow).products(r) * (s.stride * s.stride * kNr + round_up(s.o, kMr));
}

/// Floats of one chunk's dw.
int64_t winograd_sums(const Conv2d& s, int64_t r) {
  return (r + 1) * (r + 1) * s.stride * s.stride * s.o * round_up(s.c, kNr);
}

/// Whether it is likely to be faster than channel_weight_grad.h, counted in multiply-adds: a number
/// of v costs as much as five of them, one of a as eight, one of dw as four (fitted as in
/// winograd_correlate.h).
bool takes_winograd(const Conv2d& s) {
  const int64_t r = winograd_taps(s);
  if (r == 0 || !takes_channels(s) || points_of_image(s, r) > kMostPoints) return false;
  if (winograd_sums(s, r) > most_partial_sums(operands_of(s))) return false;
  const int64_t rems = s.stride * s.stride, cols = round_up(s.c, Vec::kLanes);
  const int64_t quad = rems * cols * (s.o + 5) + 8 * s.o * ceil_div(s.c, kNr);
  const int64_t products = s.n * Quads(s.oh, s.ow).products(r);
  int64_t rows = 0, columns = 0;  // places that have a tap inside
  for (int64_t p = 0; p < s.kh; ++p) {
    const Places down = places_of(s, p, s.h, s.oh), across = places_of(s, p, s.w, s.ow);
    rows += down.t1 - down.t0;
    columns += across.t1 - across.t0;
  }
  return products * quad + 4 * (r + 1) * (r + 1) * rems * cols * s.o <
         s.n * rows * columns * s.o * cols;
}

WinogradWeightGradPlan plan_winograd_weight_grad(const Conv2d& s, int64_t r) {
  WinogradWeightGradPlan p{};
  p.taps = s.kh * s.kw;
  p.area = s.oh * s.ow;
  p.points = (r + 1) * (r + 1);
  p.rems = s.stride * s.stride;
  const int64_t quads = Quads(s.oh, s.ow).all();
  const int64_t most = min(kWinogradQuads / quads, kMostPoints / points_of_image(s, r));
  p.images = ceil_div(s.n, ceil_div(s.n, max(1, most)));
  p.blocks = ceil_div(s.n, p.images);
  p.c_blocks = ceil_div(s.c, kNr);
  p.a_panels = ceil_div(s.o, kMr);
  p.per_chunk = blocks_per_chunk(p.blocks, p.c_blocks, winograd_sums(s, r), operands_of(s));
  p.chunks = ceil_div(p.blocks, p.per_chunk);
  p.v_point = panel_size<kNr>(p.images * quads);
  p.a_panel = panel_size<kMr>(p.images * quads);
  p.a_point = p.a_panels * p.a_panel;
  p.dw_point = s.o * kNr;
  p.dw_size = p.points * p.rems * p.dw_point;
  p.plane_size = (s.h * s.w + 1) * kNr;
  p.g_size = panel_size<kMr>(p.area + 1);
  p.v_size = p.rems * p.points * p.v_point;
  p.own_size = round_up(p.plane_size + p.g_size + p.v_size + p.points * p.a_point, 16);
  return p;
}

/// v of the channels of image n of a slice.
template <int r>
void channels_to_points(const Conv2d& s, const WinogradWeightGradPlan& plan, const float* plane,
                        int64_t n, float* v) {
  const Quads quads(s.oh, s.ow);
  for (int64_t rem = 0; rem < plan.rems; ++rem, v += plan.points * plan.v_point) {
    for (int64_t quad = 0; quad < quads.all(); ++quad) {
      const int64_t i = quad / quads.cols, j = quad % quads.cols;
      const int64_t top = 2 * i * s.stride + rem / s.stride - s.padding;
      const int64_t left = 2 * j * s.stride + rem % s.stride - s.padding;
      for (int64_t c = 0; c < kNr; c += Vec::kLanes) {
        transform<OfInput, r + 1, r + 1>(
            [&](int64_t p, int64_t q) {
              const int64_t row = top + p * s.stride, column = left + q * s.stride;
              const bool inside = row >= 0 && row < s.h && column >= 0 && column < s.w;
              return load(plane + (inside ? row * s.w + column : s.h * s.w) * kNr + c);
            },
            [&](int64_t p, int64_t q, Vec x) {
              const int64_t k = quads.number(n, i, j, p == r, q == r);
              if (k >= 0) store(v + (p * (r + 1) + q) * plan.v_point + k * kNr + c, x);
            });
      }
    }
  }
}

/// A panel's share of the g of image n of a slice.
template <int r>
void gradient_to_points(const Conv2d& s, const WinogradWeightGradPlan& plan, const float* g,
                        int64_t n, float* a) {
  const Quads quads(s.oh, s.ow);
  for (int64_t i = 0; i < quads.rows; ++i) {
    for (int64_t j = 0; j < quads.cols; ++j) {
      transform<OfGradient, 2, r + 1>(
          [&](int64_t p, int64_t q) {
            const bool inside = 2 * i + p < s.oh && 2 * j + q < s.ow;
            return load(g + (inside ? (2 * i + p) * s.ow + 2 * j + q : plan.area) * kMr);
          },
          [&](int64_t p, int64_t q, Vec x) {
            const int64_t k = quads.number(n, i, j, p == r, q == r);
            if (k >= 0) store(a + (p * (r + 1) + q) * plan.a_point + k * kMr, x);
          });
    }
  }
}

/// Adds the share of images n0, n0 + 1, ... to dw, or writes it.
template <int r>
void winograd_weight_grad_block(const Conv2d& s, const WinogradWeightGradPlan& plan, const float* g,
                                const float* x, int64_t n0, int64_t c0, float* dw, bool accumulate,
                                float* plane) {
  const int64_t images = min(plan.images, s.n - n0), channels = min(kNr, s.c - c0);
  float* const places = plane + plan.plane_size;
  float* const v = places + plan.g_size;
  float* const a = v + plan.v_size;
  for (int64_t c = 0; c < kNr; ++c) plane[s.h * s.w * kNr + c] = 0;
  for (int64_t n = 0; n < images; ++n) {
    to_lanes<kNr>(channels, s.h * s.w, x + ((n0 + n) * s.c + c0) * s.h * s.w, s.h * s.w, plane,
                  kNr);
    channels_to_points<r>(s, plan, plane, n, v);
  }
  for (int64_t i = 0; i < plan.a_panels; ++i) {
    for (int64_t n = 0; n < images; ++n) {
      pack_panel<kMr>(s.o - i * kMr, plan.area, g + ((n0 + n) * s.o + i * kMr) * plan.area,
                      plan.area, 1, places);
      store(places + plan.area * kMr, zero());
      gradient_to_points<r>(s, plan, places, n, a + i * plan.a_panel);
    }
  }
  const Quads quads(s.oh, s.ow);
  for (int64_t point = 0; point < plan.points; ++point) {
    const int64_t k = images * quads.count(point / (r + 1) == r, point % (r + 1) == r);
    for (int64_t rem = 0; rem < plan.rems; ++rem) {
      const Run run{k, 0, v + (rem * plan.points + point) * plan.v_point};
      float* const to = dw + (point * plan.rems + rem) * plan.dw_point;
      for (int64_t i = 0; i < plan.a_panels; ++i) {
        any_tile(s.o - i * kMr, {a + point * plan.a_point + i * plan.a_panel, &run, 1, kNr},
                 to + i * kMr * kNr, kNr, channels, accumulate);
      }
    }
  }
}

/// The weights of output channel o and a block of input channels, from all chunks' dw. `taps` has
/// room for kNr of each, less than a slice's v.
template <int r>
void points_to_weights(const Conv2d& s, const WinogradWeightGradPlan& plan, int64_t block,
                       int64_t o, float* dweight, float* taps) {
  const float* const dw = plan.dw + block * plan.dw_size + o * kNr;
  for (int64_t rem = 0; rem < plan.rems; ++rem) {
    for (int64_t c = 0; c < kNr; c += Vec::kLanes) {
      transform<ToWeights, r + 1, r>(
          [&](int64_t p, int64_t q) {
            const float* part = dw + ((p * (r + 1) + q) * plan.rems + rem) * plan.dw_point + c;
            Vec sum = load(part);
            for (int64_t chunk = 1; chunk < plan.chunks; ++chunk) {
              part += plan.c_blocks * plan.dw_size;
              sum = sum + load(part);
            }
            return sum;
          },
          [&](int64_t p, int64_t q, Vec x) {
            const int64_t tap =
                (rem / s.stride + p * s.stride) * s.kw + rem % s.stride + q * s.stride;
            store(taps + tap * kNr + c, x);
          });
    }
  }
  from_lanes<kNr>(min(kNr, s.c - block * kNr), plan.taps, taps, kNr,
                  dweight + (o * s.c + block * kNr) * plan.taps, plan.taps);
}

template <int r>
void winograd_weight_grad_loops(const Conv2d& s, const WinogradWeightGradPlan& plan, const float* g,
                                const float* x, float* dweight, Team& team) {
  float* const own = plan.own + team.thread() * plan.own_size;
  const auto add_chunk = [&](int64_t t) {
    const int64_t begin = t / plan.c_blocks * plan.per_chunk;
    for (int64_t i = begin; i < min(plan.blocks, begin + plan.per_chunk); ++i) {
      winograd_weight_grad_block<r>(s, plan, g, x, i * plan.images, t % plan.c_blocks * kNr,
                                    plan.dw + t * plan.dw_size, i > begin, own);
    }
  };
  team.share(plan.chunks * plan.c_blocks, add_chunk, schedule_for(work_of(s)));
  team.share(plan.c_blocks * s.o, [&](int64_t t) {
    points_to_weights<r>(s, plan, t % plan.c_blocks, t / plan.c_blocks, dweight, own);
  });
}

template <int r>
void winograd_weight_grad(const Conv2d& s, const float* g, const float* x, float* dweight) {
  WinogradWeightGradPlan plan = plan_winograd_weight_grad(s, r);
  const int most = work_of(s) < kSerialWork ? 1 : max_threads();
  const int threads = static_cast<int>(min(most, plan.chunks * plan.c_blocks));
  const int64_t dw_size = round_up(plan.chunks * plan.c_blocks * plan.dw_size, 16);
  const Scratch<float> floats(dw_size + plan.own_size * threads);
  plan.dw = floats.get();
  plan.own = plan.dw + dw_size;
  run_team(threads,
           [&](Team& team) { winograd_weight_grad_loops<r>(s, plan, g, x, dweight, team); });
}

}  // namespace
}  // namespace forger::kernels
