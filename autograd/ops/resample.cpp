#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger {
namespace {

void check_image(const char* op, const Tensor& x, SourceLoc loc) {
  check_defined(op, {{"x", x}}, loc);
  const auto fits = [&](int axis) {
    return x.shape()[axis] > 0 && x.shape()[axis] <= kLargestAxis;
  };
  if (x.rank() == 4 && fits(2) && fits(3)) return;
  fail(op, "images with four axes and 1 to 2^26 rows and columns expected",
       {"x  " + x.shape().str() + "  (N, C, H, W)"}, loc);
}

void check_size(const char* op, int64_t h, int64_t w, SourceLoc loc) {
  if (h > 0 && w > 0 && h <= kLargestOption && w <= kLargestOption) return;
  fail(op, "a size of at least 1 x 1 and at most 2^20 x 2^20 expected",
       {"found " + std::to_string(h) + " x " + std::to_string(w)}, loc);
}

/// Returns the options with their stride filled in. Throws Error unless they fit x.
PoolOptions checked(const char* op, const Tensor& x, PoolOptions options, SourceLoc loc) {
  check_image(op, x, loc);
  if (options.stride == 0) options.stride = options.kernel;
  const int64_t kernel = options.kernel, stride = options.stride, padding = options.padding;
  const int64_t smallest = std::min(x.shape()[2], x.shape()[3]);
  const auto fail_here = [&](const char* what) {
    fail(op, what,
         {"x  " + x.shape().str() + "  (N, C, H, W)", "kernel " + std::to_string(kernel) +
                                                          ", stride " + std::to_string(stride) +
                                                          ", padding " + std::to_string(padding)},
         loc);
  };
  // With these bounds no sum of the options overflows.
  if (std::max({kernel, stride, padding}) > kLargestOption) {
    fail_here("kernel, stride and padding of at most 2^20 expected");
  }
  if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2 ||
      smallest < kernel - 2 * padding) {
    fail_here("a window that fits the padded image, and padding of at most half of it, expected");
  }
  return options;
}

/// Returns the number of windows along an axis.
int64_t pooled(const PoolOptions& options, int64_t extent) {
  return (extent + 2 * options.padding - options.kernel) / options.stride + 1;
}

/// Returns a matrix without rows, with `in` columns.
SparseMatrix of_width(int64_t in) {
  SparseMatrix m;
  m.in = in;
  return m;
}

/// Appends an entry to the row that is being built.
void append(SparseMatrix& m, int64_t index, double weight) {
  m.index.push_back(index);
  m.weight.push_back(static_cast<Scalar>(weight));
}

void end_row(SparseMatrix& m) {
  m.begin.push_back(static_cast<int64_t>(m.index.size()));
  ++m.out;
}

/// Appends a row that sums [begin, end) and divides by `divisor`.
void append_mean(SparseMatrix& m, int64_t begin, int64_t end, int64_t divisor) {
  for (int64_t i = begin; i < end; ++i) append(m, i, 1 / static_cast<double>(divisor));
  end_row(m);
}

// Each function below returns the matrix that one op applies along one axis.

SparseMatrix pool_axis(const PoolOptions& options, int64_t extent) {
  SparseMatrix m = of_width(extent);
  for (int64_t i = 0; i < pooled(options, extent); ++i) {
    const int64_t start = i * options.stride - options.padding;
    const int64_t begin = std::max<int64_t>(0, start),
                  end = std::min(extent, start + options.kernel);
    append_mean(m, begin, end, options.count_include_pad ? options.kernel : end - begin);
  }
  return m;
}

SparseMatrix adaptive_axis(int64_t in, int64_t out) {
  SparseMatrix m = of_width(in);
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    append_mean(m, begin, end, end - begin);
  }
  return m;
}

SparseMatrix nearest_axis(int64_t in, int64_t out) {
  SparseMatrix m = of_width(in);
  for (int64_t i = 0; i < out; ++i) append_mean(m, i * in / out, i * in / out + 1, 1);
  return m;
}

SparseMatrix bilinear_axis(int64_t in, int64_t out, bool align_corners) {
  SparseMatrix m = of_width(in);
  const double ratio = static_cast<double>(in) / static_cast<double>(out);
  const double corner = out > 1 ? static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  for (int64_t i = 0; i < out; ++i) {
    const auto place = static_cast<double>(i);
    const double at = align_corners ? place * corner : std::max(0.0, (place + 0.5) * ratio - 0.5);
    const auto left = std::min(static_cast<int64_t>(at), in - 1);
    const double weight = at - static_cast<double>(left);
    append(m, left, 1 - weight);
    if (left + 1 < in) {
      append(m, left + 1, weight);
    } else {
      m.weight.back() = 1;
    }
    end_row(m);
  }
  return m;
}

SparseMatrix reflection_axis(int64_t in, int64_t padding) {
  SparseMatrix m = of_width(in);
  for (int64_t i = -padding; i < in + padding; ++i) {
    append(m, std::min(std::abs(i), 2 * (in - 1) - i), 1);
    end_row(m);
  }
  return m;
}

/// Throws Error unless the fields fit each other and every entry lies inside the matrix.
void check_matrix(const char* op, const char* name, const SparseMatrix& m, SourceLoc loc) {
  const auto entries = static_cast<int64_t>(m.index.size());
  const auto fail_here = [&](const char* what) {
    fail(op, "not a sparse matrix",
         {std::string(name) + "  [" + std::to_string(m.out) + ", " + std::to_string(m.in) + "], " +
          std::to_string(entries) + " indices, " + std::to_string(m.weight.size()) + " weights, " +
          what},
         loc);
  };
  if (m.out < 0 || m.in < 0 || m.out > kLargestAxis || m.in > kLargestAxis) {
    fail_here("extents outside of 0 to 2^26");
  }
  const bool whole = static_cast<int64_t>(m.begin.size()) == m.out + 1 && m.begin.front() == 0 &&
                     m.begin.back() == entries && m.weight.size() == m.index.size() &&
                     std::is_sorted(m.begin.begin(), m.begin.end());
  if (!whole) fail_here("rows that do not fit");
  const bool inside =
      std::all_of(m.index.begin(), m.index.end(), [&](int64_t i) { return i >= 0 && i < m.in; });
  if (!inside) fail_here("an index outside");
}

kernels::SparseRows rows_of(const SparseMatrix& m) {
  return {m.out, m.in, m.begin.data(), m.index.data(), m.weight.data()};
}

}  // namespace

SparseMatrix SparseMatrix::transposed(SourceLoc loc) const {
  check_matrix("SparseMatrix::transposed", "found", *this, loc);
  SparseMatrix t = of_width(out);
  t.out = in;
  t.begin.assign(static_cast<size_t>(in) + 1, 0);
  for (int64_t i : index) ++t.begin[static_cast<size_t>(i) + 1];
  for (size_t i = 1; i < t.begin.size(); ++i) t.begin[i] += t.begin[i - 1];
  t.index.resize(index.size());
  t.weight.resize(weight.size());
  std::vector<int64_t> next(t.begin.begin(), t.begin.end() - 1);
  for (int64_t row = 0; row < out; ++row) {
    const auto end = static_cast<size_t>(begin[static_cast<size_t>(row) + 1]);
    for (auto e = static_cast<size_t>(begin[static_cast<size_t>(row)]); e < end; ++e) {
      const auto to = static_cast<size_t>(next[static_cast<size_t>(index[e])]++);
      t.index[to] = row;
      t.weight[to] = weight[e];
    }
  }
  return t;
}

struct Resample2d {
  SparseMatrix rows, columns;
  static constexpr const char* name = "resample2d";

  Gradients backward(const Tensor& g, const Context&) const {
    return {resample2d(g, rows.transposed(), columns.transposed())};
  }
};

Tensor resample2d(const Tensor& x, const SparseMatrix& rows, const SparseMatrix& columns,
                  SourceLoc loc) {
  const Composite here("resample2d", loc);
  check_defined("resample2d", {{"x", x}}, loc);
  if (x.rank() != 4 || x.shape()[2] != rows.in || x.shape()[3] != columns.in) {
    fail("resample2d", "matrices as wide as the image's axes expected",
         {"x        " + x.shape().str() + "  (N, C, H, W)",
          "rows     [" + std::to_string(rows.out) + ", " + std::to_string(rows.in) + "]",
          "columns  [" + std::to_string(columns.out) + ", " + std::to_string(columns.in) + "]"},
         loc);
  }
  check_matrix("resample2d", "rows", rows, loc);
  check_matrix("resample2d", "columns", columns, loc);
  const int64_t planes = x.shape()[0] * x.shape()[1];
  const Tensor y = Tensor::empty({x.shape()[0], x.shape()[1], rows.out, columns.out});
  const Tensor scratch = Tensor::empty({planes, columns.in});
  kernels::resample(planes, rows_of(rows), rows_of(columns), x.data(), scratch.mutable_data(),
                    y.mutable_data(loc));
  return record(y, {x}, Resample2d{rows, columns}, loc);
}

Tensor avg_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc) {
  const Composite here("avg_pool2d", loc);
  const PoolOptions o = checked("avg_pool2d", x, options, loc);
  return resample2d(x, pool_axis(o, x.shape()[2]), pool_axis(o, x.shape()[3]));
}

Tensor max_pool2d(const Tensor& x, PoolOptions options, SourceLoc loc) {
  const Composite here("max_pool2d", loc);
  const PoolOptions o = checked("max_pool2d", x, options, loc);
  const Shape& s = x.shape();
  const int64_t planes = s[0] * s[1], oh = pooled(o, s[2]), ow = pooled(o, s[3]);
  Indices index{{planes, oh * ow}, std::vector<int64_t>(static_cast<size_t>(planes * oh * ow))};
  kernels::max_pool_index({planes, s[2], s[3], oh, ow, o.kernel, o.stride, o.padding}, x.data(),
                          index.values.data());
  const Tensor y = gather(reshape_to(x, {planes, s[2] * s[3]}), 1, index);
  return reshape_to(y, {s[0], s[1], oh, ow});
}

Tensor adaptive_avg_pool2d(const Tensor& x, int64_t h, int64_t w, SourceLoc loc) {
  const Composite here("adaptive_avg_pool2d", loc);
  check_image("adaptive_avg_pool2d", x, loc);
  check_size("adaptive_avg_pool2d", h, w, loc);
  return resample2d(x, adaptive_axis(x.shape()[2], h), adaptive_axis(x.shape()[3], w));
}

Tensor upsample_nearest2d(const Tensor& x, int64_t h, int64_t w, SourceLoc loc) {
  const Composite here("upsample_nearest2d", loc);
  check_image("upsample_nearest2d", x, loc);
  check_size("upsample_nearest2d", h, w, loc);
  return resample2d(x, nearest_axis(x.shape()[2], h), nearest_axis(x.shape()[3], w));
}

Tensor upsample_bilinear2d(const Tensor& x, int64_t h, int64_t w, bool align_corners,
                           SourceLoc loc) {
  const Composite here("upsample_bilinear2d", loc);
  check_image("upsample_bilinear2d", x, loc);
  check_size("upsample_bilinear2d", h, w, loc);
  return resample2d(x, bilinear_axis(x.shape()[2], h, align_corners),
                    bilinear_axis(x.shape()[3], w, align_corners));
}

Tensor reflection_pad2d(const Tensor& x, int64_t padding, SourceLoc loc) {
  const Composite here("reflection_pad2d", loc);
  check_image("reflection_pad2d", x, loc);
  const int64_t h = x.shape()[2], w = x.shape()[3];
  if (padding < 0 || padding >= std::min(h, w)) {
    fail("reflection_pad2d", "padding of at least 0 and less than height and width expected",
         {"x  " + x.shape().str() + "  (N, C, H, W)", "padding  " + std::to_string(padding)}, loc);
  }
  return resample2d(x, reflection_axis(h, padding), reflection_axis(w, padding));
}

}  // namespace forger
