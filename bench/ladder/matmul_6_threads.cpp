#include <omp.h>

#include "bench/ladder/ladder.h"
#include "bench/ladder/panels.h"

// One idea: the blocks of A are divided among the threads, each with a packed block in its core's
// cache. The threads pack B's panels together and all read them. Each element of C still belongs to
// one thread and is summed in the same order, so the number of threads changes no bit.
namespace forger::ladder {

void matmul_threads(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  if (k == 0) return set_to_zero(c, m * n);
  constexpr int64_t kDepth = 256, kBlock = 16;  // panels of A
  const int64_t a_panels = panels(m, kRows), b_panels = panels(n, kCols);
  Buffer packed_b(b_panels * kCols * kDepth);
  Buffer packed_a(omp_get_max_threads() * kBlock * kRows * kDepth);
#pragma omp parallel
  {
    float* const own = packed_a.data() + omp_get_thread_num() * kBlock * kRows * kDepth;
    for (int64_t p = 0; p < k; p += kDepth) {
      const int64_t depth = min(kDepth, k - p);
#pragma omp for
      for (int64_t j = 0; j < b_panels; ++j) {
        pack_b(b + p * n + j * kCols, n, n - j * kCols, depth, packed_b.data() + j * kCols * depth);
      }
#pragma omp for schedule(dynamic)
      for (int64_t block = 0; block < a_panels; block += kBlock) {
        const int64_t count = min(kBlock, a_panels - block);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t row = (block + i) * kRows;
          pack_a(a + row * k + p, k, m - row, depth, own + i * kRows * depth);
        }
        for (int64_t j = 0; j < b_panels; ++j) {
          for (int64_t i = 0; i < count; ++i) {
            const int64_t row = (block + i) * kRows;
            tile_of_panels(depth, own + i * kRows * depth, packed_b.data() + j * kCols * depth,
                           c + row * n + j * kCols, n, m - row, n - j * kCols, p > 0);
          }
        }
      }
    }
  }
}

}  // namespace forger::ladder
