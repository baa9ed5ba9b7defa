#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/tensor.h"

namespace forger {

/// A random number generator, Philox4x32-10. Its numbers are a function of seed, stream and
/// counter: the same on every machine, with every kernel set and for every number of threads.
/// Streams of one seed are independent. The counter is the whole state.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Returns 32 random bits.
  uint32_t bits();
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high); low if the two are equal. Throws Error unless low <= high and low,
  /// high and their difference are finite.
  double uniform(double low, double high, SourceLoc loc = SourceLoc::here());
  /// Normal with mean 0 and standard deviation 1.
  double normal();
  /// Uniform among 0 to n - 1, without bias. Throws Error unless n >= 1.
  int64_t below(int64_t n, SourceLoc loc = SourceLoc::here());
  /// Returns n numbers of below(classes), for conditional generators. Throws Error unless n >= 0
  /// and classes >= 1.
  std::vector<int> labels(int64_t n, int classes, SourceLoc loc = SourceLoc::here());
  /// Returns the numbers 0 to n - 1 in random order. Each order has the same probability. Throws
  /// Error unless n >= 0.
  std::vector<int64_t> permutation(int64_t n, SourceLoc loc = SourceLoc::here());

  /// Uniform in [low, high), with low and high rounded to Scalar; low if these are equal. Throws
  /// Error as the scalar version does, and if a bound is beyond Scalar's range.
  Tensor uniform(const Shape& shape, double low = 0, double high = 1,
                 SourceLoc loc = SourceLoc::here());
  /// Normal, by Box and Muller's transform. Throws Error unless mean and stddev are finite and
  /// stddev >= 0.
  Tensor normal(const Shape& shape, double mean = 0, double stddev = 1,
                SourceLoc loc = SourceLoc::here());

  uint64_t counter() const { return counter_; }
  void set_counter(uint64_t counter) { counter_ = counter; }

 private:
  kernels::Philox next_blocks(int64_t numbers);
  std::array<uint32_t, 4> next_block();

  uint64_t seed_, stream_;
  uint64_t counter_ = 0;  // blocks drawn so far; every call starts a new block
};

}  // namespace forger
