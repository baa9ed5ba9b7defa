#pragma once

#include <omp.h>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/batched.h"
#include "autograd/kernels/simd/channel_weight_grad.h"
#include "autograd/kernels/simd/correlate.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemm.h"
#include "autograd/kernels/simd/window.h"
#include "autograd/memory.h"

// Convolution as a matrix product whose B is never stored (window.h), on the tile of gemm.h:
//
//                 M            N                    K                   A          B
//   forward       o            places of y          c x kh x kw         weights    windows of x
//   input grad    c            places of dx         o x its taps        weights    windows of g
//   weight grad   o            c x kh x kw          n x places of y     g          windows of x
//
// The input gradient with stride s is s * s products: x[i] with i + padding = t * s + f meets only
// the taps p with p * dilation = f (mod s), and for one f these read g at stride 1. So nothing is
// multiplied by a zero between the elements of g. The forward is the case of one phase.
//
// For many images both run through batched.h, and the weight gradient for many channels through
// channel_weight_grad.h, where nothing is packed. The rest, which is told here, is correlate.h and
// the weight gradient below:
//
//   correlate                                      weight gradient
//   pack all weights                               for (chunk of images, block of channels): task
//   for block of places: one task                    for block of images: a slice of k
//     for block of channels: a slice of k              pad its channels of x into the scratch
//       pad the images into the scratch                for 4 panels of columns
//       for phase                                        pack windows
//         for 4 panels of places                         for mr rows of g, for panel: tile of dw
//           pack windows                             add the chunks up in order
//           for panel of weights, for panel: tile
//
// A task's scratch and panels stay in its core's L2; the weights stream past from L3, mr floats a
// step for four tiles, 14 * 4 / (4 * 28) = half a byte a cycle. A padded element is used by all
// kh * kw / s^2 windows that contain it, an element of a packed panel by all M rows: 2 M flops.
//
// A task never shares a sum with another, and the weight gradient's chunks follow from the extents:
// the threads change no bit.
namespace forger::kernels {
namespace {

/// The kernel covers the image, so there is one place, and every direction is a plain product: the
/// discriminator's last layer and, with x and y exchanged, the generator's first.
bool covers(const Conv2d& s) {
  return s.kh == s.h && s.kw == s.w && s.padding == 0 && s.dilation == 1;
}

void any_correlate(const Correlation& s) {
  if (s.n * s.m * s.grid_h * s.grid_w == 0) return;
  takes_batched(s) ? correlate_batched(s) : correlate(s);
}

void conv2d(const Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw;
  if (covers(s)) return gemm({s.n, s.o, k, x, k, 1, weight, 1, k, y, s.o, false});
  const Axis vertical{0, 1, s.kh, 0, s.dilation, 0, s.oh};
  const Axis horizontal{0, 1, s.kw, 0, s.dilation, 0, s.ow};
  any_correlate({.n = s.n,
                 .c = s.c,
                 .h = s.h,
                 .w = s.w,
                 .x = x,
                 .x0 = -s.padding,
                 .step = s.stride,
                 .reach_h = (s.kh - 1) * s.dilation + 1,
                 .reach_w = (s.kw - 1) * s.dilation + 1,
                 .m = s.o,
                 .out_h = s.oh,
                 .out_w = s.ow,
                 .out_step = 1,
                 .y = y,
                 .weight = weight,
                 .w_m = k,
                 .w_c = s.kh * s.kw,
                 .kh = s.kh,
                 .kw = s.kw,
                 .grid_h = s.oh,
                 .grid_w = s.ow,
                 .phases = 1,
                 .vertical = &vertical,
                 .horizontal = &horizontal});
}

/// Phase f of an axis of dx: its elements f + t * stride see the taps p for which
/// (f + padding - p * dilation) / stride =: at is whole, and of g the element t + at. The taps and
/// their `at` are evenly spaced, so the first two say it all.
Axis input_grad_axis(const Conv2d& s, int64_t f, int64_t kernel, int64_t extent) {
  Axis a{0, 1, 0, 0, 0, f, max(0, ceil_div(extent - f, s.stride))};
  for (int64_t p = 0; p < kernel; ++p) {
    const int64_t at = f + s.padding - p * s.dilation;
    if (at % s.stride != 0) continue;
    if (a.taps == 0) a.tap = p, a.at = at / s.stride;
    if (a.taps == 1) a.tap_step = p - a.tap, a.at_step = at / s.stride - a.at;
    ++a.taps;
  }
  return a;
}

void conv2d_input_grad(const Conv2d& s, const float* g, const float* weight, float* dx) {
  const int64_t k = s.c * s.kh * s.kw;
  if (covers(s)) return gemm({s.n, k, s.o, g, s.o, 1, weight, k, 1, dx, k, false});
  const int64_t phases = max(1, min(s.stride, max(s.h, s.w)));  // those beyond have no element
  auto* const axes =
      static_cast<Axis*>(memory::acquire(static_cast<size_t>(2 * phases) * sizeof(Axis)));
  int64_t first = 0, last = 0;  // of g's elements, relative to t, that any phase reads
  for (int64_t f = 0; f < 2 * phases; ++f) {
    const bool vertical = f < phases;
    Axis& a = axes[f];
    a = input_grad_axis(s, f % phases, vertical ? s.kh : s.kw, vertical ? s.h : s.w);
    if (a.taps == 0) continue;
    first = min(first, a.at + (a.taps - 1) * a.at_step);
    last = max(last, a.at);
  }
  for (int64_t f = 0; f < 2 * phases; ++f) axes[f].at -= first;
  any_correlate({.n = s.n,
                 .c = s.o,
                 .h = s.oh,
                 .w = s.ow,
                 .x = g,
                 .x0 = first,
                 .step = 1,
                 .reach_h = last - first + 1,
                 .reach_w = last - first + 1,
                 .m = s.c,
                 .out_h = s.h,
                 .out_w = s.w,
                 .out_step = s.stride,
                 .y = dx,
                 .weight = weight,
                 .w_m = s.kh * s.kw,
                 .w_c = k,
                 .kh = s.kh,
                 .kw = s.kw,
                 .grid_h = ceil_div(s.h, s.stride),
                 .grid_w = ceil_div(s.w, s.stride),
                 .phases = phases,
                 .vertical = axes,
                 .horizontal = axes + phases});
  memory::release(axes);
}

/// Sizes of a weight gradient and its buffers.
struct WeightGradPlan {
  Blocks blocks;
  int64_t k, cb, c_blocks;    // columns of dw; channels of a task, and how often
  int64_t chunks, per_chunk;  // of blocks
  int64_t kc;                 // of a block
  int64_t split, width, reach, plane;
  int64_t scratch_size, own_size;
  float* own;       // [thread]: scratch, panels of windows
  float* partials;  // dw of all chunks but the first
  int64_t* k_at;    // where the places read, and the taps
  int64_t* col_at;
};

WeightGradPlan plan_weight_grad(const Conv2d& s) {
  WeightGradPlan p{};
  const int64_t taps = s.kh * s.kw;
  p.blocks = cut(s.n, s.oh, s.ow, kPlaces);
  p.k = s.c * taps;
  p.cb = min(s.c, max(1, 512 / taps));  // reads all of g for 512 columns
  p.c_blocks = ceil_div(s.c, p.cb);
  p.per_chunk = ceil_div(p.blocks.count, min(p.blocks.count, ceil_div(8, p.c_blocks)));
  p.chunks = ceil_div(p.blocks.count, p.per_chunk);
  p.kc = p.blocks.images * p.blocks.rows * s.ow;
  // Here the taps of a row are the neighbours, and dilation is what may part them.
  p.split = s.dilation;
  p.width = ceil_div((s.ow - 1) * s.stride + (s.kw - 1) * s.dilation + 1, p.split);
  p.reach = (s.kh - 1) * s.dilation + 1;
  p.plane = ((p.blocks.rows - 1) * s.stride + p.reach) * p.split * p.width;
  p.scratch_size = p.blocks.images * p.cb * p.plane + Vec::kLanes;
  p.own_size = round_up(p.scratch_size + kConvPanels * panel_size<kNr>(p.kc), 16);
  return p;
}

void fill_tables(const Conv2d& s, const WeightGradPlan& plan) {
  const int64_t pitch = plan.split * plan.width;
  int64_t* at = plan.k_at;
  for (int64_t n = 0; n < plan.blocks.images; ++n) {
    for (int64_t i = 0; i < plan.blocks.rows; ++i) {
      for (int64_t j = 0; j < s.ow; ++j) {
        const int64_t x = j * s.stride;
        *at++ = n * plan.cb * plan.plane + i * s.stride * pitch + x % plan.split * plan.width +
                x / plan.split;
      }
    }
  }
  at = plan.col_at;
  for (int64_t c = 0; c < plan.cb; ++c) {
    for (int64_t p = 0; p < s.kh; ++p) {
      for (int64_t q = 0; q < s.kw; ++q) *at++ = c * plan.plane + p * s.dilation * pitch + q;
    }
  }
}

/// Adds one block's share of channels c0, c0 + 1, ... to dw, or writes it.
void weight_grad_block(const Conv2d& s, const WeightGradPlan& plan, const float* g, const float* x,
                       const Block& block, int64_t c0, float* dw, bool accumulate, float* scratch) {
  float* const b = scratch + plan.scratch_size;
  const int64_t channels = min(plan.cb, s.c - c0), area = s.oh * s.ow;
  const int64_t images = block.n1 - block.n0, places = block.rows * s.ow, k = images * places;
  for (int64_t n = block.n0; n < block.n1; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      pad_image(x + (n * s.c + c0 + c) * s.h * s.w, s.h, s.w, block.i0 * s.stride - s.padding,
                -s.padding, (block.rows - 1) * s.stride + plan.reach, plan.split, plan.width,
                scratch + ((n - block.n0) * plan.cb + c) * plan.plane);
    }
  }
  const int64_t cols = channels * s.kh * s.kw;
  dw += c0 * s.kh * s.kw;
  for (int64_t jc = 0; jc < cols; jc += kConvPanels * kNr) {
    const int64_t end = min(cols, jc + kConvPanels * kNr);
    for (int64_t j = jc; j < end; j += kNr) {
      pack_window(k, plan.k_at, min(kNr, end - j), plan.col_at + j, scratch,
                  b + (j - jc) / kNr * panel_size<kNr>(k));
    }
    for (int64_t i = 0; i < s.o; i += kMr) {
      const float* const rows = g + (block.n0 * s.o + i) * area + block.i0 * s.ow;
      for (int64_t j = jc; j < end; j += kNr) {
        const float* const panel = b + (j - jc) / kNr * panel_size<kNr>(k);
        for (int64_t n = 0; n < images; n += kRunsAtOnce) {
          Run runs[kRunsAtOnce];
          int64_t count = 0;
          for (; count < min(kRunsAtOnce, images - n); ++count) {
            runs[count] = {places, (n + count) * s.o * area, panel + (n + count) * places * kNr};
          }
          any_tile(s.o - i, {rows, runs, count, kNr, area}, dw + i * plan.k + j, plan.k,
                   min(kNr, end - j), accumulate || n > 0);
        }
      }
    }
  }
}

void weight_grad_loops(const Conv2d& s, const WeightGradPlan& plan, const float* g, const float* x,
                       float* dweight, float* own) {
  const int64_t size = s.o * plan.k;
#pragma omp for schedule(monotonic : dynamic, 1)
  for (int64_t t = 0; t < plan.chunks * plan.c_blocks; ++t) {
    const int64_t chunk = t / plan.c_blocks, c0 = t % plan.c_blocks * plan.cb;
    float* const dw = chunk == 0 ? dweight : plan.partials + (chunk - 1) * size;
    const int64_t begin = chunk * plan.per_chunk;
    for (int64_t i = begin; i < min(plan.blocks.count, begin + plan.per_chunk); ++i) {
      weight_grad_block(s, plan, g, x, block_at(plan.blocks, i, s.n, s.oh), c0, dw, i > begin, own);
    }
  }
  if (plan.chunks == 1) return;
#pragma omp for schedule(static)
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t chunk = 1; chunk < plan.chunks; ++chunk) {
      dweight[i] += plan.partials[(chunk - 1) * size + i];
    }
  }
}

void conv2d_weight_grad(const Conv2d& s, const float* g, const float* x, float* dweight) {
  const int64_t k = s.c * s.kh * s.kw, places = s.n * s.oh * s.ow;
  if (covers(s)) return gemm({s.o, k, s.n, g, 1, s.o, x, k, 1, dweight, k, false});
  if (s.o * k == 0) return;
  if (takes_channels(s)) return channel_weight_grad(s, g, x, dweight);
  if (places == 0) {
    for (int64_t i = 0; i < s.o * k; ++i) dweight[i] = 0;
    return;
  }
  WeightGradPlan plan = plan_weight_grad(s);
  const bool serial = s.o * k * places < kSerialWork || plan.chunks * plan.c_blocks == 1;
  const int threads = serial ? 1 : omp_get_max_threads();
  plan.own = static_cast<float*>(memory::acquire(
      static_cast<size_t>(plan.own_size * threads + (plan.chunks - 1) * s.o * k) * sizeof(float)));
  plan.partials = plan.own + plan.own_size * threads;
  plan.k_at = static_cast<int64_t*>(
      memory::acquire(static_cast<size_t>(plan.kc + plan.cb * s.kh * s.kw) * sizeof(int64_t)));
  plan.col_at = plan.k_at + plan.kc;
  fill_tables(s, plan);
  if (threads == 1) {
    weight_grad_loops(s, plan, g, x, dweight, plan.own);
  } else {
#pragma omp parallel num_threads(threads)
    weight_grad_loops(s, plan, g, x, dweight, plan.own + omp_get_thread_num() * plan.own_size);
  }
  memory::release(plan.k_at);
  memory::release(plan.own);
}

}  // namespace
}  // namespace forger::kernels
