#pragma once

#include "autograd/kernels/simd/extents.h"

// Winograd's minimal filtering F(2, r), r = 2 or 3: two neighbouring places of an axis, of r taps
// each, from r + 1 products instead of 2 r. For r = 2,
//
//   y0 = d0 w0 + d1 w1  =  m0 + m1          m0 = (d0 - d1) w0
//   y1 = d1 w0 + d2 w1  =       m1 + m2     m1 =    d1     (w0 + w1)
//                                           m2 = (d2 - d1) w1
//
// In general y = A^T ((B^T d) * (G w)), the product being element by element. Applied to both axes
// four places of a 2 x 2 kernel take 9 products instead of 16, of a 3 x 3 kernel 16 instead of 36.
// With channels, the sums over them are taken before A^T, so what is left are 9, or 16, products of
// matrices, of [places / 4, channels] by [channels, outputs]. As the form is linear in d, w and y,
// the weight gradient is the same one turned round: dw = G^T ((B^T d) * (A g)).
//
// Of a last place without a neighbour m0 and m1 (and, for r = 3, the third) are enough: the last
// product of its axis is left out.
//
// B and A have no other coefficients than 1 and -1, and G none but these and 1/2, so what floats
// hold exactly stays exact. Winograd, "Arithmetic Complexity of Computations" (SIAM 1980); Lavin &
// Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016), section 4.
namespace forger::kernels {
namespace {

/// Floats of what a task transforms at once, at most: some times what a core's caches hold.
constexpr int64_t kMostPoints = int64_t{1} << 21;

/// B^T: r + 1 numbers of an input.
struct OfInput {
  void operator()(const Vec (&d)[3], Vec (&v)[3]) const {
    v[0] = d[0] - d[1], v[1] = d[1], v[2] = d[2] - d[1];
  }
  void operator()(const Vec (&d)[4], Vec (&v)[4]) const {
    v[0] = d[0] - d[2], v[1] = d[1] + d[2], v[2] = d[2] - d[1], v[3] = d[3] - d[1];
  }
};

/// G: r weights.
struct OfWeights {
  void operator()(const Vec (&w)[2], Vec (&u)[3]) const {
    u[0] = w[0], u[1] = w[0] + w[1], u[2] = w[1];
  }
  void operator()(const Vec (&w)[3], Vec (&u)[4]) const {
    const Vec half = broadcast(0.5f), even = half * (w[0] + w[2]), odd = half * w[1];
    u[0] = w[0], u[1] = even + odd, u[2] = even - odd, u[3] = w[2];
  }
};

/// A^T: the two results.
struct ToOutput {
  void operator()(const Vec (&m)[3], Vec (&y)[2]) const { y[0] = m[0] + m[1], y[1] = m[1] + m[2]; }
  void operator()(const Vec (&m)[4], Vec (&y)[2]) const {
    y[0] = m[0] + (m[1] + m[2]), y[1] = (m[1] - m[2]) + m[3];
  }
};

/// A: two numbers of the results' gradient.
struct OfGradient {
  void operator()(const Vec (&g)[2], Vec (&v)[3]) const {
    v[0] = g[0], v[1] = g[0] + g[1], v[2] = g[1];
  }
  void operator()(const Vec (&g)[2], Vec (&v)[4]) const {
    v[0] = g[0], v[1] = g[0] + g[1], v[2] = g[0] - g[1], v[3] = g[1];
  }
};

/// G^T: the gradients of r weights.
struct ToWeights {
  void operator()(const Vec (&m)[3], Vec (&w)[2]) const { w[0] = m[0] + m[1], w[1] = m[1] + m[2]; }
  void operator()(const Vec (&m)[4], Vec (&w)[3]) const {
    const Vec half = broadcast(0.5f), sum = half * (m[1] + m[2]);
    w[0] = m[0] + sum, w[1] = half * (m[1] - m[2]), w[2] = m[3] + sum;
  }
};

/// The quads of a grid of places, 2 x 2 each: of the last row and column only those inside count.
struct Quads {
  int64_t rows, cols, whole_rows, whole_cols;

  Quads(int64_t height, int64_t width)
      : rows(ceil_div(height, 2)),
        cols(ceil_div(width, 2)),
        whole_rows(height / 2),
        whole_cols(width / 2) {}
  int64_t all() const { return rows * cols; }
  /// The products that all quads take.
  int64_t products(int64_t r) const { return (rows * r + whole_rows) * (cols * r + whole_cols); }
  /// How many quads take a point. `down`, `right`: whether it is the last of its axis.
  int64_t count(bool down, bool right) const {
    return (down ? whole_rows : rows) * (right ? whole_cols : cols);
  }
  /// The number of quad (i, j) of image n among those of all images, or -1.
  int64_t number(int64_t n, int64_t i, int64_t j, bool down, bool right) const {
    const bool left_out = (down && i >= whole_rows) || (right && j >= whole_cols);
    return left_out ? -1 : n * count(down, right) + i * (right ? whole_cols : cols) + j;
  }
};

/// A transform of both axes: from what get(i, j) gives to what put(i, j, x) takes.
template <class Transform, int from, int to, class Get, class Put>
[[gnu::always_inline]] inline void transform(const Get& get, const Put& put) {
  const Transform along;
  Vec rows[from][to];
  unrolled<from>([&](auto i) {
    Vec row[from];
    unrolled<from>([&](auto j) { row[j] = get(i, j); });
    along(row, rows[i]);
  });
  unrolled<to>([&](auto j) {
    Vec column[from], result[to];
    unrolled<from>([&](auto i) { column[i] = rows[i][j]; });
    along(column, result);
    unrolled<to>([&](auto i) { put(i, j, result[i]); });
  });
}

}  // namespace
}  // namespace forger::kernels
