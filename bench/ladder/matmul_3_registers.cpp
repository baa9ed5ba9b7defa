#include "bench/ladder/buffer.h"
#include "bench/ladder/ladder.h"
#include "bench/ladder/tile.h"

// One idea: a tile of 6 x 16 elements of C stays in twelve registers while p runs. A step loads 22
// numbers for 96 multiply-adds; the rung before loaded two and stored one for each multiply-add.
// The twelve sums do not wait for each other, and C is written once.
namespace forger::ladder {

void matmul_registers(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  for (int64_t i = 0; i < m; i += kRows) {
    for (int64_t j = 0; j < n; j += kCols) {
      const int64_t rows = min(kRows, m - i), cols = min(kCols, n - j);
      if (rows == kRows && cols == kCols) {
        float tile[kRows][kCols];
        multiply_tile(k, a + i * k, k, 1, b + j, n, tile);
        for (int r = 0; r < kRows; ++r) copy(tile[r], kCols, c + (i + r) * n + j);
        continue;
      }
      for (int64_t r = 0; r < rows; ++r) {  // what is left at the edges
        for (int64_t q = 0; q < cols; ++q) {
          float sum = 0;
          for (int64_t p = 0; p < k; ++p) sum += a[(i + r) * k + p] * b[p * n + j + q];
          c[(i + r) * n + j + q] = sum;
        }
      }
    }
  }
}

}  // namespace forger::ladder
