#include "bench/ladder/ladder.h"

// The definition: each element of y is a sum over the channels and the kernel. Every step tests
// whether it is inside the image.
namespace forger::ladder {

void conv_loops(const kernels::Conv2d& s, const float* x, const float* weight, float* y) {
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t o = 0; o < s.o; ++o) {
      for (int64_t i = 0; i < s.oh; ++i) {
        for (int64_t j = 0; j < s.ow; ++j) {
          float sum = 0;
          for (int64_t c = 0; c < s.c; ++c) {
            for (int64_t p = 0; p < s.kh; ++p) {
              for (int64_t q = 0; q < s.kw; ++q) {
                const int64_t h = i * s.stride + p * s.dilation - s.padding;
                const int64_t w = j * s.stride + q * s.dilation - s.padding;
                if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
                sum += x[((n * s.c + c) * s.h + h) * s.w + w] *
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

}  // namespace forger::ladder
