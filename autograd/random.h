#pragma once

#include <array>
#include <cstdint>

#include "autograd/tensor.h"

namespace forger {

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11): a
/// function from a 128-bit counter and a 64-bit key to 128 random bits.
std::array<uint32_t, 4> philox(const std::array<uint32_t, 4>& counter,
                               const std::array<uint32_t, 2>& key);

/// Random numbers as a function of (seed, stream, counter): the same on every machine and for every
/// number of threads. Streams of one seed are independent. The whole state is the counter.
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
  std::array<uint32_t, 4> block(uint64_t counter) const;

  uint64_t seed_, stream_;
  uint64_t counter_ = 0;  // blocks drawn so far: every call starts a new one
};

}  // namespace forger
