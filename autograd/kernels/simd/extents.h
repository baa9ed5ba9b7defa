#pragma once

#include <cstdint>
#include <type_traits>

namespace forger::kernels {
namespace {

constexpr int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
/// a / b rounded up, a >= 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// The next multiple of b.
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// a * b for a, b >= 0, or 2^60 if that is less.
constexpr int64_t product(int64_t a, int64_t b) {
  constexpr int64_t kMost = int64_t{1} << 60;
  return b > 0 && a > kMost / b ? kMost : a * b;
}
constexpr int64_t greatest_common_divisor(int64_t a, int64_t b) {
  return b == 0 ? a : greatest_common_divisor(b, a % b);
}

/// f(0), f(1), ... with constants and without a loop: only then do arrays go into registers.
template <int n, int i = 0, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  if constexpr (i < n) {
    f(std::integral_constant<int, i>());
    unrolled<n, i + 1>(f);
  }
}

}  // namespace
}  // namespace forger::kernels
