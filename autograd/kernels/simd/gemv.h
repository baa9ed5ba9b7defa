#pragma once

#include <omp.h>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/memory.h"

// The matrix products that are too thin for the tile of gemm.h: C of one column or one row, and K
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

/// The same for any number of columns.
template <int terms = 8>
void gemv_by_columns(int64_t m, int64_t k, const float* a, int64_t col, const float* x,
                     int64_t x_step, float* y, bool accumulate) {
  if (k == 0 && !accumulate) {
    for_lanes(0, m, [&](int64_t i, Lanes lanes) { lanes.put(y + i, zero()); });
  }
  for (; k >= terms; k -= terms, a += terms * col, x += terms * x_step, accumulate = true) {
    add_columns<terms>(m, a, col, x, x_step, y, accumulate);
  }
  if constexpr (terms > 1) {
    if (k > 0) gemv_by_columns<terms - 1>(m, k, a, col, x, x_step, y, accumulate);
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

/// C of one column. Each element of A is used once, so the work is to read A in its own order.
void gemv(const Gemm& s, const float* x, int64_t x_step, int64_t begin, int64_t end) {
  const float* const a = s.a + begin * s.a_row;
  float* const y = s.c + begin * s.c_row;
  const int64_t m = end - begin;
  if (s.a_row == 1 && s.c_row == 1) {
    gemv_by_columns(m, s.k, a, s.a_col, x, x_step, y, s.accumulate);
  } else if (s.a_row == 1) {
    float block[256];
    for (int64_t i = 0; i < m; i += 256) {
      const int64_t count = min(256, m - i);
      gemv_by_columns(count, s.k, a + i, s.a_col, x, x_step, block, false);
      for (int64_t l = 0; l < count; ++l) {
        float* const yl = y + (i + l) * s.c_row;
        *yl = s.accumulate ? *yl + block[l] : block[l];
      }
    }
  } else {
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) {
      gemv_rows<4>(s.k, a + i * s.a_row, s.a_row, x, y + i * s.c_row, s.c_row, s.accumulate);
    }
    for (; i < m; ++i) {
      gemv_rows<1>(s.k, a + i * s.a_row, s.a_row, x, y + i * s.c_row, s.c_row, s.accumulate);
    }
  }
}

void gemm_one_column(const Gemm& s) {
  float* copy = nullptr;
  if (s.a_row != 1 && s.b_row != 1) {  // dot products want x dense
    copy = static_cast<float*>(memory::acquire(static_cast<size_t>(s.k) * sizeof(float)));
    for (int64_t p = 0; p < s.k; ++p) copy[p] = s.b[p * s.b_row];
  }
  const float* const x = copy != nullptr ? copy : s.b;
  const int64_t x_step = copy != nullptr ? 1 : s.b_row;
  // Every element has its own sum, so the chunks may be as many as the threads.
  const int threads = s.m * s.k < kSerialWork ? 1 : omp_get_max_threads();
  const int64_t chunk = round_up(ceil_div(s.m, threads), s.a_row == 1 ? Vec::kLanes : 4);
  parallel_chunks(s.m, chunk, [&](int64_t begin, int64_t end) { gemv(s, x, x_step, begin, end); });
  memory::release(copy);
}

/// For K of a few: C is written in its own order, a row at a time, for the stores are the work.
void gemm_few_terms(const Gemm& s) {
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* const c = s.c + i * s.c_row;
      gemv_by_columns(s.n, s.k, s.b, s.b_row, s.a + i * s.a_row, s.a_col, c, s.accumulate);
      finish(s, c, 1, s.n, s.bias);
    }
  };
  if (s.m * s.n < kSerialWork) {
    rows(0, s.m);
  } else {
    parallel_chunks(s.m, 4, rows);
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
