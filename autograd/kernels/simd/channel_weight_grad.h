#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"

// The weight gradient with channels as the columns of a tile:
//
//   dw[tap][o][c] = sum over images and places of g[o][place] x[place + tap][c]
//
// The scratch keeps the kNr channels of a pixel of x side by side, so what a tile reads for one tap
// lies there as it is, a run for each row of places; no window is packed, and places whose window
// has this tap on padding are left out. g is packed into panels as for any product.
//
//   for (chunk of images, block of kNr channels): one task
//     for block of images: a slice of k
//       transpose x's channels into the scratch, pack g
//       for tap: list the runs
//         for panel of g: tile of dw
//   add the chunks up in order, and transpose to [o][c][tap]
namespace forger::kernels {
namespace {

/// Multiply-adds of a convolution, in any direction.
int64_t work_of(const Conv2d& s) { return s.n * s.o * s.oh * s.ow * s.c * s.kh * s.kw; }

/// Floats of x, weight and y.
int64_t operands_of(const Conv2d& s) {
  return s.n * (s.c * s.h * s.w + s.o * s.oh * s.ow) + s.o * s.c * s.kh * s.kw;
}

struct ChannelWeightGradPlan {
  int64_t taps, area;         // of the kernel; places of an image
  int64_t images, blocks;     // of a slice of k, and how many slices
  int64_t per_chunk, chunks;  // slices
  int64_t c_blocks, a_panels;
  int64_t dw_size, x_size, own_size;  // floats of one dw, of a scratch's images, of a thread
  float* dw;                          // [chunk][block of channels][tap][o][channel]
  float* own;                         // [thread]: x, panels of g
};

/// True if whole vectors of channels are the rule, an image is not too large for the caches, and
/// neither is one chunk's dw out of proportion to the operands.
bool takes_channels(const Conv2d& s) {
  const bool filled = s.c >= Vec::kLanes && 4 * s.c >= 3 * round_up(s.c, Vec::kLanes);
  const bool small = s.h * s.w * kNr + s.o * s.oh * s.ow <= 8 * kScratch;
  const int64_t sums = s.kh * s.kw * s.o * round_up(s.c, kNr);
  return filled && small && sums <= most_partial_sums(operands_of(s)) &&
         s.o * s.n * s.oh * s.ow > 0;
}

ChannelWeightGradPlan plan_channel_weight_grad(const Conv2d& s) {
  ChannelWeightGradPlan p{};
  p.taps = s.kh * s.kw;
  p.area = s.oh * s.ow;
  p.c_blocks = ceil_div(s.c, kNr);
  p.a_panels = ceil_div(s.o, kMr);
  const int64_t image = s.h * s.w * kNr + p.a_panels * kMr * p.area;
  p.images = max(1, min(s.n, min(kScratch / image, kRunsAtOnce / s.oh)));
  p.blocks = ceil_div(s.n, p.images);
  p.dw_size = p.taps * s.o * kNr;
  p.per_chunk = blocks_per_chunk(p.blocks, p.c_blocks, p.c_blocks * p.dw_size, operands_of(s));
  p.chunks = ceil_div(p.blocks, p.per_chunk);
  p.x_size = p.images * s.h * s.w * kNr;
  p.own_size = round_up(p.x_size + p.a_panels * panel_size<kMr>(p.images * p.area), 16);
  return p;
}

/// The places of an axis whose tap at `offset` from their window's start lies inside: t0 to t1 - 1.
struct Places {
  int64_t t0, t1;
};
Places places_of(const Conv2d& s, int64_t offset, int64_t extent, int64_t places) {
  const int64_t t0 = ceil_div(max(0, s.padding - offset), s.stride);
  const int64_t last = extent - 1 + s.padding - offset;
  return {t0, last < 0 ? t0 : max(t0, min(places, last / s.stride + 1))};
}

/// Adds the share of images n0, n0 + 1, ... to dw, or writes it.
void channel_weight_grad_block(const Conv2d& s, const ChannelWeightGradPlan& plan, const float* g,
                               const float* x, int64_t n0, int64_t c0, float* dw, bool accumulate,
                               float* scratch) {
  const int64_t images = min(plan.images, s.n - n0), channels = min(kNr, s.c - c0);
  const int64_t k = images * plan.area;
  float* const a = scratch + plan.x_size;
  for (int64_t n = 0; n < images; ++n) {
    to_lanes<kNr>(channels, s.h * s.w, x + ((n0 + n) * s.c + c0) * s.h * s.w, s.h * s.w,
                  scratch + n * s.h * s.w * kNr, kNr);
  }
  for (int64_t i = 0; i < plan.a_panels; ++i) {
    for (int64_t n = 0; n < images; ++n) {
      pack_panel<kMr>(s.o - i * kMr, plan.area, g + ((n0 + n) * s.o + i * kMr) * plan.area,
                      plan.area, 1, a + i * panel_size<kMr>(k) + n * plan.area * kMr);
    }
  }
  for (int64_t tap = 0; tap < plan.taps; ++tap) {
    const int64_t down = tap / s.kw * s.dilation, right = tap % s.kw * s.dilation;
    const Places rows = places_of(s, down, s.h, s.oh), cols = places_of(s, right, s.w, s.ow);
    Run runs[kRunsAtOnce];
    int64_t count = 0;
    bool add = accumulate;
    const auto multiply = [&] {
      for (int64_t i = 0; i < plan.a_panels; ++i) {
        any_tile(s.o - i * kMr, {a + i * panel_size<kMr>(k), runs, count, s.stride * kNr},
                 dw + (tap * s.o + i * kMr) * kNr, kNr, channels, add);
      }
      count = 0;
      add = true;
    };
    for (int64_t n = 0; n < images && cols.t1 > cols.t0; ++n) {
      for (int64_t i = rows.t0; i < rows.t1; ++i) {
        const int64_t row = i * s.stride + down - s.padding;
        const int64_t column = cols.t0 * s.stride + right - s.padding;
        runs[count++] = {cols.t1 - cols.t0, ((n * s.oh + i) * s.ow + cols.t0) * kMr,
                         scratch + ((n * s.h + row) * s.w + column) * kNr};
        if (count == kRunsAtOnce) multiply();
      }
    }
    if (count == 0 && !add) runs[count++] = {0, 0, scratch};  // no place has this tap
    if (count > 0) multiply();
  }
}

void channel_weight_grad_loops(const Conv2d& s, const ChannelWeightGradPlan& plan, const float* g,
                               const float* x, float* dweight, Team& team) {
  float* const own = plan.own + team.thread() * plan.own_size;
  const auto add_chunk = [&](int64_t t) {
    const int64_t begin = t / plan.c_blocks * plan.per_chunk;
    for (int64_t i = begin; i < min(plan.blocks, begin + plan.per_chunk); ++i) {
      channel_weight_grad_block(s, plan, g, x, i * plan.images, t % plan.c_blocks * kNr,
                                plan.dw + t * plan.dw_size, i > begin, own);
    }
  };
  team.share(plan.chunks * plan.c_blocks, add_chunk, schedule_for(work_of(s)));
  const int64_t tap_size = s.o * kNr;
  team.share(plan.c_blocks * s.o, [&](int64_t t) {
    const int64_t block = t % plan.c_blocks, o = t / plan.c_blocks;
    float* const sum = plan.dw + block * plan.dw_size + o * kNr;
    for (int64_t chunk = 1; chunk < plan.chunks; ++chunk) {
      const float* const part = sum + chunk * plan.c_blocks * plan.dw_size;
      for (int64_t tap = 0; tap < plan.taps; ++tap) {
        for (int64_t c = 0; c < kNr; c += Vec::kLanes) {
          const int64_t at = tap * tap_size + c;
          store(sum + at, load(sum + at) + load(part + at));
        }
      }
    }
    from_lanes<kNr>(min(kNr, s.c - block * kNr), plan.taps, sum, tap_size,
                    dweight + (o * s.c + block * kNr) * plan.taps, plan.taps);
  });
}

void channel_weight_grad(const Conv2d& s, const float* g, const float* x, float* dweight) {
  ChannelWeightGradPlan plan = plan_channel_weight_grad(s);
  const bool serial = work_of(s) < kSerialWork;
  const int threads = serial || plan.chunks * plan.c_blocks == 1 ? 1 : max_threads();
  const int64_t dw_size = round_up(plan.chunks * plan.c_blocks * plan.dw_size, 16);
  const Scratch<float> floats(dw_size + plan.own_size * threads);
  plan.dw = floats.get();
  plan.own = plan.dw + dw_size;
  run_team(threads, [&](Team& team) { channel_weight_grad_loops(s, plan, g, x, dweight, team); });
}

}  // namespace
}  // namespace forger::kernels
