// The kernels that draw random numbers: the same bits from every set, whatever the length and the
// number of threads; the bits of Philox's words; Box and Muller's formula within one unit in the
// last place.
#include "autograd/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <utility>

#include "autograd/kernels/reference/reference.h"
#include "guarded.h"
#include "kernel_sets.h"
#include "message.h"
#include "threads.h"

namespace forger {
namespace {

using kernels::Kernels;
using kernels::Philox;
using Values = std::vector<Scalar>;

constexpr uint64_t kSeed = 0x0123456789abcdef, kStream = 0xfedcba9876543210;

constexpr double kLow = -2.5, kHigh = 3.7;

struct Draw {
  const char* name;
  void (*run)(const Kernels&, const Philox&, int64_t, Scalar*);
};
const Draw kDraws[] = {{"uniform", [](const Kernels& set, const Philox& at, int64_t n,
                                      Scalar* y) { set.uniform(at, kLow, kHigh, kHigh, n, y); }},
                       {"normal", [](const Kernels& set, const Philox& at, int64_t n, Scalar* y) {
                          set.normal(at, 0.3, 1.7, n, y);
                        }}};

Values draw(const Draw& d, const Kernels& set, const Philox& at, int64_t n) {
  Values y(static_cast<size_t>(n), std::nanf(""));
  d.run(set, at, n, y.data());
  return y;
}

std::string first_other_bits(const Scalar* found, const Scalar* expected, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (std::bit_cast<uint32_t>(found[i]) != std::bit_cast<uint32_t>(expected[i])) {
      return "element " + std::to_string(i) + " of " + std::to_string(n) + ": found " +
             std::to_string(found[i]) + ", expected " + std::to_string(expected[i]);
    }
  }
  return "";
}

/// The formula with the C library's functions. Its angle is rounded three times below 2 pi, so its
/// cosine and sine are off by up to 3 * 2^-51, whatever their size.
std::array<double, 2> box_muller(uint32_t a, uint32_t b) {
  const double radius = std::sqrt(-2 * std::log((a + 1.0) * 0x1p-32));
  const double angle = 2 * std::numbers::pi * b * 0x1p-32;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}
constexpr double kFormulaError = 6.7 * 4 * 0x1p-51;  // sqrt(-2 log(2^-32)) = 6.66

/// Whether one is the other or its neighbour.
bool within_one_ulp(Scalar a, Scalar b) { return a == b || std::nextafter(a, b) == b; }

}  // namespace

TEST_CASE("random numbers have the same bits on every set and for every number of threads") {
  constexpr int64_t kCount = 3'000'003;
  const Philox at{kSeed, kStream, (uint64_t{1} << 32) - 300'000};  // crosses 2^32 on its way
  for (const Draw& d : kDraws) {
    const Values expected = draw(d, kernels::kReference, at, kCount);
    for (const Kernels* set : kernel_sets()) {
      const std::string kernel = std::string(set->name) + " " + d.name;
      CAPTURE(kernel);
      const Values found = draw(d, *set, at, kCount);
      CHECK(first_other_bits(found.data(), expected.data(), kCount) == "");
      CHECK(thread_dependence([&] { return draw(d, *set, at, kCount); }) == "");
    }
  }
}

TEST_CASE("random numbers of any length are the first of a longer draw, and nothing beside them") {
  Guarded memory;
  constexpr int64_t kMost = 40'001;  // several chunks
  for (const uint64_t counter : {uint64_t{0}, (uint64_t{1} << 32) - 7, ~uint64_t{0} - 9}) {
    const Philox at{kSeed, kStream, counter};
    for (const Draw& d : kDraws) {
      const Values expected = draw(d, kernels::kReference, at, kMost);
      for (const Kernels* set : kernel_sets()) {
        for (int64_t n = 0; n <= kMost; n = n == 150 ? kMost : n + 1) {
          for (const Fence fence : {Fence::kBehind, Fence::kBefore}) {
            Scalar* const y = memory.place(n, fence);
            d.run(*set, at, n, y);
            const std::string kernel = std::string(set->name) + " " + d.name;
            CAPTURE(kernel);
            CAPTURE(counter);
            REQUIRE(first_other_bits(y, expected.data(), n) == "");
            REQUIRE(memory.intact());
          }
        }
      }
    }
  }
}

TEST_CASE("uniform numbers are the upper 24 bits of Philox's words") {
  constexpr int64_t kCount = 1'000'000;
  const Philox at{kSeed, kStream, (uint64_t{1} << 32) - 100'000};
  Values expected;
  for (uint64_t i = 0; i < kCount / 4; ++i) {
    for (const uint32_t word : kernels::reference::block({kSeed, kStream, at.counter + i})) {
      expected.push_back(static_cast<Scalar>(kLow + (kHigh - kLow) * (word >> 8) * 0x1p-24));
    }
  }
  for (const Kernels* set : kernel_sets()) {
    const std::string kernels = set->name;
    CAPTURE(kernels);
    const Values found = draw(kDraws[0], *set, at, kCount);
    CHECK(first_other_bits(found.data(), expected.data(), kCount) == "");
  }
}

// With seed 1, the first word of this block is 0xffffffff, and of that block 0: found by trying.
constexpr uint64_t kLargestWord = 1711450034, kSmallestWord = 91093890;

TEST_CASE(
    "uniform numbers are less than high, on every set, for bounds at which the sum rounds up") {
  constexpr Scalar kTiny = std::numeric_limits<Scalar>::denorm_min();
  constexpr Scalar kMost = std::numeric_limits<Scalar>::max();
  const std::pair<double, double> bounds[] = {
      {0, 1},           {100, 101},      {-101, -100},         {1e6, 1e6 + 1},
      {-1, 0},          {0, kTiny},      {-kTiny, kTiny},      {0.1, 0.7},
      {1, 1 + 0x1p-23}, {-kMost, kMost}, {16777215, 16777216}, {0.3, 0.3},
      {-0.0, 0.0},      {1e9, 1e9 + 1},  {1e-60, 1e-50}};
  for (const auto& pair : bounds) {
    const double low = pair.first, high = pair.second;  // CAPTURE takes no binding
    CAPTURE(low);
    CAPTURE(high);
    const auto first = static_cast<Scalar>(low), end = static_cast<Scalar>(high);
    const Scalar most = first < end ? std::nextafter(end, first) : first;
    for (const uint64_t counter : {kLargestWord, kSmallestWord}) {
      Values expected;
      on_every_kernel_set([&, low = low, high = high] {
        Random random(1);
        random.set_counter(counter);
        const Values found = random.uniform({1000}, low, high).to_vector();
        const double u = counter == kLargestWord ? 1 - 0x1p-24 : 0;
        CHECK(found[0] == std::min(static_cast<Scalar>(low + (high - low) * u), most));
        for (const Scalar y : found) REQUIRE((first <= y && y <= most));
        if (expected.empty()) expected = found;
        CHECK(first_other_bits(found.data(), expected.data(), 1000) == "");
      });
    }
  }
}

TEST_CASE("all 2^24 uniform numbers of a range, by the formula that the sets share") {
  for (const auto& [low, high] : {std::pair{0.0, 1.0}, {100.0, 101.0}, {-1.0, 0.0}, {0.1, 0.7}}) {
    const auto first = static_cast<Scalar>(low), end = static_cast<Scalar>(high);
    const double most = std::nextafter(end, first);
    int64_t outside = 0, changed = 0, rounded_up = 0;
    for (uint32_t k = 0; k < 1 << 24; ++k) {
      const double sum = low + (high - low) * k * 0x1p-24;
      const auto plain = static_cast<Scalar>(sum);
      const auto y = static_cast<Scalar>(std::min(sum, most));
      outside += !(first <= y && y < end);
      rounded_up += plain >= end;
      changed += plain < end && y != plain;
    }
    CHECK(outside == 0);
    CHECK(changed == 0);  // what was right keeps its bits
    if (low == 100) CHECK(rounded_up > 0);
  }
}

TEST_CASE("a single uniform number is less than high, too") {
  Random random(7);
  for (const auto& [low, high] : {std::pair{1.0, std::nextafter(1.0, 2.0)},
                                  {1e15, 1e15 + 1},
                                  {-1e-300, 1e-300},
                                  {0.0, std::numeric_limits<double>::denorm_min()}}) {
    for (int i = 0; i < 1000; ++i) {
      const double y = random.uniform(low, high);
      REQUIRE((low <= y && y < high));
    }
  }
  CHECK(random.uniform(2, 2) == 2);
}

TEST_CASE("bounds, deviations and counts of random numbers are checked before any is drawn") {
  Random random(1);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::string bounds = "uniform: finite bounds expected, the lower one first\n";
  CHECK(message_of([&] { random.uniform({2}, 3, 2.5); }) == bounds + "  low   3\n  high  2.5");
  CHECK(message_of([&] { random.uniform(3, 2.5); }) == bounds + "  low   3\n  high  2.5");
  const std::pair<double, double> bad[] = {{0, inf}, {-inf, 0}, {nan, 1}, {0, nan}, {1, 0}};
  for (const auto& [low, high] : bad) {
    CHECK(message_of([&, low = low, high = high] {
            random.uniform({2}, low, high);
          }).starts_with(bounds));
    CHECK(
        message_of([&, low = low, high = high] { random.uniform(low, high); }).starts_with(bounds));
  }
  CHECK(message_of([&] { random.uniform({2}, 0, 1e39); }) == bounds + "  low   0\n  high  1e+39");
  CHECK(message_of([&] { random.uniform(-1.5e308, 1.5e308); }).starts_with(bounds));
  const std::string normal =
      "normal: a finite mean and a finite standard deviation of at least 0 expected\n";
  CHECK(message_of([&] { random.normal({2}, 0, -1); }) == normal + "  mean    0\n  stddev  -1");
  for (const double value : {inf, -inf, nan}) {
    CHECK(message_of([&] { random.normal({2}, value, 1); }).starts_with(normal));
    CHECK(message_of([&] { random.normal({2}, 0, value); }).starts_with(normal));
  }
  for (const int n : {0, -1}) {
    const std::string found = "found " + std::to_string(n) + ", expected at least 1";
    CHECK(message_of([&] { random.below(n); }) == "below: n out of range\n  " + found);
    CHECK(message_of([&] { random.labels(3, n); }) == "labels: classes out of range\n  " + found);
  }
  CHECK(message_of([&] { random.labels(-1, 2); }) ==
        "labels: n out of range\n  found -1, expected at least 0");
  CHECK(message_of([&] { random.permutation(-1); }) ==
        "permutation: n out of range\n  found -1, expected at least 0");
  CHECK(random.counter() == 0);
  CHECK(random.normal({3}, 5, 0).to_vector() == Values{5, 5, 5});
}

TEST_CASE("labels and permutations are a function of seed, stream and counter, without bias") {
  CHECK(Random(1).labels(8, 10) == Random(1).labels(8, 10));
  CHECK(Random(1).labels(100, 10) != Random(2).labels(100, 10));
  CHECK(Random(1).labels(0, 10).empty());
  CHECK(Random(1).permutation(0).empty());
  CHECK(Random(1).permutation(1) == std::vector<int64_t>{0});
  CHECK(Random(1).permutation(20) == Random(1).permutation(20));
  Random random(3);
  constexpr int kCount = 24'000;
  int64_t of_class[3] = {};
  for (const int label : random.labels(kCount, 3)) {
    REQUIRE((label >= 0 && label < 3));
    ++of_class[label];
  }
  // Five standard deviations of a binomial count, n p (1 - p) its variance.
  for (const int64_t count : of_class) {
    CHECK(std::abs(static_cast<double>(count) - kCount / 3.0) < 5 * std::sqrt(kCount * 2 / 9.0));
  }
  std::map<std::vector<int64_t>, int64_t> orders;
  for (int i = 0; i < kCount; ++i) ++orders[random.permutation(4)];
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) {
    CHECK(std::abs(static_cast<double>(count) - 1000) < 5 * std::sqrt(kCount * 23 / 576.0));
  }
}

// The kernels and the formula differ by some 1e-15 of the value, which makes another float of one
// number in 10^7 or fewer.
TEST_CASE("normal numbers are Box and Muller's formula, rounded to a float") {
  constexpr int64_t kCount = 4'000'000;
  const Philox at{kSeed, kStream, 1};
  const auto set = kernel_sets().back();
  Values found(kCount);
  set->normal(at, 0, 1, kCount, found.data());
  int64_t other = 0, far = 0;
  for (size_t i = 0; i < kCount; i += 4) {
    const auto word = kernels::reference::block({kSeed, kStream, at.counter + i / 4});
    const auto first = box_muller(word[0], word[1]), second = box_muller(word[2], word[3]);
    const double exact[4] = {first[0], first[1], second[0], second[1]};
    for (size_t j = 0; j < 4; ++j) {
      const auto expected = static_cast<Scalar>(exact[j]);
      other += found[i + j] != expected;
      far += !within_one_ulp(found[i + j], expected) &&
             !(std::abs(static_cast<double>(found[i + j]) - exact[j]) <= kFormulaError);
    }
  }
  CHECK(far == 0);
  CHECK(other <= 1);
}

TEST_CASE("the rarest words give the right normal numbers, too: no radius, the largest, quarters") {
  // Found by trying: with seed 1, word `index` of block `counter` has this value.
  struct Rare {
    uint64_t counter;
    size_t index;
    uint32_t word;
  };
  const Rare rare[] = {
      {kLargestWord, 0, 0xffffffff}, {kSmallestWord, 0, 0},       {1152543134, 1, 0},
      {408241690, 3, 0x20000000},    {1064176948, 3, 0x40000000}, {2956229385, 1, 0x80000000},
      {2821693397, 1, 0xa0000000},   {1772122161, 1, 0xe0000000}};
  for (const Rare& r : rare) {
    CAPTURE(r.counter);
    const auto word = kernels::reference::block({1, 0, r.counter});
    REQUIRE(word[r.index] == r.word);
    const size_t pair = r.index / 2 * 2;
    const auto exact = box_muller(word[pair], word[pair + 1]);
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      Values all(128), expected(128);
      set->normal({1, 0, r.counter - 13}, 0, 1, 128, all.data());
      kernels::kReference.normal({1, 0, r.counter - 13}, 0, 1, 128, expected.data());
      CHECK(first_other_bits(all.data(), expected.data(), 128) == "");
      for (size_t j = 0; j < 2; ++j) {
        const Scalar found = all[4 * 13 + pair + j];
        CAPTURE(found);
        CHECK((within_one_ulp(found, static_cast<Scalar>(exact[j])) ||
               std::abs(static_cast<double>(found) - exact[j]) <= kFormulaError));
      }
    }
  }
}

// Five standard errors of each. The variance of x^k is E[x^2k] - E[x^k]^2, and E[x^2k] is 1, 3, 15,
// 105 for k = 1 to 4.
TEST_CASE("ten million normal numbers have the moments of the distribution") {
  constexpr int64_t kCount = 10'000'000;
  const Values x = Random(17, 3).normal({kCount}).to_vector();
  double sum[5] = {}, pairs = 0, blocks = 0;
  for (size_t i = 0; i < kCount; i += 2) {
    for (const double value : {x[i], x[i + 1]}) {
      double power = 1;
      for (int k = 1; k <= 4; ++k) sum[k] += power *= value;
    }
    pairs += static_cast<double>(x[i]) * x[i + 1];
    if (i >= 4) blocks += static_cast<double>(x[i]) * x[i - 4];
  }
  const double n = kCount;
  CHECK(std::abs(sum[1] / n) < 5 * std::sqrt(1 / n));
  CHECK(std::abs(sum[2] / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(sum[3] / n) < 5 * std::sqrt(15 / n));
  CHECK(std::abs(sum[4] / n - 3) < 5 * std::sqrt(96 / n));
  CHECK(std::abs(pairs / (n / 2)) < 5 * std::sqrt(2 / n));
  CHECK(std::abs(blocks / (n / 2)) < 5 * std::sqrt(2 / n));
}

TEST_CASE("a single normal number is the first of a tensor's, and the counter counts blocks") {
  on_every_kernel_set([] {
    Random one(kSeed, kStream), many(kSeed, kStream);
    for (int i = 0; i < 1000; ++i) {
      const int64_t n = i % 9;
      many.set_counter(one.counter());
      const auto expected = static_cast<Scalar>(one.normal());
      const Values found = many.normal({n}).to_vector();
      CHECK(many.counter() - one.counter() + 1 == static_cast<uint64_t>(n + 3) / 4);
      if (n > 0) CHECK(found[0] == expected);
    }
  });
}

}  // namespace forger
