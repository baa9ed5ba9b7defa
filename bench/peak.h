#pragma once

#include <cstdint>

namespace forger::bench {

/// A loop of multiply-adds from registers, in one instruction set; see fma_loop.h.
struct FmaLoop {
  const char* kernels;  // the kernel set that needs the same instructions
  float (*run)(int64_t steps, float x, float y);
  double flops_per_step;
};
extern const FmaLoop kAvx2Loop;
extern const FmaLoop kAvx512Loop;

/// Steps of a loop that take about as long as a kernel is timed, and 2 ms: no longer than a
/// processor keeps the clock it has.
constexpr int64_t kSettled = 20'000'000, kSameClock = 1'000'000;

/// Multiply-adds from registers, in flops a second, on `threads` threads, in the widest instruction
/// set that the kernels can use here. 0 where there is no such loop.
double measure_peak(int threads, int64_t steps);

/// Bytes a second that `threads` threads read from memory, in order: the best of a few rounds.
double measure_bandwidth(int threads);

}  // namespace forger::bench
