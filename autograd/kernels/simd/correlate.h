#pragma once

#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"
#include "autograd/kernels/simd/window.h"

// The loops that a convolution's forward and its input gradient share; conv.h tells the story, and
// window.h how the scratch is laid out.
namespace forger::kernels {
namespace {

constexpr int64_t kConvKc = 1024;   // about as deep as a slice of k gets
constexpr int64_t kConvStrips = 4;  // strips of places for which a panel of weights is used at once
constexpr int64_t kPlaces = 512;    // of a block
constexpr int64_t kFewRows = 4;
/// Floats of an output of which caches would keep little for the next kernel: writing past them
/// saves fetching what is overwritten.
constexpr int64_t kPastCaches = int64_t{1} << 21;
/// Of a window, a vector each, which stay in registers beside the sums of half a panel's rows.
constexpr int kFewTaps = Vec::kLanes == 16 ? 22 : 6;
/// From so many on, writing y is not all of the work.
constexpr int kTapsToFetch = 12;

/// One axis of one phase. Tap u is weight tap + u * tap_step and reads the padded input at + u *
/// at_step further than the place; place t is the output's out + t * out_step, t < extent.
struct Axis {
  int64_t tap, tap_step, taps;
  int64_t at, at_step;
  int64_t out, extent;
};

/// The phases of an axis that have a tap.
struct Phases {
  int64_t count;
  const Axis* axes;
  const Axis& operator[](int64_t f) const { return axes[f]; }
};

/// What forward and input gradient have in common. An output [n, m, out_h, out_w] is computed from
/// an input [n, c, h, w] in phases, one for each pair of a vertical and a horizontal one, each on a
/// grid of places of at most grid_h x grid_w.
struct Correlation {
  int64_t n, c, h, w;
  const float* x;
  int64_t x0;                // row and column of the input at which the padded one starts
  int64_t step;              // its rows and columns from place to place
  int64_t reach_h, reach_w;  // its rows and columns that one place may read
  int64_t m, out_h, out_w, out_step;
  float* y;
  const float* weight;  // of row m, channel c, tap p, q: weight[m * w_m + c * w_c + p * kw + q]
  int64_t w_m, w_c, kh, kw;
  int64_t grid_h, grid_w;
  Phases vertical, horizontal;
  bool gaps;  // some elements of the output belong to no phase, and are 0
};

int64_t phases_of(const Correlation& s) { return s.vertical.count * s.horizontal.count; }
/// The two axes of phase f.
const Axis& vertical_of(const Correlation& s, int64_t f) {
  return s.vertical[f / s.horizontal.count];
}
const Axis& horizontal_of(const Correlation& s, int64_t f) {
  return s.horizontal[f % s.horizontal.count];
}

/// Multiply-adds, or some more: the taps of all phases are those of the kernel.
int64_t work_of(const Correlation& s) {
  return s.n * s.m * s.grid_h * s.grid_w * s.c * s.kh * s.kw;
}

/// Whether the results shall go past the caches.
bool past_caches(const Correlation& s) { return s.n * s.m * s.out_h * s.out_w >= kPastCaches; }

/// Sizes that follow from a Correlation, and its buffers.
struct CorrelationPlan {
  Blocks blocks;
  int64_t cb, c_blocks, kc;      // channels of a slice of k, slices, and k of the longest
  int64_t a_panels, a_slice;     // floats of all panels of a slice
  bool by_taps;                  // a part of the scratch for each tap's columns, or each remainder
  int64_t parts, height, width;  // of a channel: parts; rows and columns of a remainder of a part
  int64_t plane;                 // floats of a channel
  bool by_rows;                  // the places of a row follow each other in the scratch, no others
  int64_t places, table;         // of a block; entries of a phase's table
  int64_t scratch, own_size;     // floats of a block's images; and of what a vector reads behind
  float* a;                      // [phase][slice][panel]
  float* own;                    // [thread]: scratch
  int64_t* tables;               // [phase]: k_at, where the places read, where they write
};

CorrelationPlan plan_correlation(const Correlation& s) {
  CorrelationPlan p{};
  p.blocks = cut(s.n, s.grid_h, s.grid_w, kPlaces);
  int64_t down = 0, across = 0;
  for (int64_t f = 0; f < s.vertical.count; ++f) down = max(down, s.vertical[f].taps);
  for (int64_t f = 0; f < s.horizontal.count; ++f) across = max(across, s.horizontal[f].taps);
  const int64_t taps = max(1, down * across);
  p.cb = max(1, min(s.c, kConvKc / taps));
  p.c_blocks = max(1, ceil_div(s.c, p.cb));
  p.kc = p.cb * taps;
  p.a_panels = ceil_div(s.m, kMr);
  p.a_slice = p.a_panels * panel_size<kMr>(p.kc);
  // For few rows copying a number kw times would cost more than it gives; whole strips do without.
  const bool whole_strips = s.grid_w % kNr == 0 && s.out_w == s.grid_w * s.out_step;
  p.height = ceil_div((p.blocks.rows - 1) * s.step + s.reach_h, s.step);
  const int64_t rows = p.blocks.images * p.cb * s.step * p.height;
  p.by_taps = s.m > kFewRows && !whole_strips && product(rows, across * s.grid_w) <= kMostScratch;
  p.by_rows = !p.by_taps && !whole_strips;
  p.parts = p.by_taps ? across : s.step;
  p.width = p.by_taps ? s.grid_w : ceil_div((s.grid_w - 1) * s.step + s.reach_w, s.step);
  p.plane = product(s.step * p.height, p.parts * p.width);
  p.places = p.blocks.images * p.blocks.rows * s.grid_w;
  p.table = p.kc + 2 * p.places;
  p.scratch = product(rows, p.parts * p.width);
  return p;
}

/// From a row of the scratch to the next, in a phase.
int64_t width_of(const CorrelationPlan& plan, const Axis& horizontal) {
  return plan.by_taps ? horizontal.extent : plan.width;
}

/// The table of each phase: offsets into the scratch of its k and of a block's places, and offsets
/// into y of the places.
void fill_tables(const Correlation& s, const CorrelationPlan& plan) {
  for (int64_t f = 0; f < phases_of(s); ++f) {
    const Axis &v = vertical_of(s, f), &u = horizontal_of(s, f);
    const int64_t width = width_of(plan, u);
    int64_t* at = plan.tables + f * plan.table;
    for (int64_t c = 0; c < plan.cb; ++c) {
      for (int64_t p = 0; p < v.taps; ++p) {
        for (int64_t q = 0; q < u.taps; ++q) {
          const int64_t y = v.at + p * v.at_step, x = u.at + q * u.at_step;
          const int64_t part = plan.by_taps ? q : x % s.step;
          const int64_t column = plan.by_taps ? 0 : x / s.step;
          *at++ = c * plan.plane +
                  ((part * s.step + y % s.step) * plan.height + y / s.step) * width + column;
        }
      }
    }
    int64_t* from = plan.tables + f * plan.table + plan.kc;
    int64_t* to = from + plan.places;
    for (int64_t n = 0; n < plan.blocks.images; ++n) {
      for (int64_t i = 0; i < min(plan.blocks.rows, v.extent); ++i) {
        for (int64_t j = 0; j < u.extent; ++j) {
          *from++ = n * plan.cb * plan.plane + i * width + j;
          *to++ = (n * s.m * s.out_h + v.out + i * s.out_step) * s.out_w + u.out + j * s.out_step;
        }
      }
    }
  }
}

/// Panel i of slice b of phase f.
void pack_weights(const Correlation& s, const CorrelationPlan& plan, int64_t f, int64_t b,
                  int64_t i) {
  const Axis &v = vertical_of(s, f), &u = horizontal_of(s, f);
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

/// The product of one phase, one slice and one block for few rows of weights, of which a tile
/// would have too few sums: this one has a vector for each of several runs of places.
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

/// Lays out what a block reads of `channels` channels from c0 on, for the places of one phase, or,
/// for few rows, of any.
void lay_out(const Correlation& s, const CorrelationPlan& plan, const Block& block, int64_t c0,
             int64_t channels, const Axis& horizontal, float* scratch) {
  const int64_t width = width_of(plan, horizontal);
  const int64_t parts = plan.by_taps ? horizontal.taps : s.step;
  for (int64_t n = block.n0; n < block.n1; ++n) {
    float* at = scratch + (n - block.n0) * plan.cb * plan.plane;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t x = plan.by_taps ? horizontal.at + part * horizontal.at_step : part;
      for (int64_t r = 0; r < s.step; ++r, at += plan.height * width) {
        copy_grid(channels, s.x + (n * s.c + c0) * s.h * s.w, s.h, s.w,
                  {s.x0 + block.i0 * s.step + r, s.step, plan.height, s.x0 + x, s.step, width}, at,
                  plan.plane, width);
      }
    }
  }
  // The last vector reads beyond the last place, and denormal numbers would be slow to multiply.
  store(scratch + (block.n1 - block.n0) * plan.cb * plan.plane, zero());
}

/// What a phase multiplies: k steps, each of which reads where k_at says, for places that read from
/// image + from[j] on and write to[j] floats further than the row of y, rows being `row` apart.
struct PlacesOfImage {
  int64_t k;
  const int64_t* k_at;
  const float* image;
  const int64_t *from, *to;
  int64_t row;
  bool dense, accumulate;  // dense: neighbouring places write to neighbours
};

/// A panel's rows of C for the places j to end - 1, strip by strip: a call for each would cost a
/// twentieth of a first layer's time. To `stream` is to write whole cache lines past the caches.
template <int rows, bool stream>
[[gnu::noinline]] void strips(const PlacesOfImage& places, const float* a, int64_t j, int64_t end,
                              float* y) {
  for (; j < end; j += kNr) {
    const Run run{places.k, 0, places.image + places.from[j]};
    const int64_t cols = min(kNr, end - j);
    alignas(64) float out[rows][kNr];
    float* const c = places.dense ? y + places.to[j] : out[0];
    const bool lines = cols == kNr && reinterpret_cast<uintptr_t>(c) % 64 == 0;
    const Runs runs{.a = a,
                    .run = &run,
                    .count = 1,
                    .b_step = 0,
                    .b_at = places.k_at,
                    .stream = stream && lines};
    const int64_t c_row = places.dense ? places.row : kNr;
    const bool accumulate = places.dense && places.accumulate;
    if (cols > Vec::kLanes) {
      micro_kernel<rows, 2, PanelOfA, TableStep>(runs, c, c_row, cols, accumulate);
    } else {
      micro_kernel<rows, 1, PanelOfA, TableStep>(runs, c, c_row, cols, accumulate);
    }
    if (places.dense) continue;
    for (int64_t r = 0; r < rows; ++r) {
      float* const to = y + r * places.row;
      for (int64_t l = 0; l < cols; ++l) {
        to[places.to[j + l]] = places.accumulate ? to[places.to[j + l]] + out[r][l] : out[r][l];
      }
    }
  }
}

/// `rows` rows of few_taps, for a vector of places.
template <int rows, int taps>
[[gnu::always_inline]] inline void few_taps_rows(const float* a, const Vec (&b)[taps], float* y,
                                                 int64_t row, Mask to, int64_t ahead) {
  Vec acc[rows];
  unrolled<rows>([&](auto i) { acc[i] = broadcast(a[i]) * b[0]; });
  unrolled<taps - 1>([&](auto p) {
    unrolled<rows>(
        [&](auto i) { acc[i] = fma(broadcast(a[(p + 1) * kMr + i]), b[p + 1], acc[i]); });
  });
  unrolled<rows>([&](auto i) {
    __builtin_prefetch(y + i * row + ahead + Vec::kLanes - 1, 1, 2);
    store(y + i * row, acc[i], to);
  });
}

/// The product of one image for k <= taps: a vector of places stays in registers while all rows of
/// weights pass. What lies `ahead` of the places in y is fetched meanwhile.
template <int taps = kFewTaps>
void few_taps(int64_t m, int64_t k, const float* a, const int64_t* k_at, const float* image,
              int64_t count, const int64_t* from, float* y, int64_t row, int64_t ahead) {
  if constexpr (taps > 1) {
    if (k < taps) return few_taps<taps - 1>(m, k, a, k_at, image, count, from, y, row, ahead);
  }
  if (taps < kTapsToFetch) ahead = Vec::kLanes;
  for (int64_t j = 0; j < count; j += Vec::kLanes) {
    Vec b[taps];
    unrolled<taps>([&](auto p) { b[p] = load(image + from[j] + k_at[p]); });
    const Mask to = first_lanes(min(count - j, Vec::kLanes));
    for (int64_t i = 0; i < m; i += kMr) {
      const float* const panel = a + i / kMr * panel_size<kMr>(k);
      const int64_t rows = min(m - i, kMr);
      int64_t r = 0;
      for (; r + kMr / 2 <= rows; r += kMr / 2) {
        few_taps_rows<kMr / 2>(panel + r, b, y + (i + r) * row + j, row, to, ahead);
      }
      for (; r < rows; ++r) few_taps_rows<1>(panel + r, b, y + (i + r) * row + j, row, to, ahead);
    }
  }
}

/// The product of one phase, one slice and one image of a block. `ahead` is the way in y to what is
/// computed after this image.
void many_rows(const Correlation& s, const CorrelationPlan& plan, int64_t k, const float* a,
               const int64_t* k_at, const float* image, int64_t count, const int64_t* from,
               const int64_t* to, float* y, bool accumulate, int64_t ahead) {
  const int64_t area = s.out_h * s.out_w;
  if (k > 0 && k <= kFewTaps && s.out_step == 1 && !accumulate) {
    return few_taps(s.m, k, a, k_at, image, count, from, y + to[0], area, ahead);
  }
  const bool dense = s.out_step == 1;
  const bool stream = dense && plan.c_blocks == 1 && area % 16 == 0 && past_caches(s);
  const PlacesOfImage places{k, k_at, image, from, to, area, dense, accumulate};
  for (int64_t j = 0; j < count; j += kConvStrips * kNr) {
    const int64_t end = min(count, j + kConvStrips * kNr);
    for (int64_t i = 0; i < plan.a_panels; ++i) {
      with_rows<kMr>(s.m - i * kMr, [&](auto rows) {
        // A last panel's fewer rows are not worth a second kernel.
        const auto multiply = stream ? strips<rows, rows == kMr> : strips<rows, false>;
        multiply(places, a + i * panel_size<kMr>(k), j, end, y + i * kMr * area);
      });
    }
  }
}

/// Writes zeros to the rows of y that belong to a block.
void clear_block(const Correlation& s, const Block& block) {
  const int64_t first = block.i0 * s.out_step;
  const int64_t count = (min(s.out_h, (block.i0 + block.rows) * s.out_step) - first) * s.out_w;
  for (int64_t plane = block.n0 * s.m; plane < block.n1 * s.m; ++plane) {
    float* const y = s.y + (plane * s.out_h + first) * s.out_w;
    for (int64_t i = 0; i < count; ++i) y[i] = 0;
  }
}

/// All phases of one block, from slice b of k. `ahead` is the way in y to what is probably this
/// thread's next block.
void correlate_block(const Correlation& s, const CorrelationPlan& plan, const Block& block,
                     int64_t b, float* scratch, int64_t ahead) {
  const int64_t c0 = b * plan.cb, channels = min(plan.cb, s.c - c0);
  float* const y = s.y + (block.n0 * s.m * s.out_h + block.i0 * s.out_step) * s.out_w;
  if (!plan.by_taps) lay_out(s, plan, block, c0, channels, s.horizontal[0], scratch);
  if (s.gaps && b == 0) clear_block(s, block);
  for (int64_t i = 0; i < phases_of(s); ++i) {
    const int64_t row = i % s.vertical.count, column = i / s.vertical.count;
    const int64_t f = row * s.horizontal.count + column;
    const Axis &v = s.vertical[row], &u = s.horizontal[column];
    if (plan.by_taps && row == 0) lay_out(s, plan, block, c0, channels, u, scratch);
    const int64_t k = channels * v.taps * u.taps, images = block.n1 - block.n0;
    const int64_t count = max(0, min(block.rows, v.extent - block.i0)) * u.extent;  // of an image
    if (count == 0) continue;
    const float* const a = plan.a + (f * plan.c_blocks + b) * plan.a_slice;
    const int64_t* const k_at = plan.tables + f * plan.table;
    const int64_t *const from = k_at + plan.kc, *const to = from + plan.places;
    if (s.m <= kFewRows) {
      const auto kernel = s.m == 1   ? few_rows<1>
                          : s.m == 2 ? few_rows<2>
                          : s.m == 3 ? few_rows<3>
                                     : few_rows<4>;
      kernel(s, k, a, k_at, scratch, images * count, from, to, y, b > 0);
      continue;
    }
    const int64_t y_image = s.m * s.out_h * s.out_w;
    const int64_t at_once = plan.by_rows ? u.extent : count;
    for (int64_t n = 0; n < images; ++n) {
      for (int64_t j = 0; j < count; j += at_once) {
        many_rows(s, plan, k, a, k_at, scratch + n * plan.cb * plan.plane, at_once, from + j,
                  to + j, y + n * y_image, b > 0, n + 1 < images ? y_image : ahead - n * y_image);
      }
    }
  }
}

void correlate_loops(const Correlation& s, const CorrelationPlan& plan, Team& team) {
  const int64_t slices = phases_of(s) * plan.c_blocks;
  team.share(slices * plan.a_panels, [&](int64_t t) {
    const int64_t slice = t / plan.a_panels;
    pack_weights(s, plan, slice / plan.c_blocks, slice % plan.c_blocks, t % plan.a_panels);
  });
  float* const own = plan.own + team.thread() * plan.own_size;
  const Schedule schedule = schedule_for(work_of(s));
  const bool dynamic = schedule == Schedule::kDynamic;
  const auto compute = [&](int64_t t) {
    const Block block = block_at(plan.blocks, t, s.n, s.grid_h);
    const int64_t next = dynamic ? t + team.size() : t + 1;
    const bool mine = dynamic || next % ceil_div(plan.blocks.count, team.size()) != 0;
    const Block later =
        block_at(plan.blocks, mine ? min(next, plan.blocks.count - 1) : t, s.n, s.grid_h);
    const int64_t ahead =
        ((later.n0 - block.n0) * s.m * s.out_h + (later.i0 - block.i0) * s.out_step) * s.out_w;
    for (int64_t b = 0; b < plan.c_blocks; ++b) correlate_block(s, plan, block, b, own, ahead);
    fence();  // before other threads read what was written past the caches
  };
  team.share(plan.blocks.count, compute, schedule);
}

/// Returns false, with nothing written, if the scratch would be out of proportion.
bool correlate(const Correlation& s) {
  CorrelationPlan plan = plan_correlation(s);
  const int64_t operands =
      s.n * (s.c * s.h * s.w + s.m * s.out_h * s.out_w) + s.m * s.c * s.kh * s.kw;
  const int64_t copied = product(plan.scratch, plan.blocks.count * plan.c_blocks);
  if (!pays_to_copy(copied, plan.scratch, work_of(s), operands)) return false;
  plan.own_size = round_up(plan.scratch + Vec::kLanes, 16);
  const bool serial = work_of(s) < kSerialWork;
  const int threads = serial || plan.blocks.count == 1 ? 1 : max_threads();
  const int64_t a_size = round_up(phases_of(s) * plan.c_blocks * plan.a_slice, 16);
  const Scratch<float> floats(a_size + plan.own_size * threads);
  const Scratch<int64_t> tables(phases_of(s) * plan.table);
  plan.a = floats.get();
  plan.own = plan.a + a_size;
  plan.tables = tables.get();
  fill_tables(s, plan);
  run_team(threads, [&](Team& team) { correlate_loops(s, plan, team); });
  return true;
}

}  // namespace
}  // namespace forger::kernels
