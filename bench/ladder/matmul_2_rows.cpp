#include "bench/ladder/buffer.h"
#include "bench/ladder/ladder.h"

// One idea: the loop over p is outside that over j. A multiple of a row of B is added to a row of
// C. Both are contiguous and no sum waits for another, so the compiler vectorises the inner loop.
// But each multiply-add loads and stores an element of C.
namespace forger::ladder {

void matmul_rows(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  set_to_zero(c, m * n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t p = 0; p < k; ++p) {
      const float x = a[i * k + p];
      for (int64_t j = 0; j < n; ++j) c[i * n + j] += x * b[p * n + j];
    }
  }
}

}  // namespace forger::ladder
