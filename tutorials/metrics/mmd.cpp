#include "tutorials/metrics/mmd.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "tutorials/metrics/distances.h"
#include "tutorials/metrics/features.h"

namespace forger::metrics {
namespace {

constexpr int64_t kTile = 256;  // rows and columns of a tile: four take 1 MiB

struct Sums {
  double h = 0, squares = 0;
};

/// A set of rows whose products are computed relative to an origin m:
///
///     x . y = (x - m) . (y - m) + offset(x) + offset(y),  offset(x) = x . m - |m|^2 / 2
///
/// The first product is rounded to float, the offsets are not. The rounding error thus depends on
/// how far the features spread, not on how far they lie from 0.
struct Rows {
  Rows(const Tensor& x, const std::vector<double>& origin) : points(x, origin) {
    for (int64_t i = 0; i < points.n; ++i) {
      double offset = 0;
      for (int64_t j = 0; j < points.d; ++j) {
        const double m = origin[static_cast<size_t>(j)];
        offset += (points.row(i)[j] - m / 2) * m;
      }
      offsets.push_back(offset);
    }
  }

  Points points;
  std::vector<double> offsets;
};

/// The kernel's values for a tile of two sets: rows i0 to i0 + m - 1 of one, rows j0 to j0 + n - 1
/// of the other.
class KernelTile {
 public:
  KernelTile(const Rows& a, const Rows& b)
      : a_(a), b_(b), products_(Tensor::empty({kTile, kTile})) {}

  void compute(int64_t i0, int64_t m, int64_t j0, int64_t n) {
    const int64_t d = a_.points.d;
    kernels::active().gemm({.m = m,
                            .n = n,
                            .k = d,
                            .a = a_.points.centred.data() + i0 * d,
                            .a_row = d,
                            .a_col = 1,
                            .b = b_.points.centred.data() + j0 * d,
                            .b_row = 1,
                            .b_col = d,
                            .c = products_.mutable_data(),
                            .c_row = kTile,
                            .accumulate = false});
    values_ = {products_.data(), a_.offsets.data() + i0, b_.offsets.data() + j0,
               1 / static_cast<double>(d)};
  }

  /// What at() needs; a copy of it is used in the loops.
  struct Values {
    const Scalar* products;
    const double *a_offsets, *b_offsets;
    double scale;

    double at(int64_t i, int64_t j) const {
      const double root = (products[i * kTile + j] + a_offsets[i] + b_offsets[j]) * scale + 1;
      return root * root * root;
    }
  };
  const Values& values() const { return values_; }

 private:
  const Rows &a_, &b_;
  Tensor products_;
  Values values_{};
};

}  // namespace

Mmd mmd(const Tensor& x, const Tensor& y, SourceLoc loc) {
  check_features("mmd", "x", x, "y", y, 2, loc);
  if (x.shape() != y.shape()) {
    fail("mmd", "the sets must have the same number of rows",
         {"x  " + x.shape().str(), "y  " + y.shape().str()}, loc);
  }
  const int64_t n = x.shape()[0];
  const std::vector<double> origin = mean_row(y);
  const Rows a(x, origin), b(y, origin);
  KernelTile xx(a, a), yy(b, b), xy(a, b), yx(b, a);
  std::vector<Sums> rows(static_cast<size_t>(kTile));
  Sums total;
  for (int64_t i0 = 0; i0 < n; i0 += kTile) {
    const int64_t height = std::min(kTile, n - i0);
    for (int64_t j0 = i0; j0 < n; j0 += kTile) {
      const int64_t width = std::min(kTile, n - j0);
      for (KernelTile* tile : {&xx, &yy, &xy, &yx}) tile->compute(i0, height, j0, width);
      const auto kxx = xx.values(), kyy = yy.values(), kxy = xy.values(), kyx = yx.values();
      Sums* sums = rows.data();
      kernels::parallel_chunks(height, 16, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          Sums row;
          for (int64_t j = std::max<int64_t>(0, i0 + i + 1 - j0); j < width; ++j) {
            const double h = kxx.at(i, j) + kyy.at(i, j) - kxy.at(i, j) - kyx.at(i, j);
            row.h += h;
            row.squares += h * h;
          }
          sums[i] = row;
        }
      });
      for (int64_t i = 0; i < height; ++i) {
        total.h += sums[i].h;
        total.squares += sums[i].squares;
      }
    }
  }
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  return {total.h / pairs, std::sqrt(total.squares) / pairs};
}

}  // namespace forger::metrics
