#pragma once

#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/tile.h"

// How a convolution becomes a matrix product without the matrix of its windows ("im2col") being
// stored: a part of the images is copied into a zero-padded scratch that is smaller, yet holds each
// row of that matrix, or each column, as it is. With a kernel of 4 x 4 and stride 2 a pixel is the
// element of four windows; the scratch holds it twice, or once.
//
// Forward, a row of B is what tap (p, q) reads for place after place. The scratch keeps the columns
// of the image that tap q reads, once for each q, its rows sorted by their remainder by the stride,
// so that the places of row after row follow each other. For q = 1, stride 2 and padding 1:
//
//   0 0 0 0 ...  x[1][0] x[1][2] ...  x[3][0] ... | x[0][0] x[0][2] ...  x[2][0] x[2][2] ...
//   p = 0        p = 2, from here on                p = 1                p = 3
//
// Where rows of places are whole strips of nr, it is enough to sort the columns by their remainder,
// too, for no strip goes on in the next row.
//
// For the weight gradient a row of B is a window. The scratch keeps the kh rows that a row of
// places reads interleaved, and with them those of all channels, so that the windows overlap:
//
//   x[0][0] x[1][0] x[2][0] x[3][0]   x[0][1] x[1][1] x[2][1] x[3][1]   x[0][2] ...
//   place 0 from here on                                                place 1 from here on
//
// Either way the tile reads the scratch through a table of offsets, and no window is packed.
namespace forger::kernels {
namespace {

/// How a grid of places is cut into blocks: each is `images` whole grids, or `rows` rows of one.
struct Blocks {
  int64_t images, rows, bands, count;
};

/// Blocks of about `places` places, but at least eight blocks if there are images enough.
inline Blocks cut(int64_t n, int64_t h, int64_t w, int64_t places) {
  Blocks b{1, h, 1, 0};
  if (h * w >= places) {
    b.rows = max(1, places / w);
    b.bands = ceil_div(h, b.rows);
  } else {
    b.images = max(1, min(places / max(1, h * w), n / 8));
  }
  b.count = ceil_div(n, b.images) * b.bands;
  return b;
}

/// One block: images n0 to n1 - 1, rows i0 to i0 + rows - 1 of the grid.
struct Block {
  int64_t n0, n1, i0, rows;
};

inline Block block_at(const Blocks& b, int64_t index, int64_t n, int64_t h) {
  const int64_t n0 = index / b.bands * b.images, i0 = index % b.bands * b.rows;
  return {n0, min(n, n0 + b.images), i0, min(b.rows, h - i0)};
}

/// Every row_step-th row of an image from row r on, of these every col_step-th column from x on.
struct Grid {
  int64_t r, row_step, rows;
  int64_t x, col_step, cols;
};

/// The same of several images: dst[i * pitch + j] = src[r + i * row_step][x + j * col_step] for
/// each src [h, w], one behind the other, and dst, `plane` floats apart; zero outside of src.
inline void copy_grid(int64_t images, const float* src, int64_t h, int64_t w, const Grid& grid,
                      float* dst, int64_t plane, int64_t pitch) {
  constexpr int64_t kLanes = Vec::kLanes;
  const int64_t begin = min(grid.rows, ceil_div(max(0, -grid.r), grid.row_step));
  const int64_t end = max(begin, min(grid.rows, ceil_div(max(0, h - grid.r), grid.row_step)));
  const int64_t step = grid.row_step * w;
  for (int64_t j = 0; j < grid.cols; j += kLanes) {  // the outer loop, for it makes the masks
    const int64_t x = grid.x + j * grid.col_step, cols = min(kLanes, grid.cols - j);
    const auto inside = [&](int64_t at) {
      return lanes(max(0, min(-at, kLanes)), max(0, min(w - at, kLanes)));
    };
    const Mask to = first_lanes(cols), first = inside(x), second = inside(x + kLanes);
    const auto copy = [&](const auto& row) {
      for (int64_t n = 0; n < images; ++n) {
        float* at = dst + n * plane + j;
        int64_t i = 0;
        for (; i < begin; ++i, at += pitch) store(at, zero(), to);
        const float* from = src + (n * h + grid.r + begin * grid.row_step) * w + x;
        for (; i < end; ++i, at += pitch, from += step) row(from, at);
        for (; i < grid.rows; ++i, at += pitch) store(at, zero(), to);
      }
    };
    if (grid.col_step == 1) {
      copy([&](const float* from, float* at) { store(at, load(from, first), to); });
    } else if (grid.col_step == 2) {
      copy([&](const float* from, float* at) {
        store(at, even_lanes(load(from, first), load(from + kLanes, second)), to);
      });
    } else {
      copy([&](const float* from, float* at) {
        for (int64_t l = 0; l < cols; ++l) {
          const int64_t column = x + l * grid.col_step;
          at[l] = column >= 0 && column < w ? from[l * grid.col_step] : 0;
        }
      });
    }
  }
}

}  // namespace
}  // namespace forger::kernels
