#include "autograd/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/kernels/reference/reference.h"

namespace forger {
namespace {

std::string text(const char* name, double value) {
  std::ostringstream out;
  out.precision(12);
  out << name << value;
  return out.str();
}

/// Returns the largest T below T(high), or T(low) if the two are equal.
template <class T>
double largest_uniform(double low, double high, SourceLoc loc) {
  const T first = static_cast<T>(low), end = static_cast<T>(high);
  if (!(low <= high) || !std::isfinite(first) || !std::isfinite(end) ||
      !std::isfinite(high - low)) {
    fail("uniform", "finite bounds expected, the lower one first",
         {text("low   ", low), text("high  ", high)}, loc);
  }
  return first < end ? std::nextafter(end, first) : first + T{0};  // -0 + 0 = 0, as in low + 0 u
}

void check_at_least(const char* op, const char* name, int64_t value, int64_t least, SourceLoc loc) {
  if (value >= least) return;
  fail(op, std::string(name) + " out of range",
       {"found " + std::to_string(value) + ", expected at least " + std::to_string(least)}, loc);
}

}  // namespace

/// Reserves the blocks for that many numbers, four per block, and returns the first.
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

double Random::uniform(double low, double high, SourceLoc loc) {
  // The sum below may round up to high.
  const double most = largest_uniform<double>(low, high, loc);
  return std::min(low + (high - low) * uniform(), most);
}

double Random::normal() {
  const auto bits = next_block();
  return kernels::reference::box_muller(bits[0], bits[1])[0];
}

int64_t Random::below(int64_t n, SourceLoc loc) {
  check_at_least("below", "n", n, 1, loc);
  // The last, incomplete run of n among the 2^64 values is rejected.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % static_cast<uint64_t>(n);
  for (;;) {
    const auto bits = next_block();
    const uint64_t value = uint64_t{bits[0]} << 32 | bits[1];
    if (value < limit) return static_cast<int64_t>(value % static_cast<uint64_t>(n));
  }
}

std::vector<int> Random::labels(int64_t n, int classes, SourceLoc loc) {
  check_at_least("labels", "n", n, 0, loc);
  check_at_least("labels", "classes", classes, 1, loc);
  std::vector<int> labels(static_cast<size_t>(n));
  for (int& label : labels) label = static_cast<int>(below(classes));
  return labels;
}

std::vector<int64_t> Random::permutation(int64_t n, SourceLoc loc) {
  check_at_least("permutation", "n", n, 0, loc);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) {  // Fisher & Yates; Durstenfeld 1964
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(below(i + 1))]);
  }
  return order;
}

Tensor Random::uniform(const Shape& shape, double low, double high, SourceLoc loc) {
  const double most = largest_uniform<Scalar>(low, high, loc);
  const Tensor y = Tensor::empty(shape);
  kernels::active().uniform(next_blocks(y.numel()), low, high, most, y.numel(), y.mutable_data());
  return y;
}

Tensor Random::normal(const Shape& shape, double mean, double stddev, SourceLoc loc) {
  if (!std::isfinite(static_cast<Scalar>(mean)) || !(stddev >= 0) ||
      !std::isfinite(static_cast<Scalar>(stddev))) {
    fail("normal", "a finite mean and a finite standard deviation of at least 0 expected",
         {text("mean    ", mean), text("stddev  ", stddev)}, loc);
  }
  const Tensor y = Tensor::empty(shape);
  kernels::active().normal(next_blocks(y.numel()), mean, stddev, y.numel(), y.mutable_data());
  return y;
}

}  // namespace forger
