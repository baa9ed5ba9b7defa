#pragma once

#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/lanes.h"

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
namespace forger::kernels {
namespace {

constexpr int kMr = Vec::kLanes == 16 ? 14 : 6;
constexpr int kNr = 2 * Vec::kLanes;
constexpr int kMrWide = Vec::kLanes == 16 ? 9 : 4;  // rows of a tile of three vectors
constexpr int64_t kFetched = 64;                    // floats of a row fetched at once
// Only the first of at least three tiles below each other keeps B, and all but the last have the
// same number of rows. More than 2 kMr rows in three tiles are more than 2 kMr / 3 rows a tile.
constexpr int kLeastRowsThatKeep = (2 * kMr + 3) / 3;
// Tiles of fewer rows fetch nothing. That saves a loop for each and was not seen to cost time.
constexpr int kLeastRowsThatFetch = kMr / 2 + 1;

/// Floats of a panel, `width` for each of k steps, and one vector more: packing stores whole
/// vectors and lets the next store overwrite what was too much.
template <int width>
constexpr int64_t panel_size(int64_t k) {
  return width * k + Vec::kLanes;
}

/// What a tile multiplies, run after run: k steps of A from a[run.a] on and of B from run.b on. A
/// matrix product has one run; a convolution that reads its images in place has several. b_next is
/// heeded for a panel of A and a b_step of kLanes, and any_tile takes no panel of A beside a b_at.
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
  float* keep = nullptr;  // where B is left as a panel; needs kLeastRowsThatKeep rows, 2 vectors
  int64_t b_next = Vec::kLanes, c_next = Vec::kLanes;  // from a tile's first vector to its second
  // What a later tile will read and this one fetches meanwhile: kFetched floats for each four steps
  // of k, and the next fetch_row further on. Ignored beside `keep`, and by tiles of fewer than
  // kLeastRowsThatFetch rows unless B is a panel, and by tiles of one vector unless b_at is given.
  const float* fetch = nullptr;
  int64_t fetch_row = 0;
  // C goes past the caches: whole vectors, each on a multiple of its size. Heeded for a panel of A
  // and a b_at.
  bool stream = false;
};

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

/// k steps, and before each four of them a fetch for a tile to come.
template <class Step>
[[gnu::always_inline]] inline void steps(int64_t k, const float*& fetch, int64_t fetch_row,
                                         const Step& step) {
  for (; k > 0; k -= 4) {
    fetch_ahead(fetch, fetch_row);
    for (int64_t left = min(k, 4); left > 0; --left) step();
  }
}

/// k steps of a B whose b_step the compiler knows.
template <int b_step>
struct FixedStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* b, const Runs& runs,
                                              const float*& fetch, float*&,
                                              Vec (&acc)[rows][vecs]) {
    const int64_t b_next = b_step == Vec::kLanes ? runs.b_next : Vec::kLanes;
    steps(k, fetch, runs.fetch != nullptr ? runs.fetch_row : 0, [&]() {
      step(a, b, b_next, acc);
      b += b_step;
    });
  }
};

/// k steps of a B whose rows lie where a table says. Only beside rows of A is something fetched.
struct TableStep {
  template <int rows, int vecs, class A>
  [[gnu::always_inline]] static void multiply(int64_t k, A a, const float* b, const Runs& runs,
                                              const float*& fetch, float*&,
                                              Vec (&acc)[rows][vecs]) {
    const int64_t* at = runs.b_at;
    const auto one = [&] { step(a, b + *at++, Vec::kLanes, acc); };
    if constexpr (std::is_same_v<A, RowsOfA>) {
      steps(k, fetch, runs.fetch != nullptr ? runs.fetch_row : 0, one);
    } else {
      for (; k > 0; --k) one();
    }
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
    for (; k > 0; --k) one();
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
    const int64_t b_bytes = runs.b_step * static_cast<int64_t>(sizeof(float));
    steps(k, fetch, runs.fetch_row, [&] { step_along<1>(a, b, b_bytes, acc); });
  }
};

/// The micro-kernel: C = A B or C += A B for `rows` x `cols`, cols <= vecs * kLanes.
template <int rows, int vecs, class A, class B>
[[gnu::always_inline]] inline void micro_kernel(const Runs& runs, float* c, int64_t c_row,
                                                int64_t cols, bool accumulate) {
  const int64_t last = cols - (vecs - 1) * Vec::kLanes, c_next = runs.c_next;
  const bool stream = std::is_same_v<A, PanelOfA> && std::is_same_v<B, TableStep> && runs.stream;
  if (!stream) {
    unrolled<rows>([&](auto i) {
      __builtin_prefetch(c + i * c_row, 1);
      __builtin_prefetch(c + i * c_row + (vecs - 1) * c_next + last - 1, 1);
    });
  }
  Vec acc[rows][vecs];
  unrolled<rows>([&](auto i) { unrolled<vecs>([&](auto j) { acc[i][j] = zero(); }); });
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
  const auto get = [](const float* p, int) { return load(p); };
  if (stream) {
    write(get, [](float* p, Vec x, int) { store_past_caches(p, x); });
  } else if (last == Vec::kLanes) {
    write(get, [](float* p, Vec x, int) { store(p, x); });
  } else {
    const Mask all = first_lanes(Vec::kLanes), rest = first_lanes(last);
    write([&](const float* p, int j) { return load(p, j + 1 < vecs ? all : rest); },
          [&](float* p, Vec x, int j) { store(p, x, j + 1 < vecs ? all : rest); });
  }
}

template <int rows, int vecs, class A, class B>
[[gnu::noinline]] void tile(const Runs& runs, float* c, int64_t c_row, int64_t cols,
                            bool accumulate) {
  micro_kernel<rows, vecs, A, B>(runs, c, c_row, cols, accumulate);
}

template <int rows, int vecs, class B>
inline void tile_along(const Runs& runs, float* c, int64_t c_row, int64_t cols, bool accumulate) {
  (runs.a_row == 0 ? tile<rows, vecs, PanelOfA, B>
                   : tile<rows, vecs, RowsOfA, B>)(runs, c, c_row, cols, accumulate);
}

template <int rows, int vecs>
inline void tile_of(const Runs& runs, float* c, int64_t c_row, int64_t cols, bool accumulate) {
  auto pick = tile_along<rows, vecs, AnyStep<false>>;
  if (runs.b_at != nullptr) {
    pick = tile<rows, vecs, RowsOfA, TableStep>;
  } else if constexpr (vecs == 2) {
    if (runs.keep != nullptr) {
      if constexpr (rows >= kLeastRowsThatKeep) pick = tile_along<rows, vecs, AnyStep<true>>;
    } else if (runs.b_step == kNr) {
      pick = tile_along<rows, vecs, FixedStep<kNr>>;
    } else if (runs.b_step == Vec::kLanes && runs.a_row == 0) {
      pick = tile<rows, vecs, PanelOfA, FixedStep<Vec::kLanes>>;
    } else if (runs.fetch != nullptr) {
      if constexpr (rows >= kLeastRowsThatFetch) pick = tile_along<rows, vecs, FetchedStep>;
    }
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

}  // namespace
}  // namespace forger::kernels
