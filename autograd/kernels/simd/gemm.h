#pragma once

#include <omp.h>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemv.h"
#include "autograd/memory.h"

// Matrix product in the manner of Goto & van de Geijn, "Anatomy of High-Performance Matrix
// Multiplication" (ACM TOMS 34(3), 2008), and of BLIS (Van Zee & van de Geijn, ACM TOMS 41(3),
// 2015): everything rests on one small tile of C that stays in registers while k runs.
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
//   for pc in k by kc                        a slice of k
//     for ic in the smaller side by mc       pack this side's block: shared by all threads
//       for jc in the larger side            one task: pack a few panels, the thread's own
//         for each shared panel
//           for each own panel               one tile of C, k by kc deep
//
// A panel is a strip of mr rows of A or nr columns of B, stored in the order in which the tile
// reads it, so that k runs through consecutive memory whatever the strides were. The larger of A
// and B is packed just before its use, by the thread that uses it, and exactly once per shared
// block; the smaller waits in L2 or L3. kc = 512 makes loading and storing C rare (28 vectors for
// 28 * 512 multiply-adds) and keeps six own panels, 384 KiB, in L2. There are two shared blocks: a
// thread that is done with one packs the next while others still read the first. Each element of C
// is summed in the order of k, slice after slice, whoever computes it: the threads change no bit.
namespace forger::kernels {
namespace {

constexpr int kMr = Vec::kLanes == 16 ? 14 : 6;
constexpr int kNr = 2 * Vec::kLanes;
constexpr int64_t kKc = 512;
constexpr int64_t kSharedPanels = 72;

/// A panel's floats for k of these: one vector more than its own, for packing stores whole vectors
/// and lets the next store overwrite what was too much.
template <int width>
constexpr int64_t panel_size(int64_t k) {
  return width * k + Vec::kLanes;
}

/// What a tile multiplies, run after run: k steps of kMr floats each of A from a[run.a] on, and kNr
/// of B, `b_step` apart, from run.b on. A matrix product has one run; a convolution that reads its
/// images in place has several.
struct Run {
  int64_t k, a;
  const float* b;
};
struct Runs {
  const float* a;
  const Run* run;
  int64_t count, b_step;
};

/// The micro-kernel: C = A B or C += A B, + bias if not null, for `rows` x `cols`, cols <= vecs *
/// kLanes.
template <int rows, int vecs>
[[gnu::noinline]] void tile(const Runs& runs, float* c, int64_t c_row, int64_t cols,
                            bool accumulate, const float* bias) {
  Vec acc[rows][vecs];
  for (int i = 0; i < rows; ++i) {
    __builtin_prefetch(c + i * c_row, 1);
    __builtin_prefetch(c + i * c_row + cols - 1, 1);
    for (int j = 0; j < vecs; ++j) acc[i][j] = zero();
  }
  for (int64_t r = 0; r < runs.count; ++r) {
    const float *a = runs.a + runs.run[r].a, *b = runs.run[r].b;
    for (int64_t p = runs.run[r].k; p > 0; --p) {
      Vec y[vecs];
      for (int j = 0; j < vecs; ++j) y[j] = load(b + j * Vec::kLanes);
      for (int i = 0; i < rows; ++i) {
        const Vec x = broadcast(a[i]);
        for (int j = 0; j < vecs; ++j) acc[i][j] = fma(x, y[j], acc[i][j]);
      }
      a += kMr;
      b += runs.b_step;
    }
  }
  const bool whole = cols == vecs * Vec::kLanes;
  const Mask tail = first_lanes(cols - (vecs - 1) * Vec::kLanes);
  // Unrolled by order: left to itself the compiler keeps the loop and the sums go through memory.
#pragma GCC unroll 14
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < vecs; ++j) {
      float* const p = c + i * c_row + j * Vec::kLanes;
      if (whole || j + 1 < vecs) {
        const Vec sum = accumulate ? load(p) + acc[i][j] : acc[i][j];
        store(p, bias != nullptr ? sum + load(bias + j * Vec::kLanes) : sum);
      } else {
        const Vec sum = accumulate ? load(p, tail) + acc[i][j] : acc[i][j];
        store(p, bias != nullptr ? sum + load(bias + j * Vec::kLanes, tail) : sum, tail);
      }
    }
  }
}

/// The tile with as many rows and vectors as `rows_left` and `cols` ask for: every remainder runs
/// in registers too.
template <int rows = kMr>
inline void any_tile(int64_t rows_left, const Runs& runs, float* c, int64_t c_row, int64_t cols,
                     bool accumulate, const float* bias = nullptr) {
  if constexpr (rows > 1) {
    if (rows_left < rows) {
      return any_tile<rows - 1>(rows_left, runs, c, c_row, cols, accumulate, bias);
    }
  }
  if (cols > Vec::kLanes) {
    tile<rows, 2>(runs, c, c_row, cols, accumulate, bias);
  } else {
    tile<rows, 1>(runs, c, c_row, cols, accumulate, bias);
  }
}

/// The product of a panel of A and one of B.
inline void tile_of_panels(int64_t rows_left, int64_t k, const float* a, const float* b, float* c,
                           int64_t c_row, int64_t cols, bool accumulate,
                           const float* bias = nullptr) {
  const Run run{k, 0, b};
  any_tile(rows_left, {a, &run, 1, kNr}, c, c_row, cols, accumulate, bias);
}

/// dst[p * width + r] = src[r * row + p * col] for r < min(rows, width); lanes beyond hold
/// anything.
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
  for (int v = 0; v < kVecs; ++v) {
    const float* from[Vec::kLanes];
    for (int r = 0; r < Vec::kLanes; ++r) from[r] = src + min(v * Vec::kLanes + r, rows - 1) * row;
    float* const to = dst + v * Vec::kLanes;
    int64_t p = 0;
    // A cache line of each row at a time: the rows may all compete for one set of the cache.
    for (; p + 16 <= k; p += 16) {
      Vec q[4][4];
      for (int r = 0; r < 4; ++r) {
        for (int c = 0; c < 4; ++c) q[c][r] = load_quads(from + r, p + 4 * c);
      }
      for (int c = 0; c < 4; ++c) {
        transpose_quads(q[c]);
        for (int r = 0; r < 4; ++r) store(to + (p + 4 * c + r) * width, q[c][r]);
      }
    }
    for (; p < k; ++p) {
      for (int r = 0; r < Vec::kLanes; ++r) to[p * width + r] = from[r][p];
    }
  }
}

/// Adjacent panels, the last of which may have fewer than `width` of the `rows`.
template <int width>
void pack_panels(int64_t panels, int64_t rows, int64_t k, const float* src, int64_t row,
                 int64_t col, float* dst) {
  const int64_t size = panel_size<width>(k);
  int64_t done = 0;
  if (row == 1 && width == kNr) {
    // All panels of a row before the next row: rows 4 KiB apart share one set of the cache, and
    // reading two lines of each took twice as long.
    done = min(panels, rows / width);
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < done; ++i) {
        const float* const from = src + p * col + i * width;
        float* const to = dst + i * size + p * width;
        store(to, load(from));
        store(to + Vec::kLanes, load(from + Vec::kLanes));
      }
    }
  }
  for (int64_t i = done; i < panels; ++i) {
    pack_panel<width>(rows - i * width, k, src + i * width * row, row, col, dst + i * size);
  }
}

/// What the threads agree on; it follows from the extents alone.
struct GemmPlan {
  bool share_a;                   // else B is the shared side
  int64_t kc, own_panels;         // own panels: of one task
  int64_t shared_size, own_size;  // floats of one block
};

GemmPlan plan_gemm(const Gemm& s) {
  GemmPlan plan;
  plan.share_a = s.m <= s.n;
  plan.kc = max(1, ceil_div(s.k, max(1, ceil_div(s.k, kKc))));
  const int64_t a = panel_size<kMr>(plan.kc), b = panel_size<kNr>(plan.kc);
  const int64_t a_panels = ceil_div(s.m, kMr), b_panels = ceil_div(s.n, kNr);
  // At least eight tasks, if there is work for them, so that no thread waits long for another.
  if (plan.share_a) {
    plan.own_panels = max(1, min(6, b_panels / 8));
    plan.shared_size = round_up(min(a_panels, kSharedPanels) * a, 16);
    plan.own_size = round_up(plan.own_panels * b, 16);
  } else {
    plan.own_panels = max(1, min(8, a_panels / 8));
    plan.shared_size = round_up(min(b_panels, kSharedPanels) * b, 16);
    plan.own_size = round_up(plan.own_panels * a, 16);
  }
  return plan;
}

/// The loops around the tile. Inside a parallel region the threads share them out; outside of one
/// the same code runs alone. Tasks are handed out in order (`monotonic`): LLVM 14's default, which
/// lets threads steal from one another, fails an assertion of its own in loops used both ways.
void gemm_loops(const Gemm& s, const GemmPlan& plan, float* both, float* own) {
  const int64_t a_panels = ceil_div(s.m, kMr), b_panels = ceil_div(s.n, kNr);
  const int64_t shared_all = plan.share_a ? a_panels : b_panels;
  const int64_t own_all = plan.share_a ? b_panels : a_panels;
  int64_t round = 0;
  for (int64_t pc = 0; pc == 0 || pc < s.k; pc += plan.kc) {
    const int64_t kc = min(plan.kc, s.k - pc);
    const auto pack_a = [&](int64_t panel, int64_t count, float* dst) {
      const int64_t i = panel * kMr;
      pack_panels<kMr>(count, s.m - i, kc, s.a + i * s.a_row + pc * s.a_col, s.a_row, s.a_col, dst);
    };
    const auto pack_b = [&](int64_t panel, int64_t count, float* dst) {
      const int64_t j = panel * kNr;
      pack_panels<kNr>(count, s.n - j, kc, s.b + pc * s.b_row + j * s.b_col, s.b_col, s.b_row, dst);
    };
    const int64_t a_size = panel_size<kMr>(kc), b_size = panel_size<kNr>(kc);
    for (int64_t ic = 0; ic < shared_all; ic += kSharedPanels) {
      const int64_t mc = min(kSharedPanels, shared_all - ic);
      float* const shared = both + (round++ % 2) * plan.shared_size;
#pragma omp for schedule(monotonic : dynamic, 1)
      for (int64_t x = 0; x < mc; ++x) {
        if (plan.share_a) {
          pack_a(ic + x, 1, shared + x * a_size);
        } else {
          pack_b(ic + x, 1, shared + x * b_size);
        }
      }
#pragma omp for schedule(monotonic : dynamic, 1) nowait
      for (int64_t jc = 0; jc < own_all; jc += plan.own_panels) {
        const int64_t nc = min(plan.own_panels, own_all - jc);
        if (plan.share_a) {
          pack_b(jc, nc, own);
        } else {
          pack_a(jc, nc, own);
        }
        for (int64_t x = 0; x < mc; ++x) {
          for (int64_t y = 0; y < nc; ++y) {
            const int64_t i = (plan.share_a ? ic + x : jc + y) * kMr;
            const int64_t j = (plan.share_a ? jc + y : ic + x) * kNr;
            const float* const a = plan.share_a ? shared + x * a_size : own + y * a_size;
            const float* const b = plan.share_a ? own + y * b_size : shared + x * b_size;
            const bool last = s.bias != nullptr && pc + kc >= s.k;
            tile_of_panels(s.m - i, kc, a, b, s.c + i * s.c_row + j, s.c_row, min(kNr, s.n - j),
                           s.accumulate || pc > 0, last ? s.bias + j : nullptr);
          }
        }
      }
    }
  }
}

void gemm(const Gemm& s) {
  if (s.m == 0 || s.n == 0) return;
  if (gemm_thin(s)) return add_bias(s);

  const GemmPlan plan = plan_gemm(s);
  const bool serial = s.m * s.n * s.k < kSerialWork;
  const int threads = serial ? 1 : omp_get_max_threads();
  auto* const shared = static_cast<float*>(memory::acquire(
      static_cast<size_t>(2 * plan.shared_size + threads * plan.own_size) * sizeof(float)));
  float* const own = shared + 2 * plan.shared_size;
  if (threads == 1) {
    gemm_loops(s, plan, shared, own);
  } else {
#pragma omp parallel num_threads(threads)
    gemm_loops(s, plan, shared, own + omp_get_thread_num() * plan.own_size);
  }
  memory::release(shared);
}

}  // namespace
}  // namespace forger::kernels
