#include "autograd/random.h"

#include "autograd/kernels/reference/reference.h"

namespace forger {

/// Where that many numbers begin, four a block; the counter moves on.
kernels::Philox Random::next_blocks(int64_t numbers) {
  const kernels::Philox begin{seed_, stream_, counter_};
  counter_ += static_cast<uint64_t>((numbers + 3) / 4);
  return begin;
}

std::array<uint32_t, 4> Random::next_block() { return kernels::reference::block(next_blocks(1)); }

uint32_t Random::bits() { return next_block()[0]; }

double Random::uniform() {
  const auto bits = next_block();
  return static_cast<double>((uint64_t{bits[0]} << 32 | bits[1]) >> 11) * 0x1p-53;
}

double Random::normal() {
  const auto bits = next_block();
  return kernels::reference::box_muller(bits[0], bits[1])[0];
}

int64_t Random::below(int64_t n) {
  // Reject the last, incomplete run of n among the 2^64 values.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % static_cast<uint64_t>(n);
  for (;;) {
    const auto bits = next_block();
    const uint64_t value = uint64_t{bits[0]} << 32 | bits[1];
    if (value < limit) return static_cast<int64_t>(value % static_cast<uint64_t>(n));
  }
}

Tensor Random::uniform(const Shape& shape, double low, double high) {
  const Tensor y = Tensor::empty(shape);
  kernels::active().uniform(next_blocks(y.numel()), low, high, y.numel(), y.mutable_data());
  return y;
}

Tensor Random::normal(const Shape& shape, double mean, double stddev) {
  const Tensor y = Tensor::empty(shape);
  kernels::active().normal(next_blocks(y.numel()), mean, stddev, y.numel(), y.mutable_data());
  return y;
}

}  // namespace forger
