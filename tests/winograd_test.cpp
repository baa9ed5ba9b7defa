// Tests convolutions by Winograd's minimal filtering, which the SIMD sets use if it needs fewer
// multiplications. The geometries below must use it. Results are exact on integers, within a
// derived bound on real numbers, and have the same bits for any number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "autograd/random.h"
#include "convolutions.h"

namespace forger {
namespace {

// n, c, h, w, o, kh, kw, oh, ow, stride, padding, dilation
const Conv2d kGeometries[] = {
    {16, 48, 20, 8, 40, 4, 4, 0, 0, 2, 1, 1},   // four remainders or phases, in several bands
    {31, 48, 12, 11, 40, 4, 4, 0, 0, 2, 1, 1},  // the last lane empty; phases of 5 and 6 columns
    {32, 48, 10, 10, 64, 4, 4, 0, 0, 2, 1, 1},  // quads that are not full
    {32, 70, 8, 8, 48, 4, 4, 0, 0, 2, 1, 1},    // slices of k
    {32, 40, 8, 8, 290, 4, 4, 0, 0, 2, 1, 1},   // in the input gradient, too
    {16, 48, 9, 12, 40, 3, 3, 0, 0, 1, 1, 1},   // one remainder, three taps
    {16, 40, 6, 6, 40, 3, 3, 0, 0, 1, 1, 1},    // blocks of weights; an odd number of quads
    {48, 40, 6, 6, 40, 3, 3, 0, 0, 1, 1, 1},    // blocks of images
    {32, 40, 12, 11, 40, 6, 6, 0, 0, 3, 2, 1},  // nine remainders
    {32, 48, 11, 8, 64, 6, 6, 0, 0, 2, 3, 1},   // four, of three taps
    {32, 48, 8, 7, 48, 2, 2, 0, 0, 1, 0, 1}};   // no padding

std::vector<const Kernels*> simd_sets() {
  std::vector<const Kernels*> sets = kernel_sets();
  std::erase(sets, &kernels::kReference);
  return sets;
}

/// Numbers of which some are so large that a sum with them loses the others.
std::vector<Scalar> small_and_large(int64_t count, uint64_t seed) {
  std::vector<Scalar> values = Random(seed).normal({count}).to_vector();
  for (Scalar& value : values) value = value > 0 ? 1 : 0x1p30f;
  return values;
}

/// For small output extents u (2), input extents r + 1 and taps r of an axis: the sum over points
/// of |A| |B| |G|, which says how often the product of an input and a weight takes part in an
/// output at most, those included that cancel.
struct Form {
  explicit Form(int taps) : r(taps) {
    // Rows are points. F(2, 2) and F(2, 3) of winograd.h.
    const double a2[3][2] = {{1, 0}, {1, 1}, {0, 1}};
    const double b2[3][3] = {{1, 1, 0}, {0, 1, 0}, {0, 1, 1}};
    const double g2[3][2] = {{1, 0}, {1, 1}, {0, 1}};
    const double a3[4][2] = {{1, 0}, {1, 1}, {1, 1}, {0, 1}};
    const double b3[4][4] = {{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 1}};
    const double g3[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, {0, 0, 1}};
    for (int point = 0; point <= r; ++point) {
      for (int u = 0; u < 2; ++u) {
        for (int d = 0; d <= r; ++d) {
          for (int w = 0; w < r; ++w) {
            of[u][d][w] += r == 2 ? a2[point][u] * b2[point][d] * g2[point][w]
                                  : a3[point][u] * b3[point][d] * g3[point][w];
          }
        }
      }
    }
  }
  int r;
  double of[2][4][3] = {};
};

/// Calls f(i, j, row, column, k, l, often) for all that meets in a correlation with oh x ow places:
/// place (i, j), the input that lies (row, column) from the first place's first, and tap (k, l) of
/// a remainder or phase.
template <class F>
void for_quads(const Form& form, int64_t oh, int64_t ow, const F& f) {
  for (int64_t i = 0; i < oh; i += 2) {
    for (int64_t j = 0; j < ow; j += 2) {
      for (int u = 0; u < 2 && i + u < oh; ++u) {
        for (int v = 0; v < 2 && j + v < ow; ++v) {
          for (int p = 0; p <= form.r; ++p) {
            for (int q = 0; q <= form.r; ++q) {
              for (int k = 0; k < form.r; ++k) {
                for (int l = 0; l < form.r; ++l) {
                  const double often = form.of[u][p][k] * form.of[v][q][l];
                  if (often != 0) f(i + u, j + v, i + p, j + q, k, l, often);
                }
              }
            }
          }
        }
      }
    }
  }
}

/// What by_definition() gives for magnitudes, with all products that cancel as well.
Results magnitudes(const Conv2d& s, const std::vector<Scalar>& x, const std::vector<Scalar>& weight,
                   const std::vector<Scalar>& g) {
  const Form form(static_cast<int>(s.kh / s.stride));
  const auto at = [](const std::vector<Scalar>& values, int64_t i) {
    return std::abs(static_cast<double>(values[static_cast<size_t>(i)]));
  };
  Results sums;
  sums.y.assign(g.size(), 0), sums.dx.assign(x.size(), 0), sums.dweight.assign(weight.size(), 0);
  for (int64_t plane = 0; plane < s.n * s.o * s.c; ++plane) {
    const int64_t n = plane / (s.o * s.c), o = plane / s.c % s.o, c = plane % s.c;
    const int64_t x0 = (n * s.c + c) * s.h * s.w, g0 = (n * s.o + o) * s.oh * s.ow;
    const int64_t w0 = (o * s.c + c) * s.kh * s.kw;
    for (int64_t rem = 0; rem < s.stride * s.stride; ++rem) {
      const int64_t down = rem / s.stride, right = rem % s.stride;
      for_quads(form, s.oh, s.ow,
                [&](int64_t i, int64_t j, int64_t row, int64_t column, int k, int l, double often) {
                  row = row * s.stride + down - s.padding;
                  column = column * s.stride + right - s.padding;
                  if (row < 0 || row >= s.h || column < 0 || column >= s.w) return;
                  const int64_t to = g0 + i * s.ow + j, from = x0 + row * s.w + column;
                  const int64_t by = w0 + (k * s.stride + down) * s.kw + l * s.stride + right;
                  sums.y[static_cast<size_t>(to)] += often * at(x, from) * at(weight, by);
                  sums.dweight[static_cast<size_t>(by)] += often * at(x, from) * at(g, to);
                });
      // The input gradient's phase `rem` is a correlation of g with the taps turned round.
      const auto first_of = [&](int64_t f) { return (f + s.padding) / s.stride - form.r + 1; };
      const auto tap_of = [&](int64_t f, int k) {
        return (f + s.padding) % s.stride + (form.r - 1 - k) * s.stride;
      };
      for_quads(form, (s.h - down + s.stride - 1) / s.stride,
                (s.w - right + s.stride - 1) / s.stride,
                [&](int64_t i, int64_t j, int64_t row, int64_t column, int k, int l, double often) {
                  row += first_of(down), column += first_of(right);
                  if (row < 0 || row >= s.oh || column < 0 || column >= s.ow) return;
                  const int64_t to = x0 + (down + i * s.stride) * s.w + right + j * s.stride;
                  sums.dx[static_cast<size_t>(to)] +=
                      often * at(g, g0 + row * s.ow + column) *
                      at(weight, w0 + tap_of(down, k) * s.kw + tap_of(right, l));
                });
    }
  }
  return sums;
}

std::vector<Scalar> normals(int64_t count, uint64_t seed) {
  return Random(seed).normal({count}).to_vector();
}

}  // namespace

// If one operand has a single 1, each element of the product is 0 or an element of the other
// operand. Winograd's method adds neighbours first, so it gives other elements.
TEST_CASE("the test's geometries use Winograd's method in every direction") {
  for (const Conv2d& incomplete : kGeometries) {
    const Conv2d s = complete(incomplete);
    const std::string geometry = text(s);
    CAPTURE(geometry);
    const std::vector<Scalar> x = small_and_large(x_size(s), 1);
    const std::vector<Scalar> weight = small_and_large(weight_size(s), 2);
    // An input an odd number of places from the padded edge is read by both places of a quad.
    std::vector<Scalar> one_x(x.size()), one_g(static_cast<size_t>(y_size(s)));
    const int64_t from_edge = 3 * s.stride - s.padding;
    one_x[static_cast<size_t>(from_edge * s.w + from_edge)] = 1;
    one_g[static_cast<size_t>(2 * s.ow + 2)] = 1;
    const auto all = [&](const Kernels& set) {
      std::vector<std::vector<Scalar>> results{one_g, x, weight};
      set.conv2d(s, one_x.data(), weight.data(), results[0].data());
      set.conv2d_input_grad(s, one_g.data(), weight.data(), results[1].data());
      set.conv2d_weight_grad(s, one_g.data(), x.data(), results[2].data());
      return results;
    };
    const auto expected = all(kernels::kReference);
    for (const Kernels* set : simd_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      const auto found = all(*set);
      for (size_t direction = 0; direction < 3; ++direction) {
        CAPTURE(direction);
        CHECK(found[direction] != expected[direction]);
      }
    }
  }
}

// Integers stay exact. The transforms add, subtract and halve once per axis, so every intermediate
// number is a multiple of 1/4, and no sum of these numbers reaches 2^22.
TEST_CASE("Winograd convolutions are exact on integers") {
  Checker checker;
  for (const Conv2d& s : kGeometries) checker.check(complete(s), 3);
  // Results large enough for non-temporal stores. The second has too few channels for Winograd's
  // method, but stores its results in the same way, in partial cache lines.
  checker.check(complete({16, 16, 65, 65, 32, 2, 2, 0, 0, 1, 0, 1}), 3);
  checker.check(complete({16, 8, 66, 66, 32, 2, 2, 0, 0, 1, 0, 1}), 3);
}

// A product of a transformed input and a transformed weight has at most 6 roundings before the sum
// over k. The sum adds k roundings, and the output transform at most 4, two per axis. The error is
// therefore at most (k + 10) u (1 + u)^(k + 10) times the same expression of magnitudes, with every
// sign a plus. k is C KH KW / r^2, O for the input gradient, and the number of quads for the weight
// gradient. As in gemm_test.cpp, the observed error grows like sqrt(k) if all terms have one sign.
TEST_CASE("the rounding error of Winograd convolutions stays within its bounds") {
  for (const Conv2d& incomplete : {kGeometries[6], kGeometries[10]}) {
    const Conv2d s = complete(incomplete);
    const std::string geometry = text(s);
    CAPTURE(geometry);
    for (const bool one_sign : {false, true}) {
      CAPTURE(one_sign);
      const auto draw = [&](uint64_t seed, int64_t count) {
        std::vector<Scalar> values = normals(count, seed);
        for (Scalar& value : values) value = one_sign ? std::abs(value) : value;
        return values;
      };
      const std::vector<Scalar> x = draw(1, x_size(s)), weight = draw(2, weight_size(s));
      const std::vector<Scalar> g = draw(3, y_size(s));
      const Results exact = by_definition(s, x.data(), weight.data(), g.data());
      const Results magnitude = magnitudes(s, x, weight, g);
      const auto check = [&](const std::vector<Scalar>& found, const std::vector<double>& expected,
                             const std::vector<double>& of_terms, int64_t k) {
        const double worst = largest_error(found, expected, of_terms);
        const double roundings = static_cast<double>(k + 10);
        CHECK(worst <= roundings * (1 + roundings * 0x1p-23));
        CHECK(worst <= (one_sign ? std::sqrt(roundings) : 4));
      };
      for (const Kernels* set : simd_sets()) {
        const std::string kernels = set->name;
        CAPTURE(kernels);
        std::vector<Scalar> y(g.size()), dx(x.size()), dweight(weight.size());
        const int64_t r = s.kh / s.stride;
        set->conv2d(s, x.data(), weight.data(), y.data());
        check(y, exact.y, magnitude.y, s.c * s.kh * s.kw / (r * r));
        set->conv2d_input_grad(s, g.data(), weight.data(), dx.data());
        check(dx, exact.dx, magnitude.dx, s.o);
        set->conv2d_weight_grad(s, g.data(), x.data(), dweight.data());
        check(dweight, exact.dweight, magnitude.dweight, s.n * ((s.oh + 1) / 2) * ((s.ow + 1) / 2));
      }
    }
  }
}

TEST_CASE("Winograd convolutions have the same bits for any number of threads") {
  for (const Conv2d& s : kGeometries) check_thread_independence(complete(s), simd_sets());
}

}  // namespace forger
