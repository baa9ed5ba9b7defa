#pragma once

#include <omp.h>

#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemm.h"
#include "autograd/kernels/simd/window.h"
#include "autograd/memory.h"

// The loops that a convolution's forward and its input gradient share; conv.h tells the story.
namespace forger::kernels {
namespace {

constexpr int64_t kConvKc = 1024;   // about as deep as a slice of k gets
constexpr int64_t kConvPanels = 4;  // panels of B packed at a time
constexpr int64_t kPlaces = 512;    // of a block
constexpr int64_t kFewRows = 4;

/// One axis of one phase. Tap u is weight tap + u * tap_step and reads the scratch at + u * at_step
/// further than the place; place t is the output's out + t * out_step, t < extent.
struct Axis {
  int64_t tap, tap_step, taps;
  int64_t at, at_step;
  int64_t out, extent;
};

/// What forward and input gradient have in common. An output [n, m, out_h, out_w] is computed from
/// an input [n, c, h, w] in `phases` x `phases` phases, each on a grid of places of at most
/// grid_h x grid_w.
struct Correlation {
  int64_t n, c, h, w;
  const float* x;
  int64_t x0;                // the input row and column at which the scratch starts
  int64_t step;              // rows of the scratch from place to place
  int64_t reach_h, reach_w;  // rows and columns of the scratch that one place may read
  int64_t m, out_h, out_w, out_step;
  float* y;
  const float* weight;  // of row m, channel c, tap p, q: weight[m * w_m + c * w_c + p * kw + q]
  int64_t w_m, w_c, kh, kw;
  int64_t grid_h, grid_w;
  int64_t phases;
  const Axis *vertical, *horizontal;
};

/// Sizes that follow from a Correlation, and its buffers.
struct CorrelationPlan {
  Blocks blocks;
  int64_t cb, c_blocks, kc;        // channels of a slice of k, slices, and k of the longest
  int64_t a_panels, a_slice;       // floats of all panels of a slice
  int64_t width, plane;            // of the scratch: of a part of a row, floats of a channel
  int64_t places, table;           // of a block; entries of a phase's table
  int64_t scratch_size, own_size;  // floats
  float* a;                        // [phase][slice][panel]
  float* own;                      // [thread]: scratch, panels of B
  int64_t* tables;                 // [phase]: k_at, where the places read, where they write
};

CorrelationPlan plan_correlation(const Correlation& s) {
  CorrelationPlan p{};
  p.blocks = cut(s.n, s.grid_h, s.grid_w, kPlaces);
  int64_t taps = 1;
  for (int64_t v = 0; v < s.phases; ++v) {
    for (int64_t u = 0; u < s.phases; ++u) {
      taps = max(taps, s.vertical[v].taps * s.horizontal[u].taps);
    }
  }
  p.cb = max(1, min(s.c, kConvKc / taps));
  p.c_blocks = max(1, ceil_div(s.c, p.cb));
  p.kc = p.cb * taps;
  p.a_panels = ceil_div(s.m, kMr);
  p.a_slice = p.a_panels * panel_size<kMr>(p.kc);
  p.width = ceil_div((s.grid_w - 1) * s.step + s.reach_w, s.step);
  p.plane = ((p.blocks.rows - 1) * s.step + s.reach_h) * s.step * p.width;
  p.places = p.blocks.images * p.blocks.rows * s.grid_w;
  p.table = p.kc + 2 * p.places;
  p.scratch_size = p.blocks.images * p.cb * p.plane + Vec::kLanes;
  p.own_size = round_up(p.scratch_size + kConvPanels * panel_size<kNr>(p.kc), 16);
  return p;
}

/// The table of each phase: offsets into the scratch of its k and of a block's places, and offsets
/// into y of the places.
void fill_tables(const Correlation& s, const CorrelationPlan& plan) {
  const int64_t pitch = s.step * plan.width;
  for (int64_t f = 0; f < s.phases * s.phases; ++f) {
    const Axis &v = s.vertical[f / s.phases], &u = s.horizontal[f % s.phases];
    int64_t* at = plan.tables + f * plan.table;
    for (int64_t c = 0; c < plan.cb; ++c) {
      for (int64_t p = 0; p < v.taps; ++p) {
        for (int64_t q = 0; q < u.taps; ++q) {
          const int64_t x = u.at + q * u.at_step;
          *at++ = c * plan.plane + (v.at + p * v.at_step) * pitch + x % s.step * plan.width +
                  x / s.step;
        }
      }
    }
    int64_t* from = plan.tables + f * plan.table + plan.kc;
    int64_t* to = from + plan.places;
    for (int64_t n = 0; n < plan.blocks.images; ++n) {
      for (int64_t i = 0; i < min(plan.blocks.rows, v.extent); ++i) {
        for (int64_t j = 0; j < u.extent; ++j) {
          *from++ = n * plan.cb * plan.plane + i * s.step * pitch + j;
          *to++ = (n * s.m * s.out_h + v.out + i * s.out_step) * s.out_w + u.out + j * s.out_step;
        }
      }
    }
  }
}

/// Panel i of slice b of phase f.
void pack_weights(const Correlation& s, const CorrelationPlan& plan, int64_t f, int64_t b,
                  int64_t i) {
  const Axis &v = s.vertical[f / s.phases], &u = s.horizontal[f % s.phases];
  const int64_t channels = min(plan.cb, s.c - b * plan.cb), taps = v.taps * u.taps;
  const float* const w = s.weight + i * kMr * s.w_m + b * plan.cb * s.w_c;
  float* dst =
      plan.a + (f * plan.c_blocks + b) * plan.a_slice + i * panel_size<kMr>(channels * taps);
  if (s.w_c == taps) {  // all taps, channel after channel: k is one run of the storage
    pack_panel<kMr>(s.m - i * kMr, channels * taps, w, s.w_m, 1, dst);
    return;
  }
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t p = 0; p < v.taps; ++p) {
      for (int64_t q = 0; q < u.taps; ++q, dst += kMr) {
        const int64_t tap = (v.tap + p * v.tap_step) * s.kw + u.tap + q * u.tap_step;
        pack_panel<kMr>(s.m - i * kMr, 1, w + c * s.w_c + tap, s.w_m, 1, dst);
      }
    }
  }
}

/// The product of one phase, one slice and one block for few rows of weights, where packing B would
/// cost more than using it: the kernel reads the scratch itself, a vector for each run of places.
template <int rows>
void few_rows(const Correlation& s, int64_t k, const float* a, const int64_t* k_at,
              const float* scratch, int64_t count, const int64_t* from, const int64_t* to, float* y,
              bool accumulate) {
  constexpr int kVecs = static_cast<int>(min(8, (Vec::kLanes == 16 ? 24 : 12) / rows));
  for (int64_t j = 0; j < count;) {
    const float* start[kVecs];
    for (int v = 0; v < kVecs; ++v) start[v] = scratch;
    int64_t begin[kVecs + 1];
    int used = 0;
    for (; used < kVecs && j < count; ++used) {
      begin[used] = j;
      start[used] = scratch + from[j];
      do {
        ++j;
      } while (j < count && j - begin[used] < Vec::kLanes && from[j] == from[j - 1] + 1 &&
               to[j] == to[j - 1] + s.out_step);
    }
    begin[used] = j;

    Vec acc[rows][kVecs];
    for (int i = 0; i < rows; ++i) {
      for (int v = 0; v < kVecs; ++v) acc[i][v] = zero();
    }
    for (int64_t p = 0; p < k; ++p) {
      Vec x[rows];
      for (int i = 0; i < rows; ++i) x[i] = broadcast(a[p * kMr + i]);
      for (int v = 0; v < kVecs; ++v) {
        const Vec b = load(start[v] + k_at[p]);
        for (int i = 0; i < rows; ++i) acc[i][v] = fma(x[i], b, acc[i][v]);
      }
    }
    alignas(64) float out[rows][kVecs][Vec::kLanes];
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 8
      for (int v = 0; v < kVecs; ++v) store(out[i][v], acc[i][v]);
    }
    for (int i = 0; i < rows; ++i) {
      for (int v = 0; v < used; ++v) {
        float* at = y + i * s.out_h * s.out_w + to[begin[v]];
        for (int64_t l = 0; l < begin[v + 1] - begin[v]; ++l, at += s.out_step) {
          *at = accumulate ? *at + out[i][v][l] : out[i][v][l];
        }
      }
    }
  }
}

/// A tile whose columns go to y[r * row + to[j]]: directly if they are neighbours there.
void scatter_tile(int64_t rows, int64_t k, const float* a, const float* b, float* y, int64_t row,
                  int64_t cols, const int64_t* to, bool dense, bool accumulate) {
  if (dense && to[cols - 1] - to[0] == cols - 1) {
    tile_of_panels(rows, k, a, b, y + to[0], row, cols, accumulate);
    return;
  }
  alignas(64) float out[kMr][kNr];
  tile_of_panels(rows, k, a, b, out[0], kNr, cols, false);
  for (int64_t r = 0; r < min(rows, kMr); ++r, y += row) {
    if (accumulate) {
      for (int64_t j = 0; j < cols; ++j) y[to[j]] += out[r][j];
    } else {
      for (int64_t j = 0; j < cols; ++j) y[to[j]] = out[r][j];
    }
  }
}

/// All phases of one block, from slice b of k.
void correlate_block(const Correlation& s, const CorrelationPlan& plan, const Block& block,
                     int64_t b, float* scratch) {
  float* const b_panels = scratch + plan.scratch_size;
  const int64_t c0 = b * plan.cb, channels = min(plan.cb, s.c - c0);
  for (int64_t n = block.n0; n < block.n1; ++n) {
    for (int64_t c = 0; c < channels; ++c) {
      pad_image(s.x + (n * s.c + c0 + c) * s.h * s.w, s.h, s.w, s.x0 + block.i0 * s.step, s.x0,
                (block.rows - 1) * s.step + s.reach_h, s.step, plan.width,
                scratch + ((n - block.n0) * plan.cb + c) * plan.plane);
    }
  }
  float* const y = s.y + (block.n0 * s.m * s.out_h + block.i0 * s.out_step) * s.out_w;
  for (int64_t f = 0; f < s.phases * s.phases; ++f) {
    const Axis &v = s.vertical[f / s.phases], &u = s.horizontal[f % s.phases];
    const int64_t k = channels * v.taps * u.taps;
    const int64_t rows = max(0, min(block.rows, v.extent - block.i0));
    const int64_t count = (block.n1 - block.n0) * rows * u.extent;
    const float* const a = plan.a + (f * plan.c_blocks + b) * plan.a_slice;
    const int64_t* const k_at = plan.tables + f * plan.table;
    const int64_t *const from = k_at + plan.kc, *const to = from + plan.places;
    if (s.m <= kFewRows) {
      const auto kernel = s.m == 1   ? few_rows<1>
                          : s.m == 2 ? few_rows<2>
                          : s.m == 3 ? few_rows<3>
                                     : few_rows<4>;
      kernel(s, k, a, k_at, scratch, count, from, to, y, b > 0);
      continue;
    }
    for (int64_t jc = 0; jc < count; jc += kConvPanels * kNr) {
      const int64_t end = min(count, jc + kConvPanels * kNr);
      for (int64_t j = jc; j < end; j += kNr) {
        pack_window(k, k_at, min(kNr, end - j), from + j, scratch,
                    b_panels + (j - jc) / kNr * panel_size<kNr>(k));
      }
      for (int64_t i = 0; i < plan.a_panels; ++i) {
        for (int64_t j = jc; j < end; j += kNr) {
          scatter_tile(s.m - i * kMr, k, a + i * panel_size<kMr>(k),
                       b_panels + (j - jc) / kNr * panel_size<kNr>(k),
                       y + i * kMr * s.out_h * s.out_w, s.out_h * s.out_w, min(kNr, end - j),
                       to + j, s.out_step == 1, b > 0);
        }
      }
    }
  }
}

/// Inside a parallel region the threads share the loops out; outside of one this runs alone.
void correlate_loops(const Correlation& s, const CorrelationPlan& plan, float* own) {
  const int64_t slices = s.phases * s.phases * plan.c_blocks;
#pragma omp for schedule(monotonic : dynamic, 1)
  for (int64_t t = 0; t < slices * plan.a_panels; ++t) {
    const int64_t slice = t / plan.a_panels;
    pack_weights(s, plan, slice / plan.c_blocks, slice % plan.c_blocks, t % plan.a_panels);
  }
#pragma omp for schedule(monotonic : dynamic, 1)
  for (int64_t t = 0; t < plan.blocks.count; ++t) {
    const Block block = block_at(plan.blocks, t, s.n, s.grid_h);
    for (int64_t b = 0; b < plan.c_blocks; ++b) correlate_block(s, plan, block, b, own);
  }
}

void correlate(const Correlation& s) {
  CorrelationPlan plan = plan_correlation(s);
  const bool serial = s.n * s.m * s.grid_h * s.grid_w * s.c * s.reach_h * s.reach_w < kSerialWork;
  const int threads = serial || plan.blocks.count == 1 ? 1 : omp_get_max_threads();
  const int64_t a_size = round_up(s.phases * s.phases * plan.c_blocks * plan.a_slice, 16);
  plan.a = static_cast<float*>(
      memory::acquire(static_cast<size_t>(a_size + plan.own_size * threads) * sizeof(float)));
  plan.own = plan.a + a_size;
  plan.tables = static_cast<int64_t*>(
      memory::acquire(static_cast<size_t>(s.phases * s.phases * plan.table) * sizeof(int64_t)));
  fill_tables(s, plan);
  if (threads == 1) {
    correlate_loops(s, plan, plan.own);
  } else {
#pragma omp parallel num_threads(threads)
    correlate_loops(s, plan, plan.own + omp_get_thread_num() * plan.own_size);
  }
  memory::release(plan.tables);
  memory::release(plan.a);
}

}  // namespace
}  // namespace forger::kernels
