#pragma once

#include <cstdint>
#include <cstring>

// Vectors and the tile, which the rungs from matmul_registers on share.
namespace forger::ladder {
namespace {

/// Eight floats: an AVX register. The compiler turns a * b + c into a fused multiply-add.
typedef float Vec __attribute__((vector_size(32)));
constexpr int kLanes = 8;
constexpr int kRows = 6, kCols = 2 * kLanes;  // 12 sums, 2 of B and 1 of A fill 15 of 16 registers

inline Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }

/// Multiplies kRows rows of A by kCols columns of B and stores the sums in `tile`. In A,
/// neighbouring rows are `a_row` apart and steps of k `a_step`; in B, steps of k are `b_step`
/// apart.
inline void multiply_tile(int64_t k, const float* a, int64_t a_row, int64_t a_step, const float* b,
                          int64_t b_step, float (&tile)[kRows][kCols]) {
  Vec sum[kRows][2] = {};
  for (int64_t p = 0; p < k; ++p) {
    const Vec b0 = load(b + p * b_step), b1 = load(b + p * b_step + kLanes);
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const float x = a[i * a_row + p * a_step];
      sum[i][0] += x * b0;
      sum[i][1] += x * b1;
    }
  }
  for (int i = 0; i < kRows; ++i) {
    store(tile[i], sum[i][0]);
    store(tile[i] + kLanes, sum[i][1]);
  }
}

}  // namespace
}  // namespace forger::ladder
