#pragma once

#include "autograd/kernels/simd/correlate.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"

// The same as correlate.h, for many images: the columns of a tile are not neighbouring places of an
// image but the same place of kNr images, which the scratch keeps side by side, or of half as many
// images two places that lead with the same taps:
//
//   scratch[row][column][channel][image]
//
// What tap (p, q) of a place reads is consecutive over the channels, and, where neighbouring taps
// read neighbouring pixels, over the taps of a row as well. So no window is packed: the tile reads
// the scratch itself, in one run for each row of the kernel. And since all columns of a tile have
// the same place, or two alike, the taps that fall on padding are left out: a sixteenth of the
// multiply-adds of a 4 x 4 kernel with stride 2 on 32 x 32 pixels, a quarter on 8 x 8. The price is
// to transpose images in and results out, each number once.
namespace forger::kernels {
namespace {

struct BatchedPlan {
  int64_t images, image_blocks;    // of a block, which are the scratch's lanes, and how many blocks
  int64_t rows, bands;             // of the grid, of a block
  int64_t in_rows, out_rows;       // of the input that a band reads, of the output that it writes
  int64_t cb, c_blocks, taps;      // channels of a slice of k, slices; the most taps of a phase
  int64_t a_panels, a_slice;       // floats of all panels of a slice
  int64_t panels, m_blocks;        // of a block's rows of weights, and how many such blocks
  int64_t scratch_size, own_size;  // floats
  float* a;  // [phase][slice][panel], k in the order row of taps, tap, channel
};

/// From what a tap reads to what the next one does.
int64_t step_of(const Axis& a) { return max(1, a.at_step < 0 ? -a.at_step : a.at_step); }

/// The taps of an axis that place t reads inside [0, extent): `first` to `last` - 1, in the order
/// of what they read, and the element that `first` reads.
struct Span {
  int64_t first, last, at;
};
Span span_of(const Axis& a, int64_t x0, int64_t step, int64_t t, int64_t extent) {
  const int64_t stride = step_of(a);
  const int64_t lowest = x0 + t * step + min(a.at, a.at + (a.taps - 1) * a.at_step);
  const int64_t first = lowest >= 0 ? 0 : min(a.taps, ceil_div(-lowest, stride));
  const int64_t room = extent - lowest;  // from the first tap's element on
  const int64_t last = room <= 0 ? first : max(first, min(a.taps, ceil_div(room, stride)));
  return {first, last, lowest + first * stride};
}

/// The weights' tap that is number `i` in the order of what is read.
int64_t tap_at(const Axis& a, int64_t i) {
  return a.tap + (a.at_step < 0 ? a.taps - 1 - i : i) * a.tap_step;
}

/// The part of an axis' taps, over all phases and places, that fall inside the input.
double part_inside(const Correlation& s, const Phases& axes, int64_t extent) {
  int64_t inside = 0, all = 0;
  for (int64_t f = 0; f < axes.count; ++f) {
    for (int64_t t = 0; t < axes[f].extent; ++t) {
      const Span span = span_of(axes[f], s.x0, s.step, t, extent);
      inside += span.last - span.first;
      all += axes[f].taps;
    }
  }
  return static_cast<double>(inside) / static_cast<double>(max(1, all));
}

/// Whether the images fill the lanes as well as the padding that is left out deserves, and there is
/// work enough to transpose them for. Where correlate.h would scatter its results, a tenth less
/// will do.
bool takes_batched(const Correlation& s) {
  if (s.c < 8 || s.m <= kFewRows) return false;
  // A block is at least one row of the grid.
  const int64_t in_row = min(s.h, s.reach_h) * s.w, out_row = min(s.out_h, s.out_step) * s.out_w;
  if (max(in_row, out_row * round_up(s.m, kMr)) * kNr > kMostScratch) return false;
  const double filled = static_cast<double>(s.n) / static_cast<double>(round_up(s.n, Vec::kLanes));
  const double inside = part_inside(s, s.vertical, s.h) * part_inside(s, s.horizontal, s.w);
  return filled >= (s.out_step > 1 ? 0.9 : 1.0) * inside;
}

BatchedPlan plan_batched(const Correlation& s, int threads) {
  BatchedPlan p{};
  p.taps = 1;
  for (int64_t f = 0; f < phases_of(s); ++f) {
    p.taps = max(p.taps, vertical_of(s, f).taps * horizontal_of(s, f).taps);
  }
  p.images = round_up(s.n, kNr) == round_up(s.n, Vec::kLanes) ? kNr : Vec::kLanes;
  p.image_blocks = ceil_div(s.n, p.images);
  // Bands whose results take twice the scratch's size at most, and eight tasks if there are.
  const int64_t row_size = s.out_step * s.out_w * ceil_div(s.m, kMr) * kMr * p.images;
  p.rows = max(1, min(s.grid_h, 2 * kScratch / row_size));
  // Each band reads all weights, each block of weights transposes the images again. The blocks may
  // be as many as the threads: unlike bands, they do not change how k is cut.
  const bool many_weights = s.m * s.kh * s.kw > 4 * s.h * s.w * kNr;
  while (!many_weights && p.rows > 2 && p.image_blocks * ceil_div(s.grid_h, p.rows) < 8) {
    p.rows = (p.rows + 1) / 2;
  }
  p.bands = ceil_div(s.grid_h, p.rows);
  p.rows = ceil_div(s.grid_h, p.bands);
  p.in_rows = min(s.h, (p.rows - 1) * s.step + s.reach_h);
  p.out_rows = min(s.out_h, p.rows * s.out_step);
  p.cb = max(1, min(s.c, min(kScratch / max(1, p.in_rows * s.w * p.images), kConvKc / p.taps)));
  p.c_blocks = ceil_div(s.c, p.cb);
  p.cb = ceil_div(s.c, p.c_blocks);
  p.a_panels = ceil_div(s.m, kMr);
  p.panels =
      many_weights ? ceil_div(p.a_panels, ceil_div(threads, p.image_blocks * p.bands)) : p.a_panels;
  p.m_blocks = ceil_div(p.a_panels, p.panels);
  p.a_slice = p.a_panels * panel_size<kMr>(p.cb * p.taps);
  p.scratch_size = p.in_rows * s.w * p.cb * p.images;
  p.own_size = max(p.scratch_size + p.panels * kMr * p.out_rows * s.out_w * p.images,
                   panel_size<kMr>(s.kh * s.kw));
  return p;
}

/// Panel i of slice b of every phase. `all` has room for a channel's taps.
void pack_taps(const Correlation& s, const BatchedPlan& plan, int64_t b, int64_t i, float* all) {
  const int64_t channels = min(plan.cb, s.c - b * plan.cb);
  const float* const w = s.weight + i * kMr * s.w_m + b * plan.cb * s.w_c;
  for (int64_t c = 0; c < channels; ++c) {
    pack_panel<kMr>(s.m - i * kMr, s.kh * s.kw, w + c * s.w_c, s.w_m, 1, all);
    for (int64_t f = 0; f < phases_of(s); ++f) {
      const Axis &v = vertical_of(s, f), &u = horizontal_of(s, f);
      float* to = plan.a + (f * plan.c_blocks + b) * plan.a_slice +
                  i * panel_size<kMr>(channels * v.taps * u.taps) + c * kMr;
      for (int64_t p = 0; p < v.taps; ++p) {
        for (int64_t q = 0; q < u.taps; ++q, to += channels * kMr) {
          const float* const from = all + (tap_at(v, p) * s.kw + tap_at(u, q)) * kMr;
          __builtin_memcpy(to, from, kMr * sizeof(float));
        }
      }
    }
  }
}

/// Places of an axis from t to end - 1 that lead with the same taps inside the input: what they
/// read differs by a shift alone.
int64_t alike(const Axis& a, int64_t x0, int64_t step, int64_t t, int64_t end, int64_t extent) {
  const Span first = span_of(a, x0, step, t, extent);
  int64_t count = 1;
  for (; t + count < end; ++count) {
    const Span next = span_of(a, x0, step, t + count, extent);
    if (next.first != first.first || next.last != first.last) break;
  }
  return count;
}

/// One block at work on slice b of its channels.
struct BatchedBlock {
  const Correlation& s;
  const BatchedPlan& plan;
  int64_t r0, r1;               // its panels of weights
  int64_t first_row, channels;  // what the scratch holds
  const float* scratch;
  bool accumulate;
};

/// The tiles of one place of one phase, or of two that are alike: the second reads b_next, and
/// writes c_next floats further on; c_next is 0 if there is none.
void multiply_place(const BatchedBlock& block, const Axis& v, const Axis& u, const float* a,
                    int64_t i, int64_t j, int64_t b_next, int64_t c_next, float* y) {
  const Correlation& s = block.s;
  const Span down = span_of(v, s.x0, s.step, i, s.h), across = span_of(u, s.x0, s.step, j, s.w);
  const int64_t images = block.plan.images, pixel = block.channels * images;
  const int64_t row_step = step_of(v), column_step = step_of(u);
  const bool joined = column_step == 1;  // the taps of a row lie one behind the other
  bool accumulate = block.accumulate;
  Run runs[kRunsAtOnce];
  int64_t count = 0;
  const auto multiply = [&] {
    const int64_t k = block.channels * v.taps * u.taps;
    const int64_t size = block.plan.out_rows * s.out_w * images;
    for (int64_t r = block.r0; r < block.r1; ++r) {
      Runs all{a + r * panel_size<kMr>(k), runs, count, images};
      if (c_next != 0) all.b_next = b_next, all.c_next = c_next;
      any_tile(s.m - r * kMr, all, y + (r - block.r0) * kMr * size, size,
               c_next != 0 ? kNr : images, accumulate);
    }
    count = 0;
    accumulate = true;
  };
  for (int64_t p = down.first; p < down.last; ++p) {
    const int64_t row = down.at + (p - down.first) * row_step - block.first_row;
    for (int64_t q = across.first; q < across.last; ++q) {
      const int64_t column = across.at + (q - across.first) * column_step;
      const int64_t taps = joined ? across.last - across.first : 1;
      runs[count++] = {taps * block.channels, (p * u.taps + q) * block.channels * kMr,
                       block.scratch + (row * s.w + column) * pixel};
      if (count == kRunsAtOnce) multiply();
      if (joined) break;
    }
  }
  if (count == 0 && !accumulate) runs[count++] = {0, 0, block.scratch};  // all taps on padding
  if (count > 0) multiply();
}

/// All places of one phase in rows i0 to i1 - 1 of the grid; y starts at row out_row of the output.
void multiply_phase(const BatchedBlock& block, const Axis& v, const Axis& u, const float* a,
                    int64_t i0, int64_t i1, int64_t out_row, float* y) {
  const Correlation& s = block.s;
  const int64_t images = block.plan.images, pixel = block.channels * images;
  const int64_t at_once = kNr / images;  // two places fill a tile where the images fill half of one
  for (int64_t i = i0, rows = 0; i < i1; i += rows) {
    rows = alike(v, s.x0, s.step, i, i1, s.h);
    for (int64_t j = 0, columns = 0; j < u.extent; j += columns) {
      columns = alike(u, s.x0, s.step, j, u.extent, s.w);
      const auto input = [&](int64_t t) { return (t / columns * s.w + t % columns) * s.step; };
      const auto output = [&](int64_t t) {
        return (t / columns * s.out_w + t % columns) * s.out_step;
      };
      const int64_t first = (v.out + i * s.out_step - out_row) * s.out_w + u.out + j * s.out_step;
      for (int64_t t = 0; t < rows * columns; t += at_once) {
        const bool two = at_once > 1 && t + 1 < rows * columns;
        multiply_place(block, v, u, a, i + t / columns, j + t % columns,
                       two ? (input(t + 1) - input(t)) * pixel : 0,
                       two ? (output(t + 1) - output(t)) * images : 0,
                       y + (first + output(t)) * images);
      }
    }
  }
}

/// All slices and phases of block t.
void batched_block(const Correlation& s, const BatchedPlan& plan, int64_t t, float* scratch) {
  float* const y = scratch + plan.scratch_size;
  const int64_t r0 = t % plan.m_blocks * plan.panels, r1 = min(plan.a_panels, r0 + plan.panels);
  t /= plan.m_blocks;
  const int64_t band = t % plan.bands, n0 = t / plan.bands * plan.images;
  const int64_t images = min(plan.images, s.n - n0);
  const int64_t i0 = band * plan.rows, i1 = min(s.grid_h, i0 + plan.rows);
  const int64_t first_row = max(0, min(s.h, s.x0 + i0 * s.step));
  const int64_t last_row = max(first_row, min(s.h, s.x0 + (i1 - 1) * s.step + s.reach_h));
  const int64_t out_row = i0 * s.out_step, out_rows = min(s.out_h, i1 * s.out_step) - out_row;
  const int64_t y_size = (r1 - r0) * kMr * plan.out_rows * s.out_w * plan.images;
  for (int64_t i = 0; s.gaps && i < y_size; ++i) y[i] = 0;
  const auto turn_in = plan.images == kNr ? to_lanes<kNr> : to_lanes<Vec::kLanes>;
  for (int64_t b = 0; b < plan.c_blocks; ++b) {
    const int64_t c0 = b * plan.cb, channels = min(plan.cb, s.c - c0);
    for (int64_t c = 0; c < channels; ++c) {
      turn_in(images, (last_row - first_row) * s.w,
              s.x + ((n0 * s.c + c0 + c) * s.h + first_row) * s.w, s.c * s.h * s.w,
              scratch + c * plan.images, channels * plan.images, s.h * s.w);
    }
    const BatchedBlock block{s, plan, r0, r1, first_row, channels, scratch, b > 0};
    for (int64_t f = 0; f < phases_of(s); ++f) {
      const Axis& v = vertical_of(s, f);
      multiply_phase(block, v, horizontal_of(s, f), plan.a + (f * plan.c_blocks + b) * plan.a_slice,
                     i0, min(i1, v.extent), out_row, y);
    }
  }
  for (int64_t m = r0 * kMr; m < min(s.m, r1 * kMr); ++m) {
    from_lanes<kNr>(images, out_rows * s.out_w,
                    y + (m - r0 * kMr) * plan.out_rows * s.out_w * plan.images, plan.images,
                    s.y + ((n0 * s.m + m) * s.out_h + out_row) * s.out_w, s.m * s.out_h * s.out_w,
                    s.out_h * s.out_w, past_caches(s));
  }
  fence();  // before other threads read what went past the caches
}

void correlate_batched(const Correlation& s) {
  const int most = max_threads();
  BatchedPlan plan = plan_batched(s, most);
  const int64_t tasks = plan.image_blocks * plan.bands * plan.m_blocks;
  const int threads = tasks == 1 ? 1 : most;
  const int64_t a_size = round_up(phases_of(s) * plan.c_blocks * plan.a_slice, 16);
  const int64_t own_size = round_up(plan.own_size, 16);
  const Scratch<float> floats(a_size + own_size * threads);
  plan.a = floats.get();
  run_team(threads, [&](Team& team) {
    float* const own = plan.a + a_size + team.thread() * own_size;
    team.share(plan.c_blocks * plan.a_panels,
               [&](int64_t t) { pack_taps(s, plan, t / plan.a_panels, t % plan.a_panels, own); });
    team.share(
        tasks, [&](int64_t t) { batched_block(s, plan, t, own); }, schedule_for(work_of(s)));
  });
}

}  // namespace
}  // namespace forger::kernels
