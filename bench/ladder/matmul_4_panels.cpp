#include "bench/ladder/ladder.h"
#include "bench/ladder/panels.h"

// One idea: A and B are first copied into panels that a tile reads from front to back. Before, each
// step of p read another row of B, on another page, and rows 4 KiB apart competed for the same few
// lines of the cache.
namespace forger::ladder {

void matmul_panels(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  const int64_t a_panels = panels(m, kRows), b_panels = panels(n, kCols);
  Buffer packed_a(a_panels * kRows * k);
  Buffer packed_b(b_panels * kCols * k);
  for (int64_t i = 0; i < a_panels; ++i) {
    pack_a(a + i * kRows * k, k, m - i * kRows, k, packed_a.data() + i * kRows * k);
  }
  for (int64_t j = 0; j < b_panels; ++j) {
    pack_b(b + j * kCols, n, n - j * kCols, k, packed_b.data() + j * kCols * k);
  }
  for (int64_t i = 0; i < a_panels; ++i) {
    for (int64_t j = 0; j < b_panels; ++j) {
      tile_of_panels(k, packed_a.data() + i * kRows * k, packed_b.data() + j * kCols * k,
                     c + i * kRows * n + j * kCols, n, m - i * kRows, n - j * kCols, false);
    }
  }
}

}  // namespace forger::ladder
