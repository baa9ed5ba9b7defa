#include "autograd/kernels/reference/reference.h"

// The three directions of one relation. Output (i, j) and tap (p, q) meet at the input's
//
//   row = i * stride + p * dilation - padding,   col = j * stride + q * dilation - padding
//
// and each direction sums over all meetings of the element it computes.
namespace forger::kernels::reference {
namespace {

int64_t work(const Conv2d& s) { return s.n * s.o * s.oh * s.ow * s.c * s.kh * s.kw; }

/// The i with i * stride + tap * dilation - padding = at, or -1 if `extent` outputs have none.
int64_t output_of(const Conv2d& s, int64_t at, int64_t tap, int64_t extent) {
  const int64_t offset = at + s.padding - tap * s.dilation;
  if (offset < 0 || offset % s.stride != 0) return -1;
  return offset / s.stride < extent ? offset / s.stride : -1;
}

}  // namespace

void conv2d(const Conv2d& s, const Scalar* x, const Scalar* weight, Scalar* y) {
#pragma omp parallel for collapse(2) if (work(s) > kSerialWork)
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t o = 0; o < s.o; ++o) {
      for (int64_t i = 0; i < s.oh; ++i) {
        for (int64_t j = 0; j < s.ow; ++j) {
          Scalar sum = 0;
          for (int64_t c = 0; c < s.c; ++c) {
            for (int64_t p = 0; p < s.kh; ++p) {
              const int64_t row = i * s.stride + p * s.dilation - s.padding;
              if (row < 0 || row >= s.h) continue;
              for (int64_t q = 0; q < s.kw; ++q) {
                const int64_t col = j * s.stride + q * s.dilation - s.padding;
                if (col < 0 || col >= s.w) continue;
                sum += x[((n * s.c + c) * s.h + row) * s.w + col] *
                       weight[((o * s.c + c) * s.kh + p) * s.kw + q];
              }
            }
          }
          y[((n * s.o + o) * s.oh + i) * s.ow + j] = sum;
        }
      }
    }
  }
}

void conv2d_input_grad(const Conv2d& s, const Scalar* g, const Scalar* weight, Scalar* dx) {
#pragma omp parallel for collapse(2) if (work(s) > kSerialWork)
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t c = 0; c < s.c; ++c) {
      for (int64_t row = 0; row < s.h; ++row) {
        for (int64_t col = 0; col < s.w; ++col) {
          Scalar sum = 0;
          for (int64_t o = 0; o < s.o; ++o) {
            for (int64_t p = 0; p < s.kh; ++p) {
              const int64_t i = output_of(s, row, p, s.oh);
              if (i < 0) continue;
              for (int64_t q = 0; q < s.kw; ++q) {
                const int64_t j = output_of(s, col, q, s.ow);
                if (j < 0) continue;
                sum += g[((n * s.o + o) * s.oh + i) * s.ow + j] *
                       weight[((o * s.c + c) * s.kh + p) * s.kw + q];
              }
            }
          }
          dx[((n * s.c + c) * s.h + row) * s.w + col] = sum;
        }
      }
    }
  }
}

void conv2d_weight_grad(const Conv2d& s, const Scalar* g, const Scalar* x, Scalar* dweight) {
#pragma omp parallel for collapse(2) if (work(s) > kSerialWork)
  for (int64_t o = 0; o < s.o; ++o) {
    for (int64_t c = 0; c < s.c; ++c) {
      for (int64_t p = 0; p < s.kh; ++p) {
        for (int64_t q = 0; q < s.kw; ++q) {
          Scalar sum = 0;
          for (int64_t n = 0; n < s.n; ++n) {
            for (int64_t i = 0; i < s.oh; ++i) {
              const int64_t row = i * s.stride + p * s.dilation - s.padding;
              if (row < 0 || row >= s.h) continue;
              for (int64_t j = 0; j < s.ow; ++j) {
                const int64_t col = j * s.stride + q * s.dilation - s.padding;
                if (col < 0 || col >= s.w) continue;
                sum += g[((n * s.o + o) * s.oh + i) * s.ow + j] *
                       x[((n * s.c + c) * s.h + row) * s.w + col];
              }
            }
          }
          dweight[((o * s.c + c) * s.kh + p) * s.kw + q] = sum;
        }
      }
    }
  }
}

}  // namespace forger::kernels::reference
