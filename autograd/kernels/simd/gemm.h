#pragma once

#include <omp.h>
#include <unistd.h>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemv.h"
#include "autograd/kernels/simd/lanes.h"
#include "autograd/kernels/simd/tasks.h"

// Matrix product on one small tile of C that stays in registers while k runs, after Goto & van de
// Geijn, "Anatomy of High-Performance Matrix Multiplication" (ACM TOMS 34(3), 2008), and BLIS (Van
// Zee & van de Geijn, ACM TOMS 41(3), 2015):
//
//                        nr = 2 vectors                     registers, AVX-512     AVX2
//                     b[p][0..15] b[p][16..31]              14 x 2 of C    28    6 x 2    12
//                    +-----------+-----------+              b               2              2
//          a[p][0]   |  acc 0,0  |  acc 0,1  |              one a           1              1
//          a[p][1]   |  acc 1,0  |  acc 1,1  |              of 32          31    of 16    15
//     mr     ...     |    ...    |    ...    |
//          a[p][13]  |  acc 13,0 |  acc 13,1 |              acc[i][j] += a[p][i] * b[p][j]
//                    +-----------+-----------+
//
// One step of k loads mr + nr floats for 2 mr nr flops: 4.9 flops a byte for 14 x 32, 2.2 for
// 6 x 16, all from the near caches. Twelve or more independent sums hide the latency of the
// multiply-add, and its unit, not the load unit, is the limit.
//
//   for group of strips of nr columns, for range of rows     one task, its C from beginning to end
//     for pc in k by kc                                      a slice of k
//       for mr rows of A
//         for strip of the group                             one tile of C, kc deep
//
// The products of networks are often thin on one side, and there copying an operand first, as for
// large squares, costs a third of the time. So nothing is copied that can be read in place: the
// tile broadcasts from the rows of A where they are, and the first tile of a strip reads the rows
// of B where they are and leaves them behind as a panel, consecutive in the order of k, for the
// tiles below it. A panel is filled beforehand only where the storage lies across (A by columns, B
// by columns), where rows of A compete for one set of the cache, and for a last strip narrower than
// nr. If B is stored by columns, and A has few rows, C^T = B^T A^T is computed instead, and turned
// as it is written. A group's panels stay in L2, and while the last tiles of a slice are computed,
// or the only two, the next slice of B is fetched there, as are rows of A that will be packed.
//
// Each element of C is summed in the order of k, slice after slice, in one thread, whatever the
// tasks are: the number of threads changes no bit, and the threads never wait for each other.
namespace forger::kernels {
namespace {

constexpr int kMr = Vec::kLanes == 16 ? 14 : 6;
constexpr int kNr = 2 * Vec::kLanes;
constexpr int kMrWide = Vec::kLanes == 16 ? 9 : 4;              // rows of a tile of three vectors
constexpr int64_t kKc = 256, kKcLarge = 128, kKcTwoTiles = 64;  // see longest_slice
constexpr int64_t kFetched = 64;                                // floats of a row fetched at once
constexpr int64_t kTurned = 64 * 1024;  // floats of a block of C that is turned

/// Floats of a panel, `width` for each of k steps, and one vector more: packing stores whole
/// vectors and lets the next store overwrite what was too much.
template <int width>
constexpr int64_t panel_size(int64_t k) {
  return width * k + Vec::kLanes;
}

/// What a tile multiplies, run after run: k steps of A from a[run.a] on and of B from run.b on. A
/// matrix product has one run; a convolution that reads its images in place has several. b_next is
/// heeded for a panel of A and a b_step of kLanes; a tile of one vector takes rows of A only for a
/// b_step of kNr or a b_at.
struct Run {
  int64_t k, a;
  const float* b;
};
struct Runs {
  const float* a;
  const Run* run;
  int64_t count, b_step;          // b_step: from a step's kNr floats of B to the next step's
  int64_t a_row = 0;              // rows of A this far apart, k consecutive; 0: a panel of kMr rows
  const int64_t* b_at = nullptr;  // in place of b_step: where each step's B is, from run.b on
  float* keep = nullptr;          // where B's floats are left as a panel
  int64_t b_next = Vec::kLanes, c_next = Vec::kLanes;  // from a tile's first vector to its second
  // What a later tile will read, and is fetched meanwhile unless this one keeps B: kFetched floats
  // for each four steps of k, and the next fetch_row further on.
  const float* fetch = nullptr;
  int64_t fetch_row = 0;
};

/// Rows by which an A that is packed is fetched ahead.
constexpr int64_t kRowsAhead = 128;

/// Steps of k by which the rows of a B read in place are fetched ahead.
constexpr int64_t kAhead = 128 / Vec::kLanes;

/// Row i of a tile's A, i < kMr, for rows any distance apart, addressed as x86 can: from two bases,
/// by 1, 2 or 4 times one of three offsets. Left to itself the compiler makes a pointer of each
/// row, for which there are not enough registers, and every step of k reads them from memory.
struct RowsOfA {
  const char *upper, *lower;
  int64_t row, row3, row5;  // bytes

  RowsOfA(const float* a, int64_t floats)
      : upper(reinterpret_cast<const char*>(a)),
        lower(upper + 7 * 4 * floats),
        row(4 * floats),
        row3(3 * row),
        row5(5 * row) {
    asm("" : "+r"(lower), "+r"(row3), "+r"(row5));  // what they are is not to be seen through
  }
  template <int i>
  float at() const {
    constexpr int j = i % 7;
    const int64_t offset = j == 3 ? row3 : j == 5 ? row5 : j == 6 ? 2 * row3 : j * row;
    float x;
    __builtin_memcpy(&x, (i < 7 ? upper : lower) + offset, sizeof x);
    return x;
  }
  void step() { upper += sizeof(float), lower += sizeof(float); }
};

/// The same for a panel.
struct PanelOfA {
  const float* a;
  PanelOfA(const float* panel, int64_t) : a(panel) {}
  template <int i>
  float at() const {
    return a[i];
  }
  void step() { a += kMr; }
};

/// One step of k: acc[i][:] += a_i b[:].
template <int rows, int vecs, class A>
[[gnu::always_inline]] inline void step(A& a, const float* b, int64_t b_next,
                                        Vec (&acc)[rows][vecs]) {
  Vec y[vecs];
  unrolled<vecs>([&](auto j) { y[j] = load(b + j * b_next); });
  unrolled<rows>([&](auto i) {
    const Vec x = broadcast(a.template at<i>());
    unrolled<vecs>([&](auto j) { acc[i][j] = fma(x, y[j], acc[i][j]); });
  });
  a.step();
}

/// Into L2, for a tile to come: kFetched floats.
inline void fetch_ahead(const float*& fetch, int64_t fetch_row) {
  unrolled<kFetched / 16>([&](auto line) { __builtin_prefetch(fetch + 16 * line, 0, 2); });
  fetch += fetch_row;
}

/// k steps of a B whose b_step the compiler knows, four at a time: instructions that count or move
/// pointers may go to the ports of the multiply-add units, so there shall be few.
template <int b_step>
struct FixedStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* b, const Runs& runs,
                                              const float*& fetch, float*&,
                                              Vec (&acc)[rows][vecs]) {
    const int64_t b_next = b_step == Vec::kLanes ? runs.b_next : Vec::kLanes,
                  fetch_row = runs.fetch != nullptr ? runs.fetch_row : 0;
    for (; k >= 4; k -= 4) {
      fetch_ahead(fetch, fetch_row);
      step(a, b, b_next, acc);
      step(a, b + b_step, b_next, acc);
      step(a, b + 2 * b_step, b_next, acc);
      step(a, b + 3 * b_step, b_next, acc);
      b += 4 * b_step;
    }
    for (; k > 0; --k, b += b_step) step(a, b, b_next, acc);
  }
};

/// k steps of a B whose rows lie where a table says. Only beside rows of A is something fetched.
struct TableStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* b, const Runs& runs,
                                              const float*& fetch, float*&,
                                              Vec (&acc)[rows][vecs]) {
    const int64_t* at = runs.b_at;
    const int64_t fetch_row = runs.fetch != nullptr ? runs.fetch_row : 0;
    for (; k >= 4; k -= 4, at += 4) {
      if constexpr (std::is_same_v<A, RowsOfA>) fetch_ahead(fetch, fetch_row);
      step(a, b + at[0], Vec::kLanes, acc);
      step(a, b + at[1], Vec::kLanes, acc);
      step(a, b + at[2], Vec::kLanes, acc);
      step(a, b + at[3], Vec::kLanes, acc);
    }
    for (; k > 0; --k) step(a, b + *at++, Vec::kLanes, acc);
  }
};

/// A step through any B, such as the rows of a matrix, which no processor foresees: as many vectors
/// as `fetched` of the row kAhead steps further on are fetched into L1.
template <int fetched, int rows, int vecs, class A>
[[gnu::always_inline]] inline void step_along(A& a, const char*& b, int64_t b_bytes,
                                              Vec (&acc)[rows][vecs]) {
  unrolled<min(fetched, vecs)>(
      [&](auto j) { __builtin_prefetch(b + kAhead * b_bytes + j * sizeof(Vec)); });
  step(a, reinterpret_cast<const float*>(b), Vec::kLanes, acc);
  b += b_bytes;
  asm("" : "+r"(b));  // one pointer, not one for each step at hand
}

/// k steps of any B, left behind as a panel if `keeps`.
template <bool keeps>
struct AnyStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* from, const Runs& runs,
                                              const float*&, float*& keep, Vec (&acc)[rows][vecs]) {
    const auto* b = reinterpret_cast<const char*>(from);
    const int64_t b_bytes = runs.b_step * static_cast<int64_t>(sizeof(float));
    const auto one = [&] {
      if constexpr (keeps) {
        unrolled<vecs>([&](auto j) {
          store(keep + j * Vec::kLanes, load(reinterpret_cast<const float*>(b) + j * Vec::kLanes));
        });
        keep += kNr;
      }
      step_along<2>(a, b, b_bytes, acc);
    };
    for (; k >= 2; k -= 2) {
      one();
      one();
    }
    if (k > 0) one();
  }
};

/// k steps of any B while a later one is fetched into L2. Probably this one was, too, so it is
/// near: fetching one vector of a row into L1 is enough, and the second would cost more than it
/// gives.
struct FetchedStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* from, const Runs& runs,
                                              const float*& fetch, float*&,
                                              Vec (&acc)[rows][vecs]) {
    const auto* b = reinterpret_cast<const char*>(from);
    const int64_t b_bytes = runs.b_step * static_cast<int64_t>(sizeof(float)),
                  fetch_row = runs.fetch_row;
    for (; k >= 4; k -= 4) {
      fetch_ahead(fetch, fetch_row);
      unrolled<4>([&](auto) { step_along<1>(a, b, b_bytes, acc); });
    }
    for (; k > 0; --k) step_along<1>(a, b, b_bytes, acc);
  }
};

/// The micro-kernel: C = A B or C += A B for `rows` x `cols`, cols <= vecs * kLanes.
template <int rows, int vecs, class A, class B>
[[gnu::noinline]] void tile(const Runs& runs, float* c, int64_t c_row, int64_t cols,
                            bool accumulate) {
  const int64_t last = cols - (vecs - 1) * Vec::kLanes, c_next = runs.c_next;
  Vec acc[rows][vecs];
  unrolled<rows>([&](auto i) {
    __builtin_prefetch(c + i * c_row, 1);
    __builtin_prefetch(c + i * c_row + (vecs - 1) * c_next + last - 1, 1);
    unrolled<vecs>([&](auto j) { acc[i][j] = zero(); });
  });
  float* keep = runs.keep;
  // The loop asks no question: where nothing is to be fetched, it is a line of C again and again.
  const float* fetch = runs.fetch != nullptr ? runs.fetch : c;
  const Run *run = runs.run, *const end = run + runs.count;
  do {
    B::multiply(run->k, A(runs.a + run->a, runs.a_row), run->b, runs, fetch, keep, acc);
  } while (++run != end);
  // Unrolled by pragma: as good as `unrolled` once k has run, and half as long to compile.
  const auto write = [&](auto get, auto put) {
    if (accumulate) {
#pragma GCC unroll 14
      for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
        for (int j = 0; j < vecs; ++j) {
          acc[i][j] = acc[i][j] + get(c + i * c_row + j * c_next, j);
        }
      }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 3
      for (int j = 0; j < vecs; ++j) put(c + i * c_row + j * c_next, acc[i][j], j);
    }
  };
  if (last == Vec::kLanes) {
    write([](const float* p, int) { return load(p); }, [](float* p, Vec x, int) { store(p, x); });
  } else {
    const Mask all = first_lanes(Vec::kLanes), rest = first_lanes(last);
    write([&](const float* p, int j) { return load(p, j + 1 < vecs ? all : rest); },
          [&](float* p, Vec x, int j) { store(p, x, j + 1 < vecs ? all : rest); });
  }
}

template <int rows, int vecs, class B>
inline void tile_along(const Runs& runs, float* c, int64_t c_row, int64_t cols, bool accumulate) {
  (runs.a_row == 0 ? tile<rows, vecs, PanelOfA, B>
                   : tile<rows, vecs, RowsOfA, B>)(runs, c, c_row, cols, accumulate);
}

template <int rows, int vecs>
inline void tile_of(const Runs& runs, float* c, int64_t c_row, int64_t cols, bool accumulate) {
  const bool panel = runs.a_row == 0, keeps = runs.keep != nullptr;
  auto pick = tile<rows, vecs, PanelOfA, AnyStep<false>>;
  if constexpr (vecs == 2) {  // what is kept or fetched are whole strips
    pick = keeps                   ? tile_along<rows, vecs, AnyStep<true>>
           : runs.fetch != nullptr ? tile_along<rows, vecs, FetchedStep>
                                   : tile_along<rows, vecs, AnyStep<false>>;
  }
  if (runs.b_at != nullptr) {
    pick = tile_along<rows, vecs, TableStep>;
  } else if (!keeps && runs.b_step == kNr) {
    pick = tile_along<rows, vecs, FixedStep<kNr>>;
  } else if (!keeps && runs.b_step == Vec::kLanes && panel) {
    pick = tile<rows, vecs, PanelOfA, FixedStep<Vec::kLanes>>;
  } else if (!keeps && runs.b_step == 2 * kNr && panel) {
    pick = tile<rows, vecs, PanelOfA, FixedStep<2 * kNr>>;
  }
  pick(runs, c, c_row, cols, accumulate);
}

/// f(rows) for the constant min(rows_left, most): every remainder runs in registers too.
template <int most, class F>
inline void with_rows(int64_t rows_left, const F& f) {
  if constexpr (most > 1) {
    if (rows_left < most) return with_rows<most - 1>(rows_left, f);
  }
  f(std::integral_constant<int, most>());
}

/// The tile with as many rows and vectors as `rows_left` and `cols` ask for.
inline void any_tile(int64_t rows_left, const Runs& runs, float* c, int64_t c_row, int64_t cols,
                     bool accumulate) {
  with_rows<kMr>(rows_left, [&](auto rows) {
    (cols > Vec::kLanes ? tile_of<rows, 2> : tile_of<rows, 1>)(runs, c, c_row, cols, accumulate);
  });
}

/// A tile three vectors wide, of rows of A and a B with a table.
inline void wide_tile(int64_t rows_left, const Runs& runs, float* c, int64_t c_row, int64_t cols,
                      bool accumulate) {
  with_rows<kMrWide>(rows_left, [&](auto rows) {
    tile<rows, 3, RowsOfA, TableStep>(runs, c, c_row, cols, accumulate);
  });
}

/// The product of a panel of A and one of B.
inline void tile_of_panels(int64_t rows_left, int64_t k, const float* a, const float* b, float* c,
                           int64_t c_row, int64_t cols, bool accumulate) {
  const Run run{k, 0, b};
  any_tile(rows_left, {a, &run, 1, kNr}, c, c_row, cols, accumulate);
}

/// dst[p * width + r] = src[r * row + p * col] for r < min(rows, width), row or col being 1; lanes
/// beyond hold anything.
template <int width>
void pack_panel(int64_t rows, int64_t k, const float* src, int64_t row, int64_t col, float* dst) {
  constexpr int kVecs = (width + Vec::kLanes - 1) / Vec::kLanes;
  if (row == 1) {
    Mask mask[kVecs];
    for (int v = 0; v < kVecs; ++v) {
      mask[v] = first_lanes(max(0, min(min(rows, width) - v * Vec::kLanes, Vec::kLanes)));
    }
    for (int64_t p = 0; p < k; ++p) {
      for (int v = 0; v < kVecs; ++v) {
        store(dst + p * width + v * Vec::kLanes, load(src + p * col + v * Vec::kLanes, mask[v]));
      }
    }
    return;
  }
  to_lanes<width>(rows, k, src, row, dst, width);
}

/// A part of a matrix that tiles to come will read. Meanwhile it is fetched into L2 by the tiles at
/// work, a piece each: kFetched columns, and a row for every four steps of k.
struct Fetch {
  const float* at = nullptr;
  int64_t row = 0, rows = 0, cols = 0;  // row: floats from one to the next
  int64_t i = 0, j = 0;

  bool done() const { return i >= rows; }
  const float* next(int64_t k) {
    const float* const piece = at + i * row + j;
    j += kFetched;
    if (j >= cols) j = 0, i += max(1, k / 4);
    return piece;
  }
};

/// Of a matrix stored either way: one of row and col is 1.
inline Fetch fetch_of(const float* at, int64_t row, int64_t col, int64_t rows, int64_t cols) {
  return col == 1 ? Fetch{at, row, rows, cols} : Fetch{at, col, cols, rows};
}

/// The longest slice of k. A B too large for most L2s comes from further away, which takes long
/// rows of it, and so few of them at once; two tiles in a column, which read it in place, take
/// still fewer of one that comes from furthest. A single tile reads each number once and fetches
/// nothing for later; with very many tiles, C, which passes once a slice, counts for more than B.
/// The number of threads plays no part: the order of each sum follows from the slices.
inline int64_t longest_slice(const Gemm& s) {
  const int64_t bytes = s.n * s.k * static_cast<int64_t>(sizeof(float)), mib = 1 << 20;
  if (bytes < 2 * mib || s.m <= kMr || s.m >= 512) return kKc;
  return bytes >= 8 * mib && s.m <= 2 * kMr ? kKcTwoTiles : kKcLarge;
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
  bool turned, pack_a, b_in_place, by_turns;
  int64_t kc, mr;          // the longest slice of k; the rows of a tile, of which all get alike
  int64_t strips, groups;  // the most of a task's columns, and how many groups of them
  int64_t rows, ranges;    // of a task, and how many ranges of them
  int64_t b_size, a_size, own_size;  // floats of a panel of B, of A, of a thread
};

GemmPlan plan_gemm(const Gemm& s, bool turned, int threads) {
  GemmPlan plan{};
  plan.turned = turned;
  plan.kc = max(1, ceil_div(s.k, max(1, ceil_div(s.k, longest_slice(s)))));
  plan.b_in_place = s.b_col == 1;
  plan.by_turns = threads > 1 && s.m * s.n * s.k > kLong;
  const int64_t strips = ceil_div(s.n, kNr);
  // The cheapest of some cuts, counted in multiply-adds for each k. A strip's first tile, which
  // fetches B, costs as much as six more rows; rows of A that another strip has not just fetched
  // cost as much as seven more columns, twelve if they are copied.
  const bool aliased = s.a_row % 1024 == 0;  // 4 KiB: all rows share one set of L1
  plan.pack_a = s.a_col != 1 || (aliased && strips >= 4);
  const int64_t wanted = plan.by_turns ? 4 * threads : threads;
  int64_t least = INT64_MAX;
  for (int64_t r = 1; r <= wanted; r *= 2) {
    const int64_t rows = ceil_div(s.m, r), ranges = ceil_div(s.m, rows);
    const int64_t groups =
        min(strips, round_up(ceil_div(strips, most_strips(plan.kc)), ceil_div(wanted, ranges)));
    const int64_t cols = min(s.n, ceil_div(strips, groups) * kNr);
    const int64_t task = rows * cols + 6 * cols + (plan.pack_a ? 12 : 7) * rows;
    const int64_t cost = ceil_div(ranges * groups, threads) * task;
    if (cost >= least) continue;
    least = cost;
    plan.rows = rows;
    plan.groups = groups;
  }
  plan.strips = ceil_div(strips, plan.groups);
  if (turned) plan.rows = min(plan.rows, max(1, kTurned / (plan.strips * kNr)));
  plan.mr = ceil_div(plan.rows, ceil_div(plan.rows, kMr));
  plan.ranges = ceil_div(s.m, plan.rows);
  plan.b_size = round_up(panel_size<kNr>(plan.kc), 16);
  plan.a_size = round_up(panel_size<kMr>(plan.kc), 16);
  plan.own_size =
      plan.strips * plan.b_size + plan.a_size + (turned ? plan.rows * plan.strips * kNr : 0);
  return plan;
}

/// A task's part of C: rows i0 to i1 - 1, columns j0 to j1 - 1. `next` is the column at which this
/// thread's next part probably starts, a hint what to fetch, or n.
struct Part {
  int64_t i0, i1, j0, j1, next;
};

/// What of B is to be read after slice pc of k: its next slice, or the first of the next part.
Fetch fetch_of_b(const Gemm& s, const GemmPlan& plan, const Part& part, int64_t pc) {
  const int64_t p = pc + plan.kc < s.k ? pc + plan.kc : 0, j = p > 0 ? part.j0 : part.next;
  if (j >= s.n) return {};
  return fetch_of(s.b + p * s.b_row + j * s.b_col, s.b_row, s.b_col, min(plan.kc, s.k - p),
                  min(part.j1 - part.j0, s.n - j));
}

/// Computes a part, written to c from its first element on.
void gemm_part(const Gemm& s, const GemmPlan& plan, const Part& part, float* c, int64_t c_row,
               float* own) {
  const int64_t i0 = part.i0, i1 = part.i1, j0 = part.j0, j1 = part.j1;
  float* const a_panel = own + plan.strips * plan.b_size;
  const int64_t tiles = ceil_div(i1 - i0, plan.mr);  // of a strip
  const bool few = tiles <= 2;                       // they all read B in place
  for (int64_t pc = 0; pc == 0 || pc < s.k; pc += plan.kc) {
    const int64_t kc = min(plan.kc, s.k - pc);
    const bool last = pc + kc >= s.k;
    Fetch fetch_a, fetch_b;
    int64_t i_fetched = i0 + plan.mr;
    for (int64_t i = i0; i < i1; i += plan.mr) {
      const int64_t rows = min(plan.mr, i1 - i);
      const float* a = s.a + i * s.a_row + pc * s.a_col;
      if (plan.pack_a) {
        pack_panel<kMr>(rows, kc, a, s.a_row, s.a_col, a_panel);
        a = a_panel;
      }
      // A tile fetches a quarter of a slice's rows, so it takes two rows of tiles, one with AVX2:
      // the last, but where there are but two, which both wait for memory, both.
      const bool fetches = tiles == 2 || (i > i0 && i1 - i <= kNr / (kFetched / 4) * plan.mr);
      if (fetches && fetch_b.at == nullptr) fetch_b = fetch_of_b(s, plan, part, pc);
      float* panel = own;
      for (int64_t j = j0; j < j1; j += kNr, panel += plan.b_size) {
        const int64_t cols = min(kNr, j1 - j);
        const float* const b = s.b + pc * s.b_row + j * s.b_col;
        const bool in_place = plan.b_in_place && cols == kNr && (few || i == i0);
        const bool keeps = in_place && !few;
        if (i == i0 && !in_place) pack_panel<kNr>(cols, kc, b, s.b_col, s.b_row, panel);
        if (plan.pack_a && fetch_a.done() && i_fetched < min(i1, i + kRowsAhead)) {
          const int64_t ahead = s.a_col == 1 ? max(1, kc / 4) : kFetched;  // a piece long, or wide
          fetch_a = fetch_of(s.a + i_fetched * s.a_row + pc * s.a_col, s.a_row, s.a_col, ahead, kc);
          i_fetched += ahead;
        }
        Fetch& fetch = fetch_a.done() ? fetch_b : fetch_a;
        const Run run{kc, 0, in_place ? b : panel};
        float* const to = c + (i - i0) * c_row + j - j0;
        any_tile(rows,
                 {.a = a,
                  .run = &run,
                  .count = 1,
                  .b_step = in_place ? s.b_row : kNr,
                  .a_row = plan.pack_a ? 0 : s.a_row,
                  .keep = keeps ? panel : nullptr,
                  .fetch = keeps || fetch.done() ? nullptr : fetch.next(kc),
                  .fetch_row = fetch.row},
                 to, c_row, cols, s.accumulate || pc > 0);
        if (last && !plan.turned) finish(s, to, rows, cols, bias_from(s, j));
      }
    }
  }
}

/// The same where the caller's C is turned: it is computed aside first.
void turned_gemm_part(const Gemm& s, const GemmPlan& plan, const Part& part, float* own) {
  float* const block = own + plan.strips * plan.b_size + plan.a_size;
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
  const int threads = serial ? 1 : omp_get_max_threads();
  const GemmPlan plan = plan_gemm(s, turned, threads);
  const Scratch<float> floats(threads * plan.own_size);
  float* const all = floats.get();
  const int64_t tasks = plan.groups * plan.ranges, strips = ceil_div(s.n, kNr);
  const auto column = [&](int64_t group) { return min(s.n, group * strips / plan.groups * kNr); };
  const auto compute = [&](int64_t t, float* own) {
    const int64_t group = t / plan.ranges, i0 = t % plan.ranges * plan.rows;
    const int64_t next = plan.by_turns ? t + threads : t + 1;
    const bool mine =
        plan.by_turns || next % ceil_div(tasks, threads) != 0;  // not another thread's
    const Part part{i0, min(s.m, i0 + plan.rows), column(group), column(group + 1),
                    mine && next < tasks ? column(next / plan.ranges) : s.n};
    if (turned) {
      turned_gemm_part(s, plan, part, own);
    } else {
      gemm_part(s, plan, part, s.c + i0 * s.c_row + part.j0, s.c_row, own);
    }
  };
  if (threads == 1) {  // a team of one costs more than a small product
    for (int64_t t = 0; t < tasks; ++t) compute(t, all);
  } else if (plan.by_turns) {  // one construct for team and loop, which saves a barrier
#pragma omp parallel for schedule(monotonic : dynamic, 1) num_threads(threads)
    for (int64_t t = 0; t < tasks; ++t) compute(t, all + omp_get_thread_num() * plan.own_size);
  } else {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t t = 0; t < tasks; ++t) compute(t, all + omp_get_thread_num() * plan.own_size);
  }
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
