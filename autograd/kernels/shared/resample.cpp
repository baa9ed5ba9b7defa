#include <algorithm>
#include <limits>

#include "autograd/kernels/parallel.h"
#include "autograd/kernels/shared.h"

namespace forger::kernels {

void resample(int64_t planes, const SparseRows& rows, const SparseRows& columns, const Scalar* x,
              Scalar* scratch, Scalar* y) {
  const int64_t w = columns.in;
  parallel_chunks(planes, items_per_chunk(rows.out * columns.out), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const Scalar* image = x + plane * rows.in * w;
      Scalar* blended = scratch + plane * w;  // the rows of the image that make a row of y
      Scalar* out = y + plane * rows.out * columns.out;
      for (int64_t i = 0; i < rows.out; ++i) {
        std::fill_n(blended, w, Scalar(0));
        for (int64_t e = rows.begin[i]; e < rows.begin[i + 1]; ++e) {
          const Scalar* row = image + rows.index[e] * w;
          for (int64_t c = 0; c < w; ++c) blended[c] += rows.weight[e] * row[c];
        }
        for (int64_t j = 0; j < columns.out; ++j) {
          Scalar sum = 0;
          for (int64_t e = columns.begin[j]; e < columns.begin[j + 1]; ++e) {
            sum += columns.weight[e] * blended[columns.index[e]];
          }
          *out++ = sum;
        }
      }
    }
  });
}

void max_pool_index(const MaxPool& s, const Scalar* x, int64_t* index) {
  parallel_chunks(s.planes, items_per_chunk(s.h * s.w), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const Scalar* image = x + plane * s.h * s.w;
      int64_t* out = index + plane * s.oh * s.ow;
      for (int64_t i = 0; i < s.oh; ++i) {
        for (int64_t j = 0; j < s.ow; ++j) {
          const int64_t row0 = std::max<int64_t>(0, i * s.stride - s.padding);
          const int64_t row1 = std::min(s.h, i * s.stride - s.padding + s.kernel);
          const int64_t col0 = std::max<int64_t>(0, j * s.stride - s.padding);
          const int64_t col1 = std::min(s.w, j * s.stride - s.padding + s.kernel);
          int64_t best = row0 * s.w + col0;
          for (int64_t row = row0; row < row1; ++row) {
            for (int64_t col = col0; col < col1; ++col) {
              const int64_t at = row * s.w + col;
              const bool nan = image[at] != image[at] && image[best] == image[best];
              if (nan || image[at] > image[best]) best = at;
            }
          }
          *out++ = best;
        }
      }
    }
  });
}

}  // namespace forger::kernels
