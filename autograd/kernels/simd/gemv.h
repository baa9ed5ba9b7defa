#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/kernels/simd/tasks.h"
#include "autograd/memory.h"

// The matrix products that are too thin for the tile of tile.h: C of one column or one row, and K
// of a few. Each element of the large matrix takes part in one multiply-add or a few, a quarter to
// half a flop a byte, so the limit is the memory, and packing would only read it twice. Each kernel
// walks the large matrix in the order in which it is stored:
//
//   by columns   y    += sum a[:, p..p+7] * x[p..p+7]    eight columns share the loads of y
//   by rows      y[i]  = sum a[i, :] * x                 four rows at a time share the loads of x
namespace forger::kernels {
namespace {

/// What is left to do for the sums that a product has written to `rows` rows and `cols` columns of
/// C, from c on: the bias, of which the columns' part is given, and the leaky ReLU.
void finish(const Gemm& s, float* c, int64_t rows, int64_t cols, const float* bias) {
  if (bias == nullptr && s.slope == 1) return;
  const Leak leak{s.slope};
  for (int64_t i = 0; i < rows; ++i, c += s.c_row) {
    for_lanes(0, cols, [&](int64_t j, Lanes lanes) {
      Vec y = lanes.get(c + j);
      if (bias != nullptr) y = y + lanes.get(bias + j);
      lanes.put(c + j, leak(y, y));
    });
  }
}
/// The bias of the columns from `column` on, or null.
const float* bias_from(const Gemm& s, int64_t column) {
  return s.bias != nullptr ? s.bias + column : nullptr;
}

/// y = A x or y += A x for A [m, terms] stored by columns, of which there are a few, y dense.
template <int terms>
void add_columns(int64_t m, const float* a, int64_t col, const float* x, int64_t x_step, float* y,
                 bool accumulate) {
  Vec xp[terms];
  for (int p = 0; p < terms; ++p) xp[p] = broadcast(x[p * x_step]);
  for_lanes(0, m, [&](int64_t i, Lanes lanes) {
    Vec sum[2] = {accumulate ? lanes.get(y + i) : zero(), zero()};  // half the latency
    for (int p = 0; p < terms; ++p) {
      sum[p % 2] = fma(xp[p], lanes.get(a + i + p * col), sum[p % 2]);
    }
    lanes.put(y + i, terms > 1 ? sum[0] + sum[1] : sum[0]);
  });
}

/// The same for any number of columns of at most `vecs` vectors: y stays in registers.
template <int vecs>
void add_short_columns(int64_t m, int64_t k, const float* a, int64_t col, const float* x,
                       int64_t x_step, float* y, bool accumulate) {
  if constexpr (vecs > 1) {
    if (m <= (vecs - 1) * Vec::kLanes) {
      return add_short_columns<vecs - 1>(m, k, a, col, x, x_step, y, accumulate);
    }
  }
  const auto walk = [&](auto get, auto put) {
    Vec sum[2][vecs];  // half the latency
    for (int v = 0; v < vecs; ++v) {
      sum[0][v] = accumulate ? get(y, v) : zero();
      sum[1][v] = zero();
    }
    const auto add = [&](Vec(&to)[vecs], int64_t p) {
      const Vec xp = broadcast(x[p * x_step]);
      for (int v = 0; v < vecs; ++v) to[v] = fma(xp, get(a + p * col, v), to[v]);
    };
    int64_t p = 0;
    for (; p + 2 <= k; p += 2) {
      add(sum[0], p);
      add(sum[1], p + 1);
    }
    if (p < k) add(sum[0], p);
    for (int v = 0; v < vecs; ++v) put(y, v, sum[0][v] + sum[1][v]);
  };
  if (m == vecs * Vec::kLanes) {
    walk([](const float* p, int v) { return load(p + v * Vec::kLanes); },
         [](float* p, int v, Vec sum) { store(p + v * Vec::kLanes, sum); });
  } else {
    const Mask all = first_lanes(Vec::kLanes), rest = first_lanes(m - (vecs - 1) * Vec::kLanes);
    const auto mask = [&](int v) { return v + 1 < vecs ? all : rest; };
    walk([&](const float* p, int v) { return load(p + v * Vec::kLanes, mask(v)); },
         [&](float* p, int v, Vec sum) { store(p + v * Vec::kLanes, sum, mask(v)); });
  }
}

/// Columns of so many numbers at most keep their sums in registers.
constexpr int64_t kShortColumn = 4 * Vec::kLanes;

/// The same for any number of columns and any m, m at most kShortColumn if they are
/// `short_columns`: the caller decides by the whole column, for a thread's part of it must be
/// summed in the same way.
template <int terms = 8>
void gemv_by_columns(int64_t m, int64_t k, const float* a, int64_t col, const float* x,
                     int64_t x_step, float* y, bool accumulate, bool short_columns) {
  if (k >= terms && short_columns) {
    return add_short_columns<kShortColumn / Vec::kLanes>(m, k, a, col, x, x_step, y, accumulate);
  }
  if (k == 0 && !accumulate) {
    for_lanes(0, m, [&](int64_t i, Lanes lanes) { lanes.put(y + i, zero()); });
  }
  for (; k >= terms; k -= terms, a += terms * col, x += terms * x_step, accumulate = true) {
    add_columns<terms>(m, a, col, x, x_step, y, accumulate);
  }
  if constexpr (terms > 1) {
    if (k > 0) gemv_by_columns<terms - 1>(m, k, a, col, x, x_step, y, accumulate, short_columns);
  }
}

/// Dot products of `rows` rows of A with a dense x.
template <int rows>
void gemv_rows(int64_t k, const float* a, int64_t row, const float* x, float* y, int64_t y_step,
               bool accumulate) {
  constexpr int kVecs = 2;
  Vec acc[rows][kVecs];
  for (int i = 0; i < rows; ++i) {
    for (int v = 0; v < kVecs; ++v) acc[i][v] = zero();
  }
  int64_t p = 0;
  for (; p + kVecs * Vec::kLanes <= k; p += kVecs * Vec::kLanes) {
    for (int v = 0; v < kVecs; ++v) {
      const int64_t at = p + v * Vec::kLanes;
      const Vec xp = load(x + at);
      for (int i = 0; i < rows; ++i) acc[i][v] = fma(load(a + i * row + at), xp, acc[i][v]);
    }
  }
  for (; p < k; p += Vec::kLanes) {
    const Mask mask = first_lanes(min(k - p, Vec::kLanes));
    const Vec xp = load(x + p, mask);
    for (int i = 0; i < rows; ++i) acc[i][0] = fma(load(a + i * row + p, mask), xp, acc[i][0]);
  }
  for (int i = 0; i < rows; ++i) {
    alignas(64) float lane[Vec::kLanes];
    store(lane, acc[i][0] + acc[i][1]);
    for (int half = Vec::kLanes / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) lane[l] += lane[l + half];
    }
    y[i * y_step] = accumulate ? y[i * y_step] + lane[0] : lane[0];
  }
}

/// C of one column, for A stored by columns. Where there are many, each slice of them is summed by
/// itself, a stretch of memory, and the slices' sums are added in order: they depend on k alone.
void gemv_of_columns(const Gemm& s, int threads) {
  const int64_t slices = max(1, min(8, s.k / 256)), depth = ceil_div(s.k, slices);
  const int64_t pieces = ceil_div(threads, slices);
  const int64_t size = round_up(ceil_div(s.m, pieces), Vec::kLanes);
  const bool direct = slices == 1 && s.c_row == 1;
  float* const sums = direct ? s.c
                             : static_cast<float*>(memory::acquire(
                                   static_cast<size_t>(slices * pieces * size) * sizeof(float)));
  const auto sum_of = [&](int64_t slice) { return sums + slice * pieces * size; };
  const int64_t tasks = slices * pieces;
  parallel_chunks(tasks, ceil_div(tasks, threads), [=](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t slice = t / pieces, p = slice * depth, i = t % pieces * size;
      if (i >= s.m) continue;
      gemv_by_columns(min(size, s.m - i), min(depth, s.k - p), s.a + i + p * s.a_col, s.a_col,
                      s.b + p * s.b_row, s.b_row, sum_of(slice) + i, direct && s.accumulate,
                      s.m <= kShortColumn);
    }
  });
  if (direct) return;
  for (int64_t i = 0; i < s.m; i += Vec::kLanes) {
    alignas(64) float sum[Vec::kLanes];
    Vec all = load(sums + i);
    for (int64_t slice = 1; slice < slices; ++slice) all = all + load(sum_of(slice) + i);
    store(sum, all);
    for (int64_t l = 0; l < min(Vec::kLanes, s.m - i); ++l) {
      float& y = s.c[(i + l) * s.c_row];
      y = s.accumulate ? y + sum[l] : sum[l];
    }
  }
  memory::release(sums);
}

/// The same for A stored by rows.
void gemv_of_rows(const Gemm& s, int threads) {
  float* copy = nullptr;
  if (s.b_row != 1) {  // dot products want x dense
    copy = static_cast<float*>(memory::acquire(static_cast<size_t>(s.k) * sizeof(float)));
    for (int64_t p = 0; p < s.k; ++p) copy[p] = s.b[p * s.b_row];
  }
  const float* const x = copy != nullptr ? copy : s.b;
  parallel_chunks(s.m, round_up(ceil_div(s.m, threads), 4), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += end - i < 4 ? 1 : 4) {
      const auto dot = end - i < 4 ? gemv_rows<1> : gemv_rows<4>;
      dot(s.k, s.a + i * s.a_row, s.a_row, x, s.c + i * s.c_row, s.c_row, s.accumulate);
    }
  });
  memory::release(copy);
}

void gemm_one_column(const Gemm& s) {
  const int threads = s.m * s.k < kSerialWork ? 1 : max_threads();
  s.a_row == 1 ? gemv_of_columns(s, threads) : gemv_of_rows(s, threads);
}

/// For K of a few: the stores are the work. They go along the rows of C, a page of each at a time,
/// and so many rows one after the other that what they share of B is read from L1.
void gemm_few_terms(const Gemm& s) {
  constexpr int64_t kPage = 1024, kRows = 16;
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t j = 0; j < s.n; j += kPage) {
      const int64_t cols = min(kPage, s.n - j);
      for (int64_t i = begin; i < end; ++i) {
        float* const c = s.c + i * s.c_row + j;
        gemv_by_columns(cols, s.k, s.b + j, s.b_row, s.a + i * s.a_row, s.a_col, c, s.accumulate,
                        s.n <= kShortColumn);
        finish(s, c, 1, cols, bias_from(s, j));
      }
    }
  };
  if (s.m * s.n < kSerialWork) {
    rows(0, s.m);
  } else {
    parallel_chunks(s.m, min(kRows, ceil_div(s.m, max_threads())), rows);
  }
}

/// Whether the product was one of these, and is done.
bool gemm_thin(const Gemm& s) {
  if (s.n == 1) {
    gemm_one_column(s);
    finish(s, s.c, s.m, 1, s.bias);
  } else if (s.m == 1) {  // C^T = B^T A^T is a column
    gemm_one_column(
        {s.n, 1, s.k, s.b, s.b_col, s.b_row, s.a, s.a_col, s.a_row, s.c, 1, s.accumulate});
    finish(s, s.c, 1, s.n, s.bias);
  } else if (s.k <= 4 && s.b_col == 1) {
    gemm_few_terms(s);
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace forger::kernels
