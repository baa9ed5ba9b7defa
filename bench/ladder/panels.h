#pragma once

#include "bench/ladder/buffer.h"
#include "bench/ladder/tile.h"

// Packing, from matmul_panels on: a panel holds what a tile reads, in the order in which it reads
// it, with zeros beyond the edges, so that there are no edges.
namespace forger::ladder {
namespace {

/// Rows i to i + 5 of A, columns p to p + k: six numbers a step.
inline void pack_a(const float* a, int64_t row, int64_t rows, int64_t k, float* panel) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t r = 0; r < kRows; ++r) panel[p * kRows + r] = r < rows ? a[r * row + p] : 0.0f;
  }
}
/// Columns j to j + 15 of B, rows p to p + k: sixteen numbers a step.
inline void pack_b(const float* b, int64_t row, int64_t cols, int64_t k, float* panel) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t q = 0; q < kCols; ++q) panel[p * kCols + q] = q < cols ? b[p * row + q] : 0.0f;
  }
}

/// One tile of C, or what of it there is, = or += the product of two panels.
inline void tile_of_panels(int64_t k, const float* a, const float* b, float* c, int64_t row,
                           int64_t rows, int64_t cols, bool accumulate) {
  float tile[kRows][kCols];
  multiply_tile(k, a, 1, kRows, b, kCols, tile);
  for (int64_t r = 0; r < min(rows, kRows); ++r) {
    float* const to = c + r * row;
    for (int64_t q = 0; q < min(cols, kCols); ++q) {
      to[q] = accumulate ? to[q] + tile[r][q] : tile[r][q];
    }
  }
}

inline int64_t panels(int64_t extent, int64_t width) { return (extent + width - 1) / width; }

}  // namespace
}  // namespace forger::ladder
