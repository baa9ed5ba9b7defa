#pragma once

#include <cstdint>

namespace forger::bench {

/// A loop of multiply-adds on registers, in one instruction set; see fma_loop.h.
struct FmaLoop {
  const char* kernels;  // the kernel set that uses the same instructions
  float (*run)(int64_t steps, float x, float y);
  double flops_per_step;
};
extern const FmaLoop kAvx2Loop;
extern const FmaLoop kAvx512Loop;

/// Steps of a loop: kSettled take about as long as the timing of a kernel, kSameClock about 2 ms,
/// in which a processor keeps its clock.
constexpr int64_t kSettled = 20'000'000, kSameClock = 1'000'000;

/// Measures the peak of `threads` threads in flops a second, in the widest instruction set that the
/// kernels can use here. Returns 0 where there is no such loop.
double measure_peak(int threads, int64_t steps);

/// Measures the bytes a second that `threads` threads read from memory in order: the best of five
/// rounds.
double measure_bandwidth(int threads);

}  // namespace forger::bench
