#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/shape.h"
#include "guarded.h"
#include "threads.h"

namespace forger {

using kernels::Conv2d;
using kernels::Kernels;

inline int64_t output_extent(int64_t extent, int64_t kernel, const Conv2d& s) {
  return (extent + 2 * s.padding - s.dilation * (kernel - 1) - 1) / s.stride + 1;
}

/// s with oh and ow filled in.
inline Conv2d complete(Conv2d s) {
  s.oh = output_extent(s.h, s.kh, s);
  s.ow = output_extent(s.w, s.kw, s);
  return s;
}

inline int64_t x_size(const Conv2d& s) { return s.n * s.c * s.h * s.w; }
inline int64_t weight_size(const Conv2d& s) { return s.o * s.c * s.kh * s.kw; }
inline int64_t y_size(const Conv2d& s) { return s.n * s.o * s.oh * s.ow; }
inline int64_t work(const Conv2d& s) { return y_size(s) * s.c * s.kh * s.kw; }

inline std::string text(const Conv2d& s) {
  const auto extents = [](int64_t a, int64_t b, int64_t c, int64_t d) {
    return Shape{a, b, c, d}.str();
  };
  return "x " + extents(s.n, s.c, s.h, s.w) + ", weight " + extents(s.o, s.c, s.kh, s.kw) + ", y " +
         extents(s.n, s.o, s.oh, s.ow) + ", stride " + std::to_string(s.stride) + ", padding " +
         std::to_string(s.padding) + ", dilation " + std::to_string(s.dilation);
}

struct Results {
  std::vector<double> y, dx, dweight;
};

/// The three derivatives of T(x, weight, g) = sum of x weight g over all that meet, in one walk
/// over the definition in kernels.h.
inline Results by_definition(const Conv2d& s, const Scalar* x, const Scalar* weight,
                             const Scalar* g) {
  Results r;
  r.y.assign(static_cast<size_t>(y_size(s)), 0);
  r.dx.assign(static_cast<size_t>(x_size(s)), 0);
  r.dweight.assign(static_cast<size_t>(weight_size(s)), 0);
  size_t at_y = 0;
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t o = 0; o < s.o; ++o) {
      for (int64_t i = 0; i < s.oh; ++i) {
        for (int64_t j = 0; j < s.ow; ++j, ++at_y) {
          double sum = 0;
          const double cotangent = static_cast<double>(g[at_y]);
          size_t at_weight = static_cast<size_t>(o * s.c * s.kh * s.kw);
          for (int64_t c = 0; c < s.c; ++c) {
            for (int64_t p = 0; p < s.kh; ++p) {
              const int64_t row = i * s.stride + p * s.dilation - s.padding;
              for (int64_t q = 0; q < s.kw; ++q, ++at_weight) {
                const int64_t column = j * s.stride + q * s.dilation - s.padding;
                if (row < 0 || row >= s.h || column < 0 || column >= s.w) continue;
                const size_t at_x = static_cast<size_t>(((n * s.c + c) * s.h + row) * s.w + column);
                const double from = static_cast<double>(x[at_x]);
                const double by = static_cast<double>(weight[at_weight]);
                sum += from * by;
                r.dx[at_x] += cotangent * by;
                r.dweight[at_weight] += cotangent * from;
              }
            }
          }
          r.y[at_y] = sum;
        }
      }
    }
  }
  return r;
}

/// Runs the kernels between pages without access.
class Checker {
 public:
  /// All three directions on every set.
  void check(const Conv2d& s, int threads) {
    const Scalar *x = integers_.next(x_size(s)), *weight = integers_.next(weight_size(s));
    const Scalar* g = integers_.next(y_size(s));
    const Results expected = by_definition(s, x, weight, g);
    const std::string geometry = text(s);
    CAPTURE(geometry);
    const Threads scope(threads);
    const Fence fence = ++geometries_ % 2 == 0 ? Fence::kBehind : Fence::kBefore;
    for (const Kernels* set : kernel_sets()) {
      const std::string kernels = set->name;
      CAPTURE(kernels);
      REQUIRE(run(s, set->conv2d, x, x_size(s), weight, weight_size(s), expected.y, fence) == "");
      REQUIRE(run(s, set->conv2d_input_grad, g, y_size(s), weight, weight_size(s), expected.dx,
                  fence) == "");
      REQUIRE(run(s, set->conv2d_weight_grad, g, y_size(s), x, x_size(s), expected.dweight,
                  fence) == "");
    }
  }
  int geometries() const { return geometries_; }

 private:
  using Direction = void (*)(const Conv2d&, const Scalar*, const Scalar*, Scalar*);

  /// What is wrong with a result, or "".
  std::string run(const Conv2d& s, Direction kernel, const Scalar* a, int64_t a_size,
                  const Scalar* b, int64_t b_size, const std::vector<double>& expected,
                  Fence fence) {
    Scalar* const a_copy = a_.place(a_size, fence);
    Scalar* const b_copy = b_.place(b_size, fence);
    Scalar* const out = out_.place(static_cast<int64_t>(expected.size()), fence);
    std::copy_n(a, a_size, a_copy);
    std::copy_n(b, b_size, b_copy);
    kernel(s, a_copy, b_copy, out);
    if (!(a_.intact() && b_.intact() && out_.intact())) return "a canary is dead";
    return first_difference(out, expected);
  }

  Integers integers_{5'000'011};
  Guarded a_, b_, out_;
  int geometries_ = 0;
};

/// In units of u = 2^-24 times the sum of the magnitudes of an element's terms.
inline double largest_error(const std::vector<Scalar>& found, const std::vector<double>& expected,
                            const std::vector<double>& of_terms) {
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double error = std::abs(static_cast<double>(found[i]) - expected[i]);
    if (std::isnan(error)) return error;  // which no bound allows
    if (error > 0) worst = std::max(worst, error / (0x1p-24 * of_terms[i]));
  }
  return worst;
}

/// Every direction of each set gives the same bits for any number of threads.
inline void check_thread_independence(const Conv2d& s, const std::vector<const Kernels*>& sets) {
  const std::vector<Scalar> x = Random(1).normal({x_size(s)}).to_vector();
  const std::vector<Scalar> weight = Random(2).normal({weight_size(s)}).to_vector();
  const std::vector<Scalar> g = Random(3).normal({y_size(s)}).to_vector();
  const std::string geometry = text(s);
  CAPTURE(geometry);
  for (const Kernels* set : sets) {
    const std::string kernels = set->name;
    CAPTURE(kernels);
    CHECK(thread_dependence([&] {
            std::vector<Scalar> y(g.size());
            set->conv2d(s, x.data(), weight.data(), y.data());
            return y;
          }) == "");
    CHECK(thread_dependence([&] {
            std::vector<Scalar> dx(x.size());
            set->conv2d_input_grad(s, g.data(), weight.data(), dx.data());
            return dx;
          }) == "");
    CHECK(thread_dependence([&] {
            std::vector<Scalar> dweight(weight.size());
            set->conv2d_weight_grad(s, g.data(), x.data(), dweight.data());
            return dweight;
          }) == "");
  }
}

}  // namespace forger
