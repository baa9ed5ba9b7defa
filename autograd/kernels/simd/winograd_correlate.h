#pragma once

#include "autograd/kernels/simd/batched.h"
#include "autograd/kernels/simd/correlate.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"
#include "autograd/kernels/simd/winograd.h"

// Forward and input gradient by winograd.h, for many images. With a step of 2 a 4 x 4 kernel is
// four kernels of 2 x 2, one for each remainder of the input's rows and columns by the step, whose
// results are added up; so k counts channels and remainders.
//
//   transform and pack all weights                              a[phase][slice][point][panel]
//   for (block of images, band of places, block of weights): one task
//     for phase
//       for block of channels: a slice of k
//         transpose the images into lanes and transform them:   v[pair][point][k][2][image]
//         for point, for panel of weights, for pair: tile of    z[pair][point][m][2][image]
//       transform z:                                            y[m][place][image]
//     transpose y
//
// The columns of a tile are two quads of kLanes images each. Which two that are is another matter
// for each point, for some quads do without some points.
namespace forger::kernels {
namespace {

constexpr int64_t kWinogradKc = 256;        // about as deep as a slice of k gets
constexpr int64_t kWinogradV = 160 * 1024;  // floats of a slice of v, unless a row has more: in L2

struct WinogradPlan {
  int64_t points, rems;                       // of both axes: of a transform; remainders
  int64_t cb, c_blocks;                       // channels of a slice of k, slices
  int64_t panels, m_blocks;                   // of a block of weights, and how many such blocks
  int64_t a_panels, a_panel, a_slice;         // panels of a point; floats of one, of a slice
  int64_t quad_rows, quad_cols;               // of the largest phase
  int64_t band, bands;                        // rows of quads of a task
  int64_t image_blocks;                       // of kLanes
  int64_t out_rows;                           // of a band
  int64_t plane, planes;                      // floats of a channel's images and a zero; how many
  int64_t v_point, z_point;                   // floats of a pair's v, z, for a point
  int64_t v_size, z_size, own_size, at_size;  // floats; entries
  float* a;
};

/// r if every phase has, for each remainder, r neighbouring taps an axis, r = 2 or 3; or else 0.
int64_t winograd_taps(const Correlation& s) {
  if (s.gaps) return 0;
  const int64_t r = s.vertical[0].taps / s.step;
  const auto fits = [&](const Axis& a) {
    return a.taps == r * s.step && (a.at_step == 1 || a.at_step == -1);
  };
  for (int64_t f = 0; f < phases_of(s); ++f) {
    if (!fits(vertical_of(s, f)) || !fits(horizontal_of(s, f))) return 0;
  }
  return r == 2 || r == 3 ? r : 0;
}

/// Whether it is likely to be faster than batched.h or correlate.h, counted in multiply-adds: a
/// number of v costs as much as two of them, one of z as much as eight, and one of the transformed
/// weights as eight, or 24 where there are many and those of neighbouring channels lie far apart
/// (fitted to 300 convolutions timed on a Zen 4 both ways).
bool takes_winograd(const Correlation& s) {
  const int64_t r = winograd_taps(s);
  if (r == 0 || s.c < 8 || s.m <= kFewRows) return false;
  const int64_t k = s.c * s.step * s.step, points = (r + 1) * (r + 1);
  const int64_t row = ceil_div(s.grid_w, 4) * points * kNr * (min(k, kWinogradKc) + s.m);
  if (row > kMostPoints) return false;  // floats of v and z of one row of quads
  const auto lanes = static_cast<double>(round_up(s.n, Vec::kLanes));
  const int64_t phases = phases_of(s);
  const int64_t products = Quads(s.grid_h, s.grid_w).products(r) * phases;
  const bool scattered = s.w_c > s.w_m && s.m * s.c * s.kh * s.kw > 8 * kScratch;
  const int64_t weights = (scattered ? 24 : 8) * points * phases * s.m * k;
  const double inside = part_inside(s, s.vertical, s.h) * part_inside(s, s.horizontal, s.w);
  const double direct = static_cast<double>(work_of(s)) *
                        (takes_batched(s) ? inside * lanes / static_cast<double>(s.n) : 1);
  return lanes * static_cast<double>(products * (s.m * k + 2 * k + 8 * s.m)) +
             static_cast<double>(weights) <
         direct;
}

template <int r>
WinogradPlan plan_winograd(const Correlation& s, int threads) {
  WinogradPlan p{};
  p.points = (r + 1) * (r + 1);
  p.rems = s.step * s.step;
  p.cb = ceil_div(s.c, ceil_div(s.c, max(1, kWinogradKc / p.rems)));
  p.c_blocks = ceil_div(s.c, p.cb);
  p.v_point = panel_size<kNr>(p.cb * p.rems);
  p.a_panels = ceil_div(s.m, kMr);
  p.a_panel = panel_size<kMr>(p.cb * p.rems);
  p.a_slice = p.points * p.a_panels * p.a_panel;
  p.quad_rows = ceil_div(s.grid_h, 2);
  p.quad_cols = ceil_div(s.grid_w, 2);
  const int64_t pairs = max(1, kWinogradV / (p.points * p.v_point));
  p.band = ceil_div(p.quad_rows, ceil_div(p.quad_rows, max(1, 2 * pairs / p.quad_cols)));
  p.bands = ceil_div(p.quad_rows, p.band);
  p.image_blocks = ceil_div(s.n, Vec::kLanes);
  p.panels = ceil_div(p.a_panels, ceil_div(threads, p.image_blocks * p.bands));
  p.m_blocks = ceil_div(p.a_panels, p.panels);
  p.out_rows = min(s.out_h, 2 * p.band * s.out_step);
  p.plane = (min(s.h, (2 * p.band - 1) * s.step + s.reach_h) * s.w + 1) * Vec::kLanes;
  p.planes = phases_of(s) > 1 && s.c * p.plane <= kMostPoints ? s.c : 1;  // for later phases
  p.z_point = panel_size<kNr>(p.panels * kMr);
  p.v_size = ceil_div(p.band * p.quad_cols, 2) * p.points * p.v_point;
  p.z_size = ceil_div(p.band * p.quad_cols, 2) * p.points * p.z_point;
  const int64_t y_size = p.panels * kMr * p.out_rows * s.out_w * Vec::kLanes;
  p.own_size = round_up(
      max(p.planes * p.plane + p.v_size + p.z_size + y_size, panel_size<kMr>(s.kh * s.kw)), 16);
  p.at_size = round_up(p.band * p.quad_cols * (4 + p.rems * p.points), 16);
  return p;
}

/// Panel i of slice b of every phase and point. `all` has room for a channel's taps.
template <int r>
void pack_points(const Correlation& s, const WinogradPlan& plan, int64_t b, int64_t i, float* all) {
  const int64_t c0 = b * plan.cb, channels = min(plan.cb, s.c - c0);
  for (int64_t c = 0; c < channels; ++c) {
    to_lanes<kMr>(s.m - i * kMr, s.kh * s.kw, s.weight + i * kMr * s.w_m + (c0 + c) * s.w_c, s.w_m,
                  all, kMr, s.w_c);
    for (int64_t f = 0; f < phases_of(s); ++f) {
      const Axis &v = vertical_of(s, f), &u = horizontal_of(s, f);
      float* to =
          plan.a + (f * plan.c_blocks + b) * plan.a_slice + i * plan.a_panel + c * plan.rems * kMr;
      for (int64_t rem = 0; rem < plan.rems; ++rem, to += kMr) {
        transform<OfWeights, r, r + 1>(
            [&](int64_t p, int64_t q) {
              return load(all + (tap_at(v, rem / s.step + p * s.step) * s.kw +
                                 tap_at(u, rem % s.step + q * s.step)) *
                                    kMr);
            },
            [&](int64_t p, int64_t q, Vec x) {
              store(to + (p * (r + 1) + q) * plan.a_panels * plan.a_panel, x);
            });
      }
    }
  }
}

/// A task: its part of the whole, and its buffers.
struct WinogradBlock {
  const Correlation& s;
  const WinogradPlan& plan;
  int64_t n0, images;
  int64_t i0, i1;               // rows of quads
  int64_t r0, r1;               // panels of weights
  int64_t first_row, last_row;  // of the input
  float *planes, *v, *z, *y;
  int32_t* at;
};

/// The quads of a phase that are the task's.
Quads quads_of(const WinogradBlock& block, const Axis& v, const Axis& u) {
  return {max(0, min(2 * block.i1, v.extent) - 2 * block.i0), u.extent};
}

/// A table with a stretch for each quad: its number among those that take a point, for the four
/// kinds of points, and then, for each remainder, where in a plane it reads its (r + 1) x (r + 1)
/// numbers. What lies outside is the zero at the plane's end.
template <int r>
void fill_table(const WinogradBlock& block, const Axis& v, const Axis& u) {
  const Correlation& s = block.s;
  const Quads quads = quads_of(block, v, u);
  const int64_t top = s.x0 + min(v.at, v.at + (v.taps - 1) * v.at_step);
  const int64_t left = s.x0 + min(u.at, u.at + (u.taps - 1) * u.at_step);
  int32_t* at = block.at;
  for (int64_t quad = 0; quad < quads.all(); ++quad) {
    const int64_t i = quad / quads.cols, j = quad % quads.cols;
    for (int64_t l = 0; l < 4; ++l)
      *at++ = static_cast<int32_t>(quads.number(0, i, j, l / 2, l % 2));
    for (int64_t rem = 0; rem < block.plan.rems; ++rem) {
      for (int64_t l = 0; l < (r + 1) * (r + 1); ++l) {
        const int64_t row =
            top + rem / s.step + (2 * (block.i0 + i) + l / (r + 1)) * s.step - block.first_row;
        const int64_t column = left + rem % s.step + (2 * j + l % (r + 1)) * s.step;
        const bool inside =
            row >= 0 && row < block.last_row - block.first_row && column >= 0 && column < s.w;
        *at++ = static_cast<int32_t>(inside ? (row * s.w + column) * Vec::kLanes
                                            : block.plan.plane - Vec::kLanes);
      }
    }
  }
}

/// From the beginning of v or z to a quad's numbers, for each of the four kinds of points; below 0
/// if it takes none. A pair's numbers are `pair` apart from the next one's.
struct QuadOffsets {
  int64_t of[4];

  QuadOffsets(const int32_t* numbers, int64_t pair) {
    for (int l = 0; l < 4; ++l) {
      of[l] = numbers[l] < 0 ? -1 : numbers[l] / 2 * pair + numbers[l] % 2 * Vec::kLanes;
    }
  }
  int64_t at(bool down, bool right) const { return of[2 * down + right]; }
};

/// v of slice b of the channels. The images are transposed before, unless they were for an earlier
/// phase and kept.
template <int r>
void input_to_points(const WinogradBlock& block, int64_t phase, int64_t b, int64_t quads) {
  const Correlation& s = block.s;
  const WinogradPlan& plan = block.plan;
  const int64_t rows = block.last_row - block.first_row;
  const int64_t c0 = b * plan.cb, channels = min(plan.cb, s.c - c0);
  for (int64_t c = 0; c < channels; ++c) {
    float* const plane = block.planes + (plan.planes > 1 ? c0 + c : 0) * plan.plane;
    if (phase == 0 || plan.planes == 1) {
      to_lanes<Vec::kLanes>(block.images, rows * s.w,
                            s.x + ((block.n0 * s.c + c0 + c) * s.h + block.first_row) * s.w,
                            s.c * s.h * s.w, plane, Vec::kLanes, s.h * s.w);
    }
    const int32_t* at = block.at;
    for (int64_t quad = 0; quad < quads; ++quad) {
      const QuadOffsets to(at, plan.points * plan.v_point);
      at += 4;
      float* v = block.v + c * plan.rems * kNr;
      for (int64_t rem = 0; rem < plan.rems; ++rem, v += kNr, at += (r + 1) * (r + 1)) {
        transform<OfInput, r + 1, r + 1>(
            [&](int64_t p, int64_t q) { return load(plane + at[p * (r + 1) + q]); },
            [&](int64_t p, int64_t q, Vec x) {
              const int64_t offset = to.at(p == r, q == r);
              if (offset >= 0) store(v + offset + (p * (r + 1) + q) * plan.v_point, x);
            });
      }
    }
  }
}

/// Adds a slice's share, k deep, to z, or writes it.
template <int r>
void multiply_points(const WinogradBlock& block, const float* a, int64_t k, const Quads& quads,
                     bool accumulate) {
  const WinogradPlan& plan = block.plan;
  for (int64_t point = 0; point < plan.points; ++point) {
    const int64_t count = quads.count(point / (r + 1) == r, point % (r + 1) == r);
    for (int64_t i = block.r0; i < block.r1; ++i) {
      for (int64_t quad = 0; quad < count; quad += 2) {
        const int64_t at = quad / 2 * plan.points + point;
        const Run run{k, 0, block.v + at * plan.v_point};
        any_tile(block.s.m - i * kMr,
                 {a + (point * plan.a_panels + i) * plan.a_panel, &run, 1, kNr},
                 block.z + at * plan.z_point + (i - block.r0) * kMr * kNr, kNr,
                 quad + 1 < count ? kNr : Vec::kLanes, accumulate);
      }
    }
  }
}

/// The places of a phase, from z.
template <int r>
void points_to_output(const WinogradBlock& block, const Axis& v, const Axis& u) {
  const Correlation& s = block.s;
  const WinogradPlan& plan = block.plan;
  const Quads quads = quads_of(block, v, u);
  const int64_t right = s.out_step * Vec::kLanes, down = right * s.out_w;
  for (int64_t m = 0; m < min(s.m, block.r1 * kMr) - block.r0 * kMr; ++m) {
    const float* const z = block.z + m * kNr;
    float* const y = block.y + ((m * plan.out_rows + v.out) * s.out_w + u.out) * Vec::kLanes;
    const int32_t* numbers = block.at;
    for (int64_t i = 0; i < quads.rows; ++i) {
      for (int64_t j = 0; j < quads.cols; ++j, numbers += 4 + plan.rems * plan.points) {
        const QuadOffsets from(numbers, plan.points * plan.z_point);
        float* const to = y + 2 * (i * down + j * right);
        transform<ToOutput, r + 1, 2>(
            [&](int64_t p, int64_t q) {
              const int64_t offset = from.at(p == r, q == r);
              return offset >= 0 ? load(z + offset + (p * (r + 1) + q) * plan.z_point) : zero();
            },
            [&](int64_t p, int64_t q, Vec x) {
              const bool inside =
                  (p == 0 || i < quads.whole_rows) && (q == 0 || j < quads.whole_cols);
              if (inside) store(to + p * down + q * right, x);
            });
      }
    }
  }
}

template <int r>
void winograd_block(const Correlation& s, const WinogradPlan& plan, int64_t t, float* own,
                    int32_t* at) {
  const int64_t r0 = t % plan.m_blocks * plan.panels, r1 = min(plan.a_panels, r0 + plan.panels);
  t /= plan.m_blocks;
  const int64_t n0 = t / plan.bands * Vec::kLanes, images = min(Vec::kLanes, s.n - n0);
  const int64_t i0 = t % plan.bands * plan.band, i1 = min(plan.quad_rows, i0 + plan.band);
  const int64_t first_row = max(0, min(s.h, s.x0 + 2 * i0 * s.step));
  const int64_t last_row = max(first_row, min(s.h, s.x0 + (2 * i1 - 1) * s.step + s.reach_h));
  float* const v = own + plan.planes * plan.plane;
  float* const y = v + plan.v_size + plan.z_size;
  const WinogradBlock block{.s = s,
                            .plan = plan,
                            .n0 = n0,
                            .images = images,
                            .i0 = i0,
                            .i1 = i1,
                            .r0 = r0,
                            .r1 = r1,
                            .first_row = first_row,
                            .last_row = last_row,
                            .planes = own,
                            .v = v,
                            .z = v + plan.v_size,
                            .y = y,
                            .at = at};
  for (int64_t c = 1; c <= plan.planes; ++c) store(own + c * plan.plane - Vec::kLanes, zero());
  for (int64_t f = 0; f < phases_of(s); ++f) {
    const Axis &down = vertical_of(s, f), &across = horizontal_of(s, f);
    const Quads quads = quads_of(block, down, across);
    fill_table<r>(block, down, across);
    for (int64_t b = 0; b < plan.c_blocks; ++b) {
      input_to_points<r>(block, f, b, quads.all());
      multiply_points<r>(block, plan.a + (f * plan.c_blocks + b) * plan.a_slice,
                         min(plan.cb, s.c - b * plan.cb) * plan.rems, quads, b > 0);
    }
    points_to_output<r>(block, down, across);
  }
  const int64_t row = 2 * i0 * s.out_step, rows = min(s.out_h, 2 * i1 * s.out_step) - row;
  for (int64_t m = r0 * kMr; m < min(s.m, r1 * kMr); ++m) {
    from_lanes<Vec::kLanes>(images, rows * s.out_w,
                            y + (m - r0 * kMr) * plan.out_rows * s.out_w * Vec::kLanes, Vec::kLanes,
                            s.y + ((n0 * s.m + m) * s.out_h + row) * s.out_w,
                            s.m * s.out_h * s.out_w, s.out_h * s.out_w, past_caches(s));
  }
  fence();  // before other threads read what went past the caches
}

template <int r>
void correlate_winograd(const Correlation& s) {
  const int most = work_of(s) < kSerialWork ? 1 : max_threads();
  WinogradPlan plan = plan_winograd<r>(s, most);
  const int64_t tasks = plan.image_blocks * plan.bands * plan.m_blocks;
  const int threads = static_cast<int>(min(most, tasks));
  const int64_t a_size = round_up(phases_of(s) * plan.c_blocks * plan.a_slice, 16);
  const Scratch<float> floats(a_size + plan.own_size * threads);
  const Scratch<int32_t> tables(plan.at_size * threads);
  plan.a = floats.get();
  run_team(threads, [&](Team& team) {
    float* const own = plan.a + a_size + team.thread() * plan.own_size;
    int32_t* const at = tables.get() + team.thread() * plan.at_size;
    team.share(plan.c_blocks * plan.a_panels, [&](int64_t t) {
      pack_points<r>(s, plan, t / plan.a_panels, t % plan.a_panels, own);
    });
    team.share(
        tasks, [&](int64_t t) { winograd_block<r>(s, plan, t, own, at); },
        schedule_for(work_of(s)));
  });
}

}  // namespace
}  // namespace forger::kernels
