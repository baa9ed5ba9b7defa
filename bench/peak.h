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

/// Multiply-adds from registers, in flops a second, on `threads` threads, in the widest instruction
/// set that the kernels can use here; measured for about as long as a kernel is timed. 0 where
/// there is no such loop.
double measure_peak(int threads);

/// Bytes a second that `threads` threads read from memory, in order: the best of a few rounds.
double measure_bandwidth(int threads);

}  // namespace forger::bench
