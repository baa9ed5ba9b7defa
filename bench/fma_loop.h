#pragma once

#include <cstdint>

// Measures the peak of multiply-adds: chains of them in registers, without a load or a store.
// Twelve chains hide a latency of six cycles at two a cycle. With the two factors they fit into the
// sixteen registers of AVX2. Include this after a vector type (vec_avx2.h, vec_avx512.h).
namespace {

constexpr int kChains = 12;

/// Runs `steps` multiply-adds in each chain. With x < 1 the chains tend to y / (1 - x), so no
/// number overflows or becomes denormal. Returns a value that depends on all of them.
float fma_loop(int64_t steps, float x, float y) {
  Vec acc[kChains];
  for (int i = 0; i < kChains; ++i) acc[i] = broadcast(static_cast<float>(i));
  const Vec a = broadcast(x), b = broadcast(y);
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) acc[i] = fma(acc[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) acc[0] = acc[0] + acc[i];
  float lanes_of_sum[Vec::kLanes];
  store(lanes_of_sum, acc[0]);
  float sum = 0;
  for (float lane : lanes_of_sum) sum += lane;
  return sum;
}

}  // namespace
