#pragma once

#include <array>
#include <cstdint>

#include "autograd/kernels/kernels.h"
#include "autograd/tensor.h"

namespace forger {

/// Random numbers as a function of (seed, stream, counter), by Philox4x32-10: the same on every
/// machine, with every kernel set and for every number of threads. Streams of one seed are
/// independent. The whole state is the counter.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 32 random bits.
  uint32_t bits();
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Normal with mean 0 and standard deviation 1.
  double normal();
  /// Uniform among 0 .. n - 1, n >= 1, without bias.
  int64_t below(int64_t n);

  Tensor uniform(const Shape& shape, double low = 0, double high = 1);
  /// By Box and Muller's transform.
  Tensor normal(const Shape& shape, double mean = 0, double stddev = 1);

  uint64_t counter() const { return counter_; }
  void set_counter(uint64_t counter) { counter_ = counter; }

 private:
  kernels::Philox next_blocks(int64_t numbers);
  std::array<uint32_t, 4> next_block();

  uint64_t seed_, stream_;
  uint64_t counter_ = 0;  // blocks drawn so far: every call starts a new one
};

}  // namespace forger
