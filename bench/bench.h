#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>

#include "autograd/tensor.h"

namespace forger::bench {

/// Adds a contender `who`, a kernel set or another library, to the comparison `kernel`/`shape`. It
/// is run on one thread and on all threads. The contenders of a comparison are run in turns.
void add(const std::string& kernel, const std::string& shape, const std::string& who,
         const std::function<void(benchmark::State&)>& body);

/// Add the comparisons of matmul.cpp and conv.cpp, and the rungs of ladder/.
void add_matmul();
void add_conv();
void add_ladders();

/// The reference set is timed up to this many flops. Beyond, it would take minutes where the others
/// take milliseconds.
constexpr double kReferenceFlops = 1e7;

/// Returns integers from -4 to 4. Sums of less than a million products of them are exact in
/// float32, in any order and with or without fused multiply-adds, so a difference of any size is a
/// fault.
Tensor small_integers(const Shape& shape, uint64_t seed);

/// False with --unchecked: `expected` is then not computed, which takes longer than the timing.
bool results_are_checked();

/// Runs once and, if results are checked, compares `result` with `expected`. If all is equal, times
/// `run`; otherwise reports the first difference and makes the program fail. `fetch`, if any,
/// brings the result to `result`. Differences of up to `tolerance` times the largest number
/// expected pass.
void check_and_time(benchmark::State& state, double flops, const std::function<void()>& run,
                    const Tensor& result, const Tensor& expected,
                    const std::function<void()>& fetch = {}, double tolerance = 0);

}  // namespace forger::bench
