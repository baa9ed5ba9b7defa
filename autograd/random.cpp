#include "autograd/random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/kernels/parallel.h"

namespace forger {
namespace {

constexpr int64_t kBlocksPerChunk = 4096;

uint32_t low_word(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high_word(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

/// Two normal numbers from 64 random bits (Box & Muller 1958). The radius' uniform number lies in
/// (0, 1], so that its logarithm is finite.
std::array<double, 2> box_muller(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2 * std::log((a + 1.0) * 0x1p-32));
  const double angle = 2 * std::numbers::pi * b * 0x1p-32;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

std::array<uint32_t, 4> philox(const std::array<uint32_t, 4>& counter,
                               const std::array<uint32_t, 2>& key) {
  std::array<uint32_t, 4> x = counter;
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * x[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * x[2];
    x = {high_word(p1) ^ x[1] ^ k0, low_word(p1), high_word(p0) ^ x[3] ^ k1, low_word(p0)};
    k0 += 0x9E3779B9;  // the golden ratio, and sqrt(3) - 1: Weyl sequences as round keys
    k1 += 0xBB67AE85;
  }
  return x;
}

std::array<uint32_t, 4> Random::block(uint64_t counter) const {
  return philox({low_word(counter), high_word(counter), low_word(stream_), high_word(stream_)},
                {low_word(seed_), high_word(seed_)});
}

uint32_t Random::bits() { return block(counter_++)[0]; }

double Random::uniform() {
  const auto bits = block(counter_++);
  return static_cast<double>((uint64_t{bits[0]} << 32 | bits[1]) >> 11) * 0x1p-53;
}

double Random::normal() {
  const auto bits = block(counter_++);
  return box_muller(bits[0], bits[1])[0];
}

int64_t Random::below(int64_t n) {
  // Reject the last, incomplete run of n among the 2^64 values.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % static_cast<uint64_t>(n);
  for (;;) {
    const auto bits = block(counter_++);
    const uint64_t value = uint64_t{bits[0]} << 32 | bits[1];
    if (value < limit) return static_cast<int64_t>(value % static_cast<uint64_t>(n));
  }
}

Tensor Random::uniform(const Shape& shape, double low, double high) {
  Tensor y = Tensor::empty(shape);
  Scalar* out = y.mutable_data();
  const int64_t n = y.numel(), blocks = (n + 3) / 4;
  kernels::parallel_chunks(blocks, kBlocksPerChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto bits = block(counter_ + static_cast<uint64_t>(i));
      // 24 bits: the most that a float holds without rounding up to 1
      for (int64_t j = 4 * i; j < std::min(4 * i + 4, n); ++j) {
        out[j] = static_cast<Scalar>(low + (high - low) * (bits[static_cast<size_t>(j % 4)] >> 8) *
                                               0x1p-24);
      }
    }
  });
  counter_ += static_cast<uint64_t>(blocks);
  return y;
}

Tensor Random::normal(const Shape& shape, double mean, double stddev) {
  Tensor y = Tensor::empty(shape);
  Scalar* out = y.mutable_data();
  const int64_t n = y.numel(), blocks = (n + 3) / 4;
  kernels::parallel_chunks(blocks, kBlocksPerChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto bits = block(counter_ + static_cast<uint64_t>(i));
      const auto first = box_muller(bits[0], bits[1]);
      const auto second = box_muller(bits[2], bits[3]);
      const double normals[4] = {first[0], first[1], second[0], second[1]};
      for (int64_t j = 4 * i; j < std::min(4 * i + 4, n); ++j) {
        out[j] = static_cast<Scalar>(mean + stddev * normals[j % 4]);
      }
    }
  });
  counter_ += static_cast<uint64_t>(blocks);
  return y;
}

}  // namespace forger
