#pragma once

#include "bench/ladder/buffer.h"
#include "bench/ladder/tile.h"

// Packing, used from matmul_panels on. A panel holds the operands of a tile in the order in which
// the tile reads them. Zeros beyond the edges make all tiles whole.
namespace forger::ladder {
namespace {

/// Packs six rows of A: six numbers per step of k.
inline void pack_a(const float* a, int64_t row, int64_t rows, int64_t k, float* panel) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t r = 0; r < kRows; ++r) panel[p * kRows + r] = r < rows ? a[r * row + p] : 0.0f;
  }
}
/// Packs sixteen columns of B: sixteen numbers per step of k.
inline void pack_b(const float* b, int64_t row, int64_t cols, int64_t k, float* panel) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t q = 0; q < kCols; ++q) panel[p * kCols + q] = q < cols ? b[p * row + q] : 0.0f;
  }
}

/// Sets a tile of C to the product of two panels, or adds it. Only the part inside C is written.
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
