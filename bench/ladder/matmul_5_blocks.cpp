#include "bench/ladder/ladder.h"
#include "bench/ladder/panels.h"

// One idea: a block of work fits the caches. k is cut into slices of 256, so that a panel of B
// (16 KiB) stays in the L1 cache for all rows. A is cut into blocks of 96 rows (96 KiB), which stay
// in the L2 cache while all of B is read. C is read and written once per slice.
namespace forger::ladder {

void matmul_blocks(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  if (k == 0) return set_to_zero(c, m * n);
  constexpr int64_t kDepth = 256, kBlock = 16;  // panels of A
  Buffer packed_a(kBlock * kRows * kDepth);
  const int64_t a_panels = panels(m, kRows), b_panels = panels(n, kCols);
  Buffer packed_b(b_panels * kCols * kDepth);
  for (int64_t p = 0; p < k; p += kDepth) {
    const int64_t depth = min(kDepth, k - p);
    for (int64_t j = 0; j < b_panels; ++j) {
      pack_b(b + p * n + j * kCols, n, n - j * kCols, depth, packed_b.data() + j * kCols * depth);
    }
    for (int64_t block = 0; block < a_panels; block += kBlock) {
      const int64_t count = min(kBlock, a_panels - block);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t row = (block + i) * kRows;
        pack_a(a + row * k + p, k, m - row, depth, packed_a.data() + i * kRows * depth);
      }
      for (int64_t j = 0; j < b_panels; ++j) {
        for (int64_t i = 0; i < count; ++i) {
          const int64_t row = (block + i) * kRows;
          tile_of_panels(depth, packed_a.data() + i * kRows * depth,
                         packed_b.data() + j * kCols * depth, c + row * n + j * kCols, n, m - row,
                         n - j * kCols, p > 0);
        }
      }
    }
  }
}

}  // namespace forger::ladder
