#pragma once

#include <unistd.h>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemv.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/kernels/simd/tile.h"

// Matrix product on the tile of tile.h, one task a part of C:
//
//   for range of rows, for cut of the columns                one task, its C from beginning to end
//     for pc in k by kc                                      a slice of k
//       for group of strips of nr columns                    as many panels of B as L2 holds
//         for mr rows of A
//           for strip of the group                           one tile of C, kc deep
//
// The products of networks are often thin on one side, and there copying an operand first, as for
// large squares, costs a third of the time. So nothing is copied that can be read in place: the
// tile broadcasts from the rows of A where they are, and the first tile of a strip reads the rows
// of B where they are and leaves them behind as a panel, consecutive in the order of k, for the
// tiles below it. A panel is filled beforehand only where the storage lies across (A by columns, B
// by columns), for a last strip narrower than nr, and where several groups use A. Rows of A that
// compete for one set of L1 are copied as they are. If B is stored by columns, and A has few rows,
// C^T = B^T A^T is computed instead, and turned as it is written. A group's panels stay in L2, and
// while the last tiles of a group are computed, or the only two, the next one's B is fetched there,
// as are rows of A that will be packed.
//
// Slices are long because C is written once a slice: where threads write parts of the same rows,
// the lines at the cut move between their caches each time, for processors fetch a little further
// than they are told.
//
// Each element of C is summed in the order of k, slice after slice, in one thread, whatever the
// tasks are: the number of threads changes no bit, and the threads never wait for each other.
namespace forger::kernels {
namespace {

constexpr int64_t kKc = 512;            // about as long as a slice of k gets
constexpr int64_t kTurned = 64 * 1024;  // floats of a block of C that is turned
constexpr int64_t kRowsAhead = 128;     // by which an A that is packed is fetched ahead
constexpr int64_t kTurnedA = 1 << 20;   // floats of A that are kept as panels at once
constexpr int64_t kSharedRow = 8192;    // what it costs, in multiply-adds, to share a row of C

/// A tile's rows of A close together: as a panel if `pitch` is 0, or else, which is cheaper, row by
/// row, `pitch` apart.
inline void pack_rows(int64_t rows, int64_t k, const float* a, int64_t row, int64_t col, float* dst,
                      int64_t pitch) {
  if (pitch == 0) return pack_panel<kMr>(rows, k, a, row, col, dst);
  for (int64_t r = 0; r < rows; ++r) {
    __builtin_memcpy(dst + r * pitch, a + r * row, static_cast<size_t>(k) * sizeof(float));
  }
}

/// The most strips of B in a group. Their panels fill at most three eighths of L2, which keeps as
/// much again for what is fetched ahead. And a row of them fills a page at most: where rows lie a
/// multiple of the page apart, a narrower group finds fewer sets of L2, a wider one no more.
inline int64_t most_strips(int64_t kc) {
  static const int64_t floats = [] {
    int64_t size = 0;
#if defined(__GLIBC__)
    size = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
    return (size > 0 ? size : 1 << 20) * 3 / 8 / static_cast<int64_t>(sizeof(float));
  }();
  return max(1, min(1024, floats / kc) / kNr);
}

/// What follows from a product's extents, strides and the number of threads.
struct GemmPlan {
  bool turned, pack_a, b_in_place;
  Schedule schedule;
  int64_t kc, mr;          // the longest slice of k; the rows of a tile, of which all get alike
  int64_t rows, ranges;    // of a part, and how many ranges of them
  int64_t cuts, strips;    // of the columns; the most strips of a part
  int64_t group;           // strips whose panels are in L2 at once
  int64_t a_row, a_tiles;  // see Runs; tiles of packed A that there is room for
  int64_t b_size, a_size, own_size;  // floats of a panel of B, of A, of a thread
};

GemmPlan plan_gemm(const Gemm& s, bool turned, int threads) {
  GemmPlan plan{};
  plan.turned = turned;
  plan.kc = max(1, ceil_div(s.k, max(1, ceil_div(s.k, kKc))));
  plan.b_in_place = s.b_col == 1;
  plan.schedule = threads > 1 ? schedule_for(s.m * s.n * s.k) : Schedule::kFixed;
  const int64_t strips = ceil_div(s.n, kNr), most = most_strips(plan.kc);
  const bool aliased = s.a_row % 1024 == 0;  // 4 KiB: all rows share one set of L1
  // The cheapest of some cuts, counted in multiply-adds for each k. A strip's first tile, which
  // fetches B, costs as much as six more rows; rows of A that another strip has not just fetched
  // cost as much as seven more columns, or twelve if they become panels. A row of C that two
  // threads share moves between their caches in every slice.
  const int64_t wanted = plan.schedule == Schedule::kDynamic ? 4 * threads : threads;
  int64_t least = INT64_MAX;
  for (int64_t r = 1; r <= wanted; r *= 2) {
    const int64_t rows = ceil_div(s.m, r), ranges = ceil_div(s.m, rows);
    const int64_t cuts = min(strips, ceil_div(wanted, ranges)), wide = ceil_div(strips, cuts);
    const int64_t cols = min(s.n, wide * kNr), groups = ceil_div(wide, most);
    const bool turn_a = s.a_col != 1 || groups > 1, pack_a = turn_a || aliased;
    const int64_t shared = cuts > 1 ? kSharedRow / plan.kc : 0;
    const int64_t part = rows * cols + 6 * cols + ((turn_a ? 12 : 7) + shared) * rows;
    const int64_t cost = ceil_div(ranges * cuts, threads) * part;
    if (cost >= least) continue;
    least = cost;
    plan.rows = rows;
    plan.cuts = cuts;
    plan.pack_a = pack_a;
  }
  plan.strips = ceil_div(strips, plan.cuts);
  plan.group = ceil_div(plan.strips, ceil_div(plan.strips, most));
  if (turned) plan.rows = min(plan.rows, max(1, kTurned / (plan.strips * kNr)));
  if (plan.group < plan.strips) plan.rows = min(plan.rows, max(kMr, kTurnedA / plan.kc));
  plan.mr = ceil_div(plan.rows, ceil_div(plan.rows, kMr));
  plan.ranges = ceil_div(s.m, plan.rows);
  plan.b_size = round_up(panel_size<kNr>(plan.kc), 16);
  if (!plan.pack_a) {
    plan.a_row = s.a_row;
  } else if (s.a_col == 1 && plan.group == plan.strips) {
    plan.a_row = (ceil_div(plan.kc, 16) | 1) * 16;  // odd lines: all start in other sets of L1
    plan.a_size = kMr * plan.a_row;
    plan.a_tiles = 1;
  } else {
    plan.a_size = round_up(panel_size<kMr>(plan.kc), 16);
    plan.a_tiles = plan.group == plan.strips ? 1 : ceil_div(plan.rows, plan.mr);
  }
  plan.own_size = plan.group * plan.b_size + plan.a_tiles * plan.a_size +
                  (turned ? plan.rows * plan.strips * kNr : 0);
  return plan;
}

/// A task's part of C: rows i0 to i1 - 1, columns j0 to j1 - 1. `next` is the column at which this
/// thread's next part probably starts, a hint what to fetch, or n.
struct Part {
  int64_t i0, i1, j0, j1, next;
};

/// What of B is to be read after the group of columns that ends at j in slice pc of k: the next
/// group, the first of the next slice, or of the next part.
Fetch fetch_of_b(const Gemm& s, const GemmPlan& plan, const Part& part, int64_t pc, int64_t j) {
  int64_t end = part.j1;
  if (j >= part.j1) {
    pc = pc + plan.kc < s.k ? pc + plan.kc : 0;
    j = pc > 0 ? part.j0 : part.next;
    end = pc > 0 ? part.j1 : s.n;
  }
  if (j >= end) return {};
  return fetch_of(s.b + pc * s.b_row + j * s.b_col, s.b_row, s.b_col, min(plan.kc, s.k - pc),
                  min(plan.group * kNr, end - j));
}

/// Computes a part's columns j0 to j1 - 1, a group, from slice pc of k. c is the part's first
/// element.
void gemm_group(const Gemm& s, const GemmPlan& plan, const Part& part, int64_t pc, int64_t j0,
                int64_t j1, float* c, int64_t c_row, float* own) {
  const int64_t i0 = part.i0, i1 = part.i1, kc = min(plan.kc, s.k - pc);
  const int64_t tiles = ceil_div(i1 - i0, plan.mr);  // of a strip
  const bool few = tiles <= 2;                       // they all read B in place
  const bool pack_a = plan.pack_a && j0 == part.j0;
  float* a_panel = own + plan.group * plan.b_size;
  const int64_t a_next = plan.a_tiles > 1 ? plan.a_size : 0;
  Fetch fetch_a, fetch_b;
  int64_t i_fetched = i0 + plan.mr;
  for (int64_t i = i0; i < i1; i += plan.mr, a_panel += a_next) {
    const int64_t rows = min(plan.mr, i1 - i);
    const float* const a = s.a + i * s.a_row + pc * s.a_col;
    if (pack_a) pack_rows(rows, kc, a, s.a_row, s.a_col, a_panel, plan.a_row);
    // A tile fetches a quarter of a slice's rows, so it takes two rows of tiles, one with AVX2:
    // the last, but where there are but two, which both wait for memory, both.
    const bool fetches = tiles == 2 || (i > i0 && i1 - i <= kNr / (kFetched / 4) * plan.mr);
    if (fetches && fetch_b.at == nullptr) fetch_b = fetch_of_b(s, plan, part, pc, j1);
    float* panel = own;
    for (int64_t j = j0; j < j1; j += kNr, panel += plan.b_size) {
      const int64_t cols = min(kNr, j1 - j);
      const float* const b = s.b + pc * s.b_row + j * s.b_col;
      const bool in_place = plan.b_in_place && cols == kNr && (few || i == i0);
      const bool keeps = in_place && !few;
      if (i == i0 && !in_place) pack_panel<kNr>(cols, kc, b, s.b_col, s.b_row, panel);
      if (pack_a && fetch_a.done() && i_fetched < min(i1, i + kRowsAhead)) {
        const int64_t ahead = s.a_col == 1 ? max(1, kc / 4) : kFetched;  // a piece long, or wide
        fetch_a = fetch_of(s.a + i_fetched * s.a_row + pc * s.a_col, s.a_row, s.a_col, ahead, kc);
        i_fetched += ahead;
      }
      Fetch& fetch = fetch_a.done() ? fetch_b : fetch_a;
      const Run run{kc, 0, in_place ? b : panel};
      float* const to = c + (i - i0) * c_row + j - part.j0;
      any_tile(rows,
               {.a = plan.pack_a ? a_panel : a,
                .run = &run,
                .count = 1,
                .b_step = in_place ? s.b_row : kNr,
                .a_row = plan.a_row,
                .keep = keeps ? panel : nullptr,
                .fetch = keeps || fetch.done() ? nullptr : fetch.next(kc),
                .fetch_row = fetch.row},
               to, c_row, cols, s.accumulate || pc > 0);
      if (pc + kc >= s.k && !plan.turned) finish(s, to, rows, cols, bias_from(s, j));
    }
  }
}

/// Computes a part, written to c from its first element on.
void gemm_part(const Gemm& s, const GemmPlan& plan, const Part& part, float* c, int64_t c_row,
               float* own) {
  for (int64_t pc = 0; pc == 0 || pc < s.k; pc += plan.kc) {
    for (int64_t j = part.j0; j < part.j1; j += plan.group * kNr) {
      gemm_group(s, plan, part, pc, j, min(part.j1, j + plan.group * kNr), c, c_row, own);
    }
  }
}

/// The same where the caller's C is turned: it is computed aside first.
void turned_gemm_part(const Gemm& s, const GemmPlan& plan, const Part& part, float* own) {
  float* const block = own + plan.own_size - plan.rows * plan.strips * kNr;
  const int64_t i0 = part.i0, j0 = part.j0, j1 = part.j1;
  float* const c = s.c + j0 * s.c_row + i0;
  const int64_t rows = part.i1 - i0, pitch = plan.strips * kNr;
  for (int64_t j = 0; s.accumulate && j < j1 - j0; j += kNr) {
    to_lanes<kNr>(min(kNr, j1 - j0 - j), rows, c + j * s.c_row, s.c_row, block + j, pitch);
  }
  gemm_part(s, plan, part, block, pitch, own);
  for (int64_t j = 0; j < j1 - j0; j += kNr) {
    const int64_t count = min(kNr, j1 - j0 - j);
    from_lanes<kNr>(count, rows, block + j, pitch, c + j * s.c_row, s.c_row);
    finish(s, c + j * s.c_row, count, rows, bias_from(s, i0));
  }
}

void gemm_parts(const Gemm& s, bool turned) {
  const bool serial = s.m * s.n * s.k < kSerialWork;
  const int threads = serial ? 1 : max_threads();
  const GemmPlan plan = plan_gemm(s, turned, threads);
  const Scratch<float> floats(threads * plan.own_size);
  const int64_t tasks = plan.cuts * plan.ranges, strips = ceil_div(s.n, kNr);
  const auto column = [&](int64_t cut) { return min(s.n, cut * strips / plan.cuts * kNr); };
  run_team(threads, [&](Team& team) {
    float* const own = floats.get() + team.thread() * plan.own_size;
    const bool dynamic = plan.schedule == Schedule::kDynamic;
    const auto compute = [&](int64_t t) {
      const int64_t cut = t % plan.cuts, i0 = t / plan.cuts * plan.rows;
      const int64_t next = dynamic ? t + team.size() : t + 1;
      const bool mine =
          dynamic || next % ceil_div(tasks, team.size()) != 0;  // not another thread's
      const Part part{i0, min(s.m, i0 + plan.rows), column(cut), column(cut + 1),
                      mine && next < tasks ? column(next % plan.cuts) : s.n};
      if (turned) {
        turned_gemm_part(s, plan, part, own);
      } else {
        gemm_part(s, plan, part, s.c + i0 * s.c_row + part.j0, s.c_row, own);
      }
    };
    team.share(tasks, compute, plan.schedule);
  });
}

void gemm(const Gemm& s) {
  if (s.m == 0 || s.n == 0) return;
  if (gemm_thin(s)) return;
  // B lies across, panels of it would be used for few rows, and C is smaller: C^T = B^T A^T reads B
  // in place.
  if (s.b_col != 1 && s.m <= min(128, s.k / 2) && s.m < s.n) {
    gemm_parts({s.n, s.m, s.k, s.b, s.b_col, s.b_row, s.a, s.a_col, s.a_row, s.c, s.c_row,
                s.accumulate, s.bias, s.slope},
               true);
  } else {
    gemm_parts(s, false);
  }
}

}  // namespace
}  // namespace forger::kernels
