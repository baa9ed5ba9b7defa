// Tests matrix products. Every kernel set must equal a plain loop on integers, must not access
// memory outside the arrays, and must give the same bits for any number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/random.h"
#include "guarded.h"
#include "threads.h"

namespace forger {
namespace {

using kernels::Kernels;

/// Extents next to those of the tiles (6 x 16 and 14 x 32) and vectors (8 and 16), and twice those.
constexpr int64_t kSizes[] = {0,  1,  2,  3,  5,  7,  8,  9,  13, 14, 15,
                              16, 17, 28, 29, 31, 32, 33, 64, 65, 129};

/// A matrix of rows x cols numbers with its strides.
struct Matrix {
  const Scalar* data;
  int64_t row, col;  // strides
};

/// Copies a row-major matrix to guarded memory, column by column if transposed. Each row, or
/// column, is followed by `gap` NaNs, except for the last.
Matrix lay_out(const Scalar* from, int64_t rows, int64_t cols, bool transposed, int64_t gap,
               Guarded& memory, Fence fence) {
  const int64_t lines = transposed ? cols : rows, length = transposed ? rows : cols;
  const int64_t pitch = length + gap;
  const int64_t count = lines == 0 || length == 0 ? 0 : (lines - 1) * pitch + length;
  Scalar* const data = memory.place(count, fence);
  const Matrix to{data, transposed ? 1 : pitch, transposed ? pitch : 1};
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) data[i * to.row + j * to.col] = from[i * cols + j];
  }
  return to;
}

/// One product of integers, to be computed by the kernels in every layout.
class Product {
 public:
  Product(int64_t m, int64_t n, int64_t k, Integers& integers)
      : m_(m),
        n_(n),
        k_(k),
        a_(integers.next(m * k)),
        b_(integers.next(k * n)),
        c_(integers.next(m * n)),
        bias_(integers.next(n)) {
    expected_.assign(static_cast<size_t>(m * n), 0);
    for (int64_t i = 0; i < m; ++i) {
      double* const row = expected_.data() + i * n;
      for (int64_t p = 0; p < k; ++p) {
        const double a = static_cast<double>(a_[i * k + p]);
        for (int64_t j = 0; j < n; ++j) row[j] += a * static_cast<double>(b_[p * n + j]);
      }
    }
  }

  /// Returns a set's first wrong result, or "". `gap` widens all three leading dimensions.
  std::string check(const Kernels& set, bool transpose_a, bool transpose_b, int64_t gap,
                    bool accumulate, bool with_bias, Scalar slope, Fence fence) {
    const Matrix a = lay_out(a_, m_, k_, transpose_a, gap, a_memory_, fence);
    const Matrix b = lay_out(b_, k_, n_, transpose_b, gap, b_memory_, fence);
    const int64_t pitch = n_ + gap;
    Scalar* const c = c_memory_.place(m_ * n_ == 0 ? 0 : (m_ - 1) * pitch + n_, fence);
    for (int64_t i = 0; accumulate && i < m_; ++i) {
      for (int64_t j = 0; j < n_; ++j) c[i * pitch + j] = c_[i * n_ + j];
    }
    Scalar* const bias = bias_memory_.place(n_, fence);
    std::copy_n(bias_, n_, bias);
    set.gemm({m_, n_, k_, a.data, a.row, a.col, b.data, b.row, b.col, c, pitch, accumulate,
              with_bias ? bias : nullptr, slope});
    for (int64_t i = 0; n_ > 0 && i < m_; ++i) {
      const Scalar* const row = c + i * pitch;
      for (int64_t j = 0; j < n_; ++j) {
        const size_t index = static_cast<size_t>(i * n_ + j);
        const double sum = expected_[index] + (accumulate ? static_cast<double>(c_[index]) : 0) +
                           (with_bias ? static_cast<double>(bias_[j]) : 0);
        const double expected = sum > 0 ? sum : static_cast<double>(slope) * sum;
        if (!(static_cast<double>(row[j]) == expected)) {
          return "at (" + std::to_string(i) + ", " + std::to_string(j) + ") found " +
                 std::to_string(row[j]) + ", expected " + std::to_string(expected);
        }
      }
      for (int64_t j = n_; i + 1 < m_ && j < pitch; ++j) {
        if (!Guarded::untouched(row[j])) return "written behind row " + std::to_string(i);
      }
    }
    const bool intact =
        a_memory_.intact() && b_memory_.intact() && c_memory_.intact() && bias_memory_.intact();
    return intact ? "" : "a canary is dead";
  }

 private:
  int64_t m_, n_, k_;
  const Scalar *a_, *b_, *c_, *bias_;
  std::vector<double> expected_;
  inline static Guarded a_memory_, b_memory_, c_memory_, bias_memory_;
};

/// Checks every layout of one product on every set. Fences and gaps alternate from case to case.
void check_all(int64_t m, int64_t n, int64_t k, Integers& integers, int threads, int64_t& cases) {
  Product product(m, n, k, integers);
  const Threads scope(threads);
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  for (const Kernels* set : kernel_sets()) {
    const std::string kernels = set->name;
    CAPTURE(kernels);
    for (int layout = 0; layout < 8; ++layout) {
      const bool transpose_a = layout & 1, transpose_b = layout & 2, accumulate = layout & 4;
      const int64_t gap = (cases / 8 + layout / 4) % 2 == 0 ? 0 : 3;
      const bool with_bias = (cases / 32 + layout / 2) % 2 == 0;
      const Scalar slope =
          std::array{1.0f, 0.5f, 0.0f}[static_cast<size_t>(cases / 8 + layout) % 3];
      const Fence fence = (cases / 16 + layout) % 2 == 0 ? Fence::kBehind : Fence::kBefore;
      CAPTURE(transpose_a);
      CAPTURE(transpose_b);
      CAPTURE(accumulate);
      CAPTURE(gap);
      CAPTURE(with_bias);
      CAPTURE(slope);
      REQUIRE(product.check(*set, transpose_a, transpose_b, gap, accumulate, with_bias, slope,
                            fence) == "");
    }
  }
  cases += 8;
}

std::vector<Scalar> normals(int64_t count, uint64_t seed) {
  return Random(seed).normal({count}).to_vector();
}

}  // namespace

TEST_CASE("gemm is exact on integers for remainders, transposes, gaps, bias and leaky ReLU") {
  Integers integers(1'000'003);
  int64_t cases = 0;
  for (const int64_t m : kSizes) {
    for (const int64_t n : kSizes) {
      for (const int64_t k : kSizes) {
        // Teams for all of these small products would take minutes on shared cores.
        check_all(m, n, k, integers, cases % 64 == 0 ? 3 : 1, cases);
      }
    }
  }
  CHECK(cases == 8 * 21 * 21 * 21);
}

TEST_CASE("gemm is exact on integers if K is cut into slices") {
  Integers integers(1'000'003);
  int64_t cases = 0;
  for (const int64_t k : {511, 512, 513, 1024, 1025}) {
    for (const int64_t m : {1, 2, 6, 13, 15, 43}) {
      for (const int64_t n : {1, 2, 16, 31, 33, 65}) check_all(m, n, k, integers, 1, cases);
    }
  }
}

TEST_CASE("gemm is exact on integers for every way to divide work among threads") {
  Integers integers(8'000'000);
  int64_t cases = 0;
  const int64_t extents[][3] = {
      {1030, 1041, 7},   // several blocks of rows and columns
      {2345, 2311, 5},   // many tiles
      {300, 701, 97},    //
      {701, 300, 97},    //
      {15, 3001, 70},    // few rows: C^T is computed if B is transposed, a block at a time
      {15, 4500, 300},   // and over slices of k
      {3001, 15, 70},    // few columns
      {16, 1030, 550},   // two tiles in a column with AVX-512, which prefetch
      {27, 4100, 519},   // and in many groups of strips
      {12, 4100, 519},   // the same with AVX2
      {45, 4100, 519},   // more tiles, in many groups
      {43, 150, 1024},   // rows that compete for one set of the cache: A is copied,
      {100, 300, 1024},  // and B^T, in A's place
      {700, 301, 1},     // small K
      {70, 3001, 4},     // small K and many columns
      {4099, 1, 131},    // one column
      {1, 4099, 131},    // one row
      {1, 301, 1999},    // more slices of k than threads
      {3, 1, 100'003}};  // a long sum
  for (const auto& [m, n, k] : extents) check_all(m, n, k, integers, 3, cases);
}

// Each element of C is a sum of K products. In any order, fused or not, its error is at most
// K u sum |a| |b| with u = 2^-24, without terms of higher order (Jeannerod & Rump 2013, "Improved
// error bounds for inner products in floating-point arithmetic", theorem 3.1). Roundings go up as
// often as down, so the observed error grows like sqrt(K) (Ipsen & Zhou 2020, arXiv 1906.10465). It
// is at most 2 sqrt(K) u if all terms have one sign, and a few u if they cancel.
TEST_CASE("the rounding error of gemm stays within its bounds") {
  for (const int64_t k : {1, 10, 129, 1537, 8192}) {
    const int64_t m = 29, n = 35;
    for (const bool one_sign : {false, true}) {
      std::vector<Scalar> a = normals(m * k, 1), b = normals(k * n, 2);
      for (std::vector<Scalar>* values : {&a, &b}) {
        for (Scalar& value : *values) value = one_sign ? std::abs(value) : value;
      }
      for (const Kernels* set : kernel_sets()) {
        CAPTURE(k);
        CAPTURE(one_sign);
        const std::string kernels = set->name;
        CAPTURE(kernels);
        std::vector<Scalar> c(static_cast<size_t>(m * n));
        set->gemm({m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n, false});
        double worst = 0;  // in units of u sum |a| |b|
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0, magnitude = 0;
            for (int64_t p = 0; p < k; ++p) {
              const double term = static_cast<double>(a[static_cast<size_t>(i * k + p)]) *
                                  static_cast<double>(b[static_cast<size_t>(p * n + j)]);
              sum += term;
              magnitude += std::abs(term);
            }
            const double found = static_cast<double>(c[static_cast<size_t>(i * n + j)]);
            worst = std::max(worst, std::abs(found - sum) / (0x1p-24 * magnitude));
          }
        }
        CHECK(worst <= static_cast<double>(k));
        CHECK(worst <= (one_sign ? 2 * std::sqrt(static_cast<double>(k)) : 16));
      }
    }
  }
}

TEST_CASE("gemm has the same bits for any number of threads") {
  const int64_t extents[][3] = {{257, 515, 700}, {515, 257, 1030}, {1500, 1500, 3}, {5000, 1, 300},
                                {1, 5000, 1300}, {2345, 2311, 5},  {64, 700, 600},  {400, 1, 500},
                                {648, 1, 309},   {16, 1030, 550},  {27, 4100, 519}, {650, 660, 650},
                                {12, 4100, 519}};
  for (const auto& extent : extents) {
    const int64_t m = extent[0], n = extent[1], k = extent[2];
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    const std::vector<Scalar> a = normals(m * k, 3), b = normals(k * n, 4);
    for (const Kernels* set : kernel_sets()) {
      for (const bool transposed : {false, true}) {
        const std::string kernels = set->name;
        CAPTURE(kernels);
        CAPTURE(transposed);
        CHECK(thread_dependence([&] {
                std::vector<Scalar> c(static_cast<size_t>(m * n));
                set->gemm({m, n, k, a.data(), transposed ? 1 : k, transposed ? m : 1, b.data(),
                           transposed ? 1 : n, transposed ? k : 1, c.data(), n, false});
                return c;
              }) == "");
      }
    }
  }
}

}  // namespace forger
