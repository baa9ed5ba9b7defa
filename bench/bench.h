#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>

#include "autograd/tensor.h"

namespace forger::bench {

/// What all benchmarks of one run have in common.
struct Machine {
  int threads;        // of OpenMP, and set for the peers too
  double peak_flops;  // see measure_peak(); 0 if unknown
};
Machine& machine();

/// Registers every benchmark of matmul.cpp and conv.cpp.
void register_matmul();
void register_conv();

/// The reference set would take minutes for what the others do in milliseconds: it is timed up to
/// this many flops.
constexpr double kReferenceFlops = 1e8;

/// "threads:2", the last part of every name.
std::string threads_suffix();

/// Integers from -4 to 4: sums of less than a million products of them are exact in float32, in any
/// order and with or without fused multiply-adds. So a difference of any size is a fault.
Tensor small_integers(const Shape& shape, uint64_t seed);

/// Runs once and compares `result` with `expected`; if all is equal, times `run`, else reports the
/// first difference and makes the program fail. `fetch`, if any, brings the result to `result`.
void check_and_time(benchmark::State& state, double flops, const std::function<void()>& run,
                    const Tensor& result, const Tensor& expected,
                    const std::function<void()>& fetch = {});

}  // namespace forger::bench
