#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "autograd/kernels/random_constants.h"
#include "autograd/kernels/reference/reference.h"

namespace forger::kernels::reference {
namespace {

uint32_t low_word(uint64_t x) { return static_cast<uint32_t>(x); }
uint32_t high_word(uint64_t x) { return static_cast<uint32_t>(x >> 32); }

// The C library's logarithm, sine and cosine differ from one version to the next, and no vectors
// have their bits: the functions below are made of operations that IEEE 754 defines, in the order
// in which the other sets do them.

template <int count>
double series(const double (&terms)[count], double x) {
  double sum = terms[count - 1];
  for (int k = count - 2; k >= 0; --k) sum = sum * x + terms[k];
  return sum;
}

/// For positive normal x = m 2^e with m between sqrt(1/2) and sqrt(2): log(x) = e ln 2 + log(m),
/// and m = (1 + s) / (1 - s) with |s| <= 0.1716.
double log_of(double x) {
  int e = 0;
  double m = std::frexp(x, &e);
  if (m < 0.70710678118654752440) {
    m *= 2;
    --e;
  }
  const double s = (m - 1) / (m + 1);
  return e * std::numbers::ln2 + series(kLog, s * s) * s;
}

}  // namespace

std::array<uint32_t, 4> philox(const std::array<uint32_t, 4>& counter,
                               const std::array<uint32_t, 2>& key) {
  std::array<uint32_t, 4> x = counter;
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = uint64_t{kPhiloxFactor[0]} * x[0];
    const uint64_t p1 = uint64_t{kPhiloxFactor[1]} * x[2];
    x = {high_word(p1) ^ x[1] ^ k0, low_word(p1), high_word(p0) ^ x[3] ^ k1, low_word(p0)};
    k0 += kPhiloxStep[0];
    k1 += kPhiloxStep[1];
  }
  return x;
}

std::array<uint32_t, 4> block(const Philox& at) {
  return philox(
      {low_word(at.counter), high_word(at.counter), low_word(at.stream), high_word(at.stream)},
      {low_word(at.seed), high_word(at.seed)});
}

std::array<double, 2> box_muller(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2 * log_of((a + 1.0) * 0x1p-32));
  const double quarters = b * 0x1p-30, nearest = std::nearbyint(quarters);
  const double x = (quarters - nearest) * (std::numbers::pi / 2);  // -pi/4 to pi/4
  const double sine = series(kSine, x * x) * x, cosine = series(kCosine, x * x);
  const double first[4] = {cosine, -sine, -cosine, sine};
  const double second[4] = {sine, cosine, -sine, -cosine};
  const int quarter = static_cast<int>(nearest) % 4;
  return {radius * first[quarter], radius * second[quarter]};
}

void uniform(const Philox& s, double low, double high, double most, int64_t n, Scalar* y) {
#pragma omp parallel for if (n > kSerialWork)
  for (int64_t i = 0; i < n; i += 4) {
    const auto bits = block({s.seed, s.stream, s.counter + static_cast<uint64_t>(i / 4)});
    // 24 bits: the most that a float holds without rounding up to 1
    for (int64_t j = i; j < std::min(i + 4, n); ++j) {
      const double u = (bits[static_cast<size_t>(j - i)] >> 8) * 0x1p-24;
      y[j] = static_cast<Scalar>(std::min(low + (high - low) * u, most));
    }
  }
}

void normal(const Philox& s, double mean, double stddev, int64_t n, Scalar* y) {
#pragma omp parallel for if (n > kSerialWork)
  for (int64_t i = 0; i < n; i += 4) {
    const auto bits = block({s.seed, s.stream, s.counter + static_cast<uint64_t>(i / 4)});
    const auto first = box_muller(bits[0], bits[1]), second = box_muller(bits[2], bits[3]);
    const double normals[4] = {first[0], first[1], second[0], second[1]};
    for (int64_t j = i; j < std::min(i + 4, n); ++j) {
      y[j] = static_cast<Scalar>(mean + stddev * normals[j - i]);
    }
  }
}

}  // namespace forger::kernels::reference
