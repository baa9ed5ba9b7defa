#include "bench/ladder/buffer.h"
#include "bench/ladder/ladder.h"

// One idea: write the window of each output into a column of a matrix. The convolution is then a
// matrix product, weight [o, c kh kw] times windows [c kh kw, oh ow], for which there is a fast
// kernel. The disadvantage: the matrix holds each pixel kh kw / stride^2 times, and is written to
// memory and read back.
namespace forger::ladder {

void conv_im2col(const kernels::Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow;
  Buffer windows(k * places);
  for (int64_t n = 0; n < s.n; ++n) {
    float* to = windows.data();
    for (int64_t c = 0; c < s.c; ++c) {
      const float* const plane = x + (n * s.c + c) * s.h * s.w;
      for (int64_t p = 0; p < s.kh; ++p) {
        for (int64_t q = 0; q < s.kw; ++q) {
          for (int64_t i = 0; i < s.oh; ++i) {
            for (int64_t j = 0; j < s.ow; ++j) {
              const int64_t h = i * s.stride + p * s.dilation - s.padding;
              const int64_t w = j * s.stride + q * s.dilation - s.padding;
              const bool inside = h >= 0 && h < s.h && w >= 0 && w < s.w;
              *to++ = inside ? plane[h * s.w + w] : 0.0f;
            }
          }
        }
      }
    }
    matmul_blocks(s.o, places, k, weight, windows.data(), y + n * s.o * places);
  }
}

}  // namespace forger::ladder
