#pragma once

#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/gemm.h"

// How a convolution becomes a matrix product without the matrix of its windows ("im2col") ever
// being stored: a small part of the images is copied into a zero-padded scratch, where every
// element of that matrix has an address of the form
//
//   B[k][j] = scratch[k_at[k] + col_at[j]]
//
// for a window's tap and a window's place each add their own offset. Panels of B are packed from
// there, a panel at a time. Where neighbouring columns of B lie side by side in the scratch they
// are copied as one run; the scratch stores the columns of an image sorted by their remainder by
// the stride (`split`), so that this is so for any stride:
//
//   columns of x, stride 2    -1  0  1  2  3  4  5  6        -1 is padding
//   a row of the scratch      -1  1  3  5 | 0  2  4  6       tap q of the places 0, 1, 2, ... is
//                              split part 0 | split part 1   part q % 2 from q / 2 on
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

/// Writes `rows` rows of src [h, w] from row r0 and column x0 on to dst, each as `split` parts of
/// `width` columns; zeros outside of src.
void pad_image(const float* src, int64_t h, int64_t w, int64_t r0, int64_t x0, int64_t rows,
               int64_t split, int64_t width, float* dst) {
  constexpr int64_t kLanes = Vec::kLanes;
  const int64_t pitch = split * width;
  if (split > 2) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < pitch; ++i) {
        const int64_t x = x0 + i, row = r0 + r;
        const bool inside = row >= 0 && row < h && x >= 0 && x < w;
        dst[r * pitch + i % split * width + i / split] = inside ? src[row * w + x] : 0;
      }
    }
    return;
  }
  const Mask none = first_lanes(0);
  for (int64_t t = 0; t < width; t += kLanes) {  // the outer loop, for it makes the masks
    const int64_t x = x0 + t * split;
    const Mask lo = lanes(max(0, min(-x, kLanes)), max(0, min(w - x, kLanes)));
    const Mask hi = lanes(max(0, min(-x - kLanes, kLanes)), max(0, min(w - x - kLanes, kLanes)));
    const Mask to = first_lanes(min(width - t, kLanes));
    for (int64_t r = 0; r < rows; ++r) {
      const bool inside = r0 + r >= 0 && r0 + r < h;
      const float* const from = src + (r0 + r) * w + x;
      float* const at = dst + r * pitch + t;
      const Vec a = load(from, inside ? lo : none);
      if (split == 1) {
        store(at, a, to);
      } else {
        const Vec b = load(from + kLanes, inside ? hi : none);
        store(at, even_lanes(a, b), to);
        store(at + width, odd_lanes(a, b), to);
      }
    }
  }
}

/// Copies the runs of each row of a panel, `floats` at a time: what a short run copies too much,
/// the next one overwrites.
template <int floats>
void copy_runs(int64_t k, const int64_t* k_at, int runs, const int64_t* from, const int64_t* to,
               const float* src, float* dst) {
  for (int64_t p = 0; p < k; ++p, dst += kNr) {
    const float* const row = src + k_at[p];
    for (int r = 0; r < runs; ++r) {
      __builtin_memcpy(dst + to[r], row + from[r], floats * sizeof(float));
    }
  }
}

/// One panel: dst[p * kNr + j] = src[k_at[p] + col_at[j]] for j < cols.
void pack_window(int64_t k, const int64_t* k_at, int64_t cols, const int64_t* col_at,
                 const float* src, float* dst) {
  int64_t from[kNr], to[kNr], longest = 0;
  int runs = 0;
  for (int64_t j = 0; j < cols; ++j) {
    const int64_t into = runs > 0 ? j - to[runs - 1] : Vec::kLanes;  // the run so far
    if (into < Vec::kLanes && col_at[j] == from[runs - 1] + into) {
      longest = max(longest, into + 1);
      continue;
    }
    from[runs] = col_at[j];
    to[runs++] = j;
  }
  if (longest <= 4) {
    copy_runs<4>(k, k_at, runs, from, to, src, dst);
  } else if (longest <= 8) {
    copy_runs<8>(k, k_at, runs, from, to, src, dst);
  } else {
    copy_runs<Vec::kLanes>(k, k_at, runs, from, to, src, dst);
  }
}

}  // namespace
}  // namespace forger::kernels
