#pragma once

#include "autograd/kernels/random_constants.h"
#include "autograd/kernels/simd/pointwise.h"

// Random numbers, with the bits of reference/random.cpp: the same operations in the same order, as
// many blocks of Philox at a time as a Vec has lanes. A block's four words are in four vectors of
// 64-bit lanes, whose high halves hold what the multiplications leave there and nobody reads.
namespace forger::kernels {
namespace {

/// The block that each lane computes, in the order that makes rows of transpose_quads() follow each
/// other in memory: quad t of row r, which comes from lane 4 t + r, shall be block kQuads r + t.
struct Order {
  uint64_t block[Vec::kLanes];
};
constexpr Order kOrder = [] {
  constexpr int kQuads = Vec::kLanes / 4;
  Order order{};
  for (int lane = 0; lane < Vec::kLanes; ++lane) {
    order.block[lane] = static_cast<uint64_t>(kQuads * (lane % 4) + lane / 4);
  }
  return order;
}();

struct Bits {
  Words word[4];
};

/// What is the same for all blocks of a seed and stream.
struct Generator {
  Words stream[2], key[kPhiloxRounds][2];
};

inline Generator generator(const Philox& at) {
  Generator g = {{words(at.stream), words(at.stream >> 32)}, {}};
  Words key0 = words(at.seed), key1 = words(at.seed >> 32);
  for (auto& key : g.key) {
    key[0] = key0;
    key[1] = key1;
    key0 = key0 + words(kPhiloxStep[0]);
    key1 = key1 + words(kPhiloxStep[1]);
  }
  return g;
}

inline Bits philox(const Generator& g, Words counter) {
  Bits x = {{counter, high_words(counter), g.stream[0], g.stream[1]}};
#pragma GCC unroll 10
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Words p0 = low_product(words(kPhiloxFactor[0]), x.word[0]);
    const Words p1 = low_product(words(kPhiloxFactor[1]), x.word[2]);
    x = {{high_words(p1) ^ x.word[1] ^ g.key[round][0], p1,
          high_words(p0) ^ x.word[3] ^ g.key[round][1], p0}};
  }
  return x;
}

template <int count>
inline Wide series(const double (&terms)[count], Wide x) {
  Wide sum = wide(terms[count - 1]);
#pragma GCC unroll 8
  for (int k = count - 2; k >= 0; --k) sum = sum * x + wide(terms[k]);
  return sum;
}

struct Pair {
  Wide first, second;
};

/// b / 2^32 of a turn lies within an eighth of a turn of a quarter, which decides the signs and
/// which of the two is the sine; the reduction is exact.
inline Pair box_muller(Words a, Words b) {
  Wide m, e;
  split((low_as_wide(a) + wide(1)) * wide(0x1p-32), m, e);
  const Wide s = (m - wide(1)) / (m + wide(1));
  const Wide log = e * wide(0.69314718055994530942) + series(kLog, s * s) * s;
  const Wide radius = sqrt(wide(-2) * log);
  const Wide round = wide(0x1.8p52);  // adding it rounds to an integer, kept in the last bits
  const Wide quarters = low_as_wide(b) * wide(0x1p-30), t = quarters + round;
  const Wide x = (quarters - (t - round)) * wide(1.57079632679489661923);
  const Wide sine = series(kSine, x * x) * x, cosine = series(kCosine, x * x);
  return {radius * negate_if_bit1(t + wide(1), select_odd(t, sine, cosine)),
          radius * negate_if_bit1(t, select_odd(t, cosine, sine))};
}

/// The words of a block as four numbers.
struct Numbers {
  Wide number[4];
};

/// y = f(bits), four numbers a block.
template <class F>
inline void fill(const Philox& s, int64_t n, float* y, const F& f) {
  constexpr int64_t kStep = 4 * Vec::kLanes;
  static_assert(kChunk / 2 % kStep == 0);
  const Generator g = generator(s);
  const Words low = load_words(kOrder.block), high = load_words(kOrder.block + Wide::kLanes);
  parallel_chunks(n, kChunk / 2, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kStep) {
      const Words counter = words(s.counter + static_cast<uint64_t>(i / 4));
      const Numbers a = f(philox(g, counter + low)), b = f(philox(g, counter + high));
      Vec q[4];
      for (int k = 0; k < 4; ++k) q[k] = narrow(a.number[k], b.number[k]);
      transpose_quads(q);
      for_lanes(i, min(i + kStep, end),
                [&](int64_t j, Lanes lanes) { lanes.put(y + j, q[(j - i) / Vec::kLanes]); });
    }
  });
}

void uniform(const Philox& s, double low, double high, double most, int64_t n, float* y) {
  const auto number = [=](Words word) {  // its upper 24 bits, where they are
    const Wide bits = low_as_wide(word & words(0xffffff00));
    return min(wide(low) + wide((high - low) * 0x1p-32) * bits, wide(most));
  };
  fill(s, n, y, [&](const Bits& x) -> Numbers {
    return {{number(x.word[0]), number(x.word[1]), number(x.word[2]), number(x.word[3])}};
  });
}

void normal(const Philox& s, double mean, double stddev, int64_t n, float* y) {
  const auto scaled = [=](Wide x) { return wide(mean) + wide(stddev) * x; };
  fill(s, n, y, [&](const Bits& x) -> Numbers {
    const Pair a = box_muller(x.word[0], x.word[1]), b = box_muller(x.word[2], x.word[3]);
    return {{scaled(a.first), scaled(a.second), scaled(b.first), scaled(b.second)}};
  });
}

}  // namespace
}  // namespace forger::kernels
