#include "bench/ladder/ladder.h"

// The definition: c[i][j] is the product of a row and a column. The inner loop walks down a column
// of B, a new cache line each step, and each sum waits for the one before it.
namespace forger::ladder {

void matmul_loops(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];
      c[i * n + j] = sum;
    }
  }
}

}  // namespace forger::ladder
