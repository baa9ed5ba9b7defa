#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/batched.h"
#include "autograd/kernels/simd/channel_weight_grad.h"
#include "autograd/kernels/simd/correlate.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemm.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"
#include "autograd/kernels/simd/window.h"
#include "autograd/kernels/simd/winograd_correlate.h"
#include "autograd/kernels/simd/winograd_weight_grad.h"

// Convolution as a matrix product whose B is never stored (window.h), on the tile of tile.h:
//
//                 M            N                    K                   A          B
//   forward       o            places of y          c x kh x kw         weights    windows of x
//   input grad    c            places of dx         o x its taps        weights    windows of g
//   weight grad   o            c x kh x kw          n x places of y     g          windows of x
//
// The input gradient with stride s is up to s * s products, one for each pair of phases:
// x[i] with i + padding = t * s + f meets only the taps p with p * dilation = f (mod s), and for
// one f these read g at stride 1. So nothing is multiplied by a zero between the elements of g. A
// phase without taps takes no product: its elements of dx are zero. The forward is the case of one
// phase.
//
// Where that is likely to be faster, the three run through winograd_correlate.h and
// winograd_weight_grad.h; else for many images forward and input gradient through batched.h, and
// for many channels the weight gradient through channel_weight_grad.h. The rest is correlate.h and
// the weight gradient below, or the reference where its scratch would be out of proportion:
//
//   correlate                                      weight gradient
//   pack all weights                               for (chunk of images, block of channels): task
//   for block of places: one task                    for block of images: a slice of k
//     for block of channels: a slice of k              pad its channels of x, interleave its rows
//       for phase                                      for strip of a window's columns
//         lay the images out in the scratch              for mr rows of g: tile of dw
//         for panel of weights, for strip: tile        add the chunks up in order
//
// A task's scratch stays in its core's L2; the weights stream past from L3, mr floats a step for
// four tiles, 14 * 4 / (4 * 28) = half a byte a cycle.
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

/// Returns false, with nothing written, if the scratch would be too large for all three.
bool any_correlate(const Correlation& s) {
  if (s.n * s.m * s.grid_h * s.grid_w == 0) return true;
  if (takes_winograd(s)) {
    (winograd_taps(s) == 2 ? correlate_winograd<2> : correlate_winograd<3>)(s);
  } else if (takes_batched(s)) {
    correlate_batched(s);
  } else {
    return correlate(s);
  }
  return true;
}

void conv2d(const Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw;
  if (covers(s)) return gemm({s.n, s.o, k, x, k, 1, weight, 1, k, y, s.o, false});
  const Axis vertical{0, 1, s.kh, 0, s.dilation, 0, s.oh};
  const Axis horizontal{0, 1, s.kw, 0, s.dilation, 0, s.ow};
  const bool done = any_correlate({.n = s.n,
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
                                   .vertical = {1, &vertical},
                                   .horizontal = {1, &horizontal},
                                   .gaps = false});
  if (!done) kReference.conv2d(s, x, weight, y);
}

/// Writes the phases of an axis of dx that have taps and elements, and returns how many there are.
/// The elements f + t * stride, of phase f, see the taps p for which
/// (f + padding - p * dilation) / stride =: at is whole, and of g the element t + at. So every
/// `period`-th tap is of one phase, and their `at` are evenly spaced.
int64_t input_grad_phases(const Conv2d& s, int64_t kernel, int64_t extent, Axis* axes) {
  const int64_t common = greatest_common_divisor(s.stride, s.dilation), period = s.stride / common;
  int64_t count = 0;
  for (int64_t p = 0; p < min(kernel, period); ++p) {
    const int64_t offset = p * s.dilation - s.padding;
    const int64_t f = (offset % s.stride + s.stride) % s.stride;
    if (f >= extent) continue;
    axes[count++] = {p,
                     period,
                     ceil_div(kernel - p, period),
                     (f - offset) / s.stride,
                     -s.dilation / common,
                     f,
                     ceil_div(extent - f, s.stride)};
  }
  return count;
}

void conv2d_input_grad(const Conv2d& s, const float* g, const float* weight, float* dx) {
  const int64_t k = s.c * s.kh * s.kw;
  if (covers(s)) return gemm({s.n, k, s.o, g, s.o, 1, weight, k, 1, dx, k, false});
  const Scratch<Axis> axes(min(s.kh, s.stride) + min(s.kw, s.stride));
  const Phases vertical{input_grad_phases(s, s.kh, s.h, axes.get()), axes.get()};
  Axis* const across = axes.get() + vertical.count;
  const Phases horizontal{input_grad_phases(s, s.kw, s.w, across), across};
  if (vertical.count * horizontal.count == 0) {
    for (int64_t i = 0; i < s.n * s.c * s.h * s.w; ++i) dx[i] = 0;
    return;
  }
  int64_t first = INT64_MAX, last = INT64_MIN;  // of g's elements, relative to t, that phases read
  for (int64_t f = 0; f < vertical.count + horizontal.count; ++f) {
    const Axis& a = axes.get()[f];
    first = min(first, a.at + (a.taps - 1) * a.at_step);
    last = max(last, a.at);
  }
  for (int64_t f = 0; f < vertical.count + horizontal.count; ++f) axes.get()[f].at -= first;
  const bool done = any_correlate(
      {.n = s.n,
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
       .vertical = vertical,
       .horizontal = horizontal,
       .gaps = vertical.count < min(s.stride, s.h) || horizontal.count < min(s.stride, s.w)});
  if (!done) kReference.conv2d_input_grad(s, g, weight, dx);
}

/// Sizes of a weight gradient and its buffers.
struct WeightGradPlan {
  Blocks blocks;
  int64_t cb, c_blocks;         // channels of a task, and how often
  int64_t chunks, per_chunk;    // of blocks
  int64_t split, width, pitch;  // a padded row: its columns by their remainder by the dilation
  int64_t in_rows;              // padded rows that a block reads
  int64_t column, cols;         // floats of a column of interleaved rows; of a window
  int64_t padded_size, own_size, dw_size;  // floats
  int64_t copied;                          // floats, by all tasks
  float* own;                              // [thread]: padded images, interleaved rows
  float* dw;                               // [chunk][block of channels][o][q][p][channel]
  int64_t* row_at;                         // where the rows of a window begin in a padded image
  int64_t* k_at;  // where the windows of the places begin in the interleaved rows
};

/// The plan for blocks of about `places` places.
WeightGradPlan plan_weight_grad(const Conv2d& s, int64_t places) {
  WeightGradPlan p{};
  p.blocks = cut(s.n, s.oh, s.ow, places);
  p.cb = min(s.c, max(1, 512 / (s.kh * s.kw)));  // reads all of g for 512 columns
  p.c_blocks = ceil_div(s.c, p.cb);
  p.split = s.kw > 1 ? s.dilation : 1;
  p.width = ceil_div((s.ow - 1) * s.stride + (s.kw - 1) * s.dilation + 1, p.split);
  p.pitch = p.split * p.width;
  p.in_rows = (p.blocks.rows - 1) * s.stride + (s.kh - 1) * s.dilation + 1;
  p.column = max(4, s.kh * p.cb);
  p.cols = s.kw * p.column;
  const int64_t floats =
      product(p.pitch, p.blocks.images * (p.in_rows * p.cb + p.blocks.rows * p.column));
  if (floats > kMostScratch && places > s.ow) return plan_weight_grad(s, places / 2);
  p.copied = product(floats, p.blocks.count * p.c_blocks);
  p.padded_size = p.blocks.images * p.in_rows * p.cb * p.pitch + Vec::kLanes;
  p.own_size = round_up(floats + Vec::kLanes * (p.column + 2), 16);
  p.dw_size = s.o * p.cols;
  p.per_chunk =
      blocks_per_chunk(p.blocks.count, p.c_blocks, p.c_blocks * p.dw_size, operands_of(s));
  p.chunks = ceil_div(p.blocks.count, p.per_chunk);
  return p;
}

void fill_tables(const Conv2d& s, const WeightGradPlan& plan) {
  int64_t* at = plan.row_at;
  for (int64_t p = 0; p < s.kh; ++p) {
    for (int64_t c = 0; c < plan.cb; ++c) *at++ = (p * s.dilation * plan.cb + c) * plan.pitch;
  }
  at = plan.k_at;
  for (int64_t i = 0; i < plan.blocks.rows; ++i) {
    for (int64_t j = 0; j < s.ow; ++j) {
      const int64_t x = j * s.stride;
      *at++ = (i * plan.pitch + x % plan.split * plan.width + x / plan.split) * plan.column;
    }
  }
}

/// Adds one block's share of channels c0, c0 + 1, ... to dw, or writes it.
void weight_grad_block(const Conv2d& s, const WeightGradPlan& plan, const float* g, const float* x,
                       const Block& block, int64_t c0, float* dw, bool accumulate, float* padded) {
  float* const b = padded + plan.padded_size;
  const int64_t channels = min(plan.cb, s.c - c0), area = s.oh * s.ow;
  const int64_t images = block.n1 - block.n0, places = block.rows * s.ow;
  const int64_t image = plan.in_rows * plan.cb * plan.pitch, row = plan.pitch * plan.column;
  if (channels < plan.cb) {  // rows that no channel will fill
    for (int64_t l = 0; l < images * image; ++l) padded[l] = 0;
  }
  float* end = b;
  for (int64_t n = 0; n < images; ++n) {
    float* const to = padded + n * image;
    for (int64_t part = 0; part < plan.split; ++part) {
      copy_grid(channels, x + ((block.n0 + n) * s.c + c0) * s.h * s.w, s.h, s.w,
                {block.i0 * s.stride - s.padding, 1, plan.in_rows, part - s.padding, plan.split,
                 plan.width},
                to + part * plan.width, plan.pitch, plan.cb * plan.pitch);
    }
    for (int64_t i = 0; i < block.rows; ++i, end += row) {
      interleave(s.kh * plan.cb, plan.row_at, plan.pitch, to + i * s.stride * plan.cb * plan.pitch,
                 end, plan.column);
    }
  }
  store(end, zero());  // which the last windows' last vector reads, and multiplies in vain
  // Meanwhile the same share of the next images' g is fetched.
  const int64_t share = images * s.o * area / plan.blocks.bands;
  Fetch fetch;
  if (block.n1 < s.n) {
    fetch = {g + block.n1 * s.o * area + block.i0 / plan.blocks.rows * share, kFetched,
             share / kFetched, kFetched};
  }
  for (int64_t j = 0, cols = 0; j < plan.cols; j += cols) {
    const int64_t left = plan.cols - j;
    const bool wide = left > kNr && left <= kNr + Vec::kLanes;
    cols = wide ? left : min(left, kNr);
    const int64_t mr = wide ? ceil_div(s.o, ceil_div(s.o, kMrWide)) : kMr;
    const auto multiply = wide ? wide_tile : any_tile;
    for (int64_t i = 0; i < s.o; i += mr) {
      const float* const rows = g + (block.n0 * s.o + i) * area + block.i0 * s.ow;
      for (int64_t n = 0; n < images; n += kRunsAtOnce) {
        Run runs[kRunsAtOnce];
        int64_t count = 0;
        for (; count < min(kRunsAtOnce, images - n); ++count) {
          runs[count] = {places, (n + count) * s.o * area, b + (n + count) * block.rows * row + j};
        }
        multiply(min(mr, s.o - i),
                 {.a = rows,
                  .run = runs,
                  .count = count,
                  .b_step = 0,
                  .a_row = area,
                  .b_at = plan.k_at,
                  .fetch = fetch.done() ? nullptr : fetch.next(count * places),
                  .fetch_row = kFetched},
                 dw + i * plan.cols + j, plan.cols, cols, accumulate || n > 0);
      }
    }
  }
}

void weight_grad_loops(const Conv2d& s, const WeightGradPlan& plan, const float* g, const float* x,
                       float* dweight, Team& team) {
  float* const own = plan.own + team.thread() * plan.own_size;
  const auto add_chunk = [&](int64_t t) {
    const int64_t c0 = t % plan.c_blocks * plan.cb, begin = t / plan.c_blocks * plan.per_chunk;
    for (int64_t i = begin; i < min(plan.blocks.count, begin + plan.per_chunk); ++i) {
      weight_grad_block(s, plan, g, x, block_at(plan.blocks, i, s.n, s.oh), c0,
                        plan.dw + t * plan.dw_size, i > begin, own);
    }
  };
  team.share(plan.chunks * plan.c_blocks, add_chunk, schedule_for(work_of(s)));
  team.share(s.o * plan.c_blocks, [&](int64_t t) {
    const int64_t o = t / plan.c_blocks, block = t % plan.c_blocks, c0 = block * plan.cb;
    float* const sum = plan.dw + block * plan.dw_size + o * plan.cols;
    for (int64_t chunk = 1; chunk < plan.chunks; ++chunk) {
      const float* const part = sum + chunk * plan.c_blocks * plan.dw_size;
      for (int64_t l = 0; l < plan.cols; ++l) sum[l] += part[l];
    }
    float* to = dweight + (o * s.c + c0) * s.kh * s.kw;
    for (int64_t c = 0; c < min(plan.cb, s.c - c0); ++c) {
      for (int64_t p = 0; p < s.kh; ++p) {
        for (int64_t q = 0; q < s.kw; ++q) *to++ = sum[q * plan.column + p * plan.cb + c];
      }
    }
  });
}

void conv2d_weight_grad(const Conv2d& s, const float* g, const float* x, float* dweight) {
  const int64_t k = s.c * s.kh * s.kw, places = s.n * s.oh * s.ow;
  if (covers(s)) return gemm({s.o, k, s.n, g, 1, s.o, x, k, 1, dweight, k, false});
  if (s.o * k == 0) return;
  if (takes_winograd(s)) {
    return (winograd_taps(s) == 2 ? winograd_weight_grad<2> : winograd_weight_grad<3>)(s, g, x,
                                                                                       dweight);
  }
  if (takes_channels(s)) return channel_weight_grad(s, g, x, dweight);
  if (places == 0) {
    for (int64_t i = 0; i < s.o * k; ++i) dweight[i] = 0;
    return;
  }
  WeightGradPlan plan = plan_weight_grad(s, kPlaces);
  const int64_t operands = operands_of(s), tasks = plan.chunks * plan.c_blocks;
  if (!pays_to_copy(plan.copied, plan.own_size, work_of(s), operands) ||
      tasks * plan.dw_size > most_partial_sums(operands)) {
    return kReference.conv2d_weight_grad(s, g, x, dweight);
  }
  const bool serial = work_of(s) < kSerialWork || tasks == 1;
  const int threads = serial ? 1 : max_threads();
  const Scratch<float> floats(plan.own_size * threads + tasks * plan.dw_size);
  const Scratch<int64_t> tables(s.kh * plan.cb + plan.blocks.rows * s.ow);
  plan.own = floats.get();
  plan.dw = plan.own + plan.own_size * threads;
  plan.row_at = tables.get();
  plan.k_at = plan.row_at + s.kh * plan.cb;
  fill_tables(s, plan);
  run_team(threads, [&](Team& team) { weight_grad_loops(s, plan, g, x, dweight, team); });
}

}  // namespace
}  // namespace forger::kernels
