#include "bench/ladder/ladder.h"
#include "bench/ladder/windows.h"

// One idea: each image is first copied into a frame of zeros, so no step has to test whether it is
// inside. Before, every element of every window was tested. Now the innermost loop is a copy, which
// the compiler vectorises where the stride is 1.
namespace forger::ladder {

void conv_frame(const kernels::Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow;
  const int64_t height = s.h + 2 * s.padding, width = s.w + 2 * s.padding;
  Buffer frame(s.c * height * width);
  Buffer windows(k * places);
  for (int64_t n = 0; n < s.n; ++n) {
    put_in_frame(s, x + n * s.c * s.h * s.w, height, width, frame.data());
    float* to = windows.data();
    for (int64_t c = 0; c < s.c; ++c) {
      for (int64_t p = 0; p < s.kh; ++p) {
        for (int64_t q = 0; q < s.kw; ++q) {
          const float* const from =
              frame.data() + (c * height + p * s.dilation) * width + q * s.dilation;
          for (int64_t i = 0; i < s.oh; ++i) {
            for (int64_t j = 0; j < s.ow; ++j) *to++ = from[i * s.stride * width + j * s.stride];
          }
        }
      }
    }
    matmul_blocks(s.o, places, k, weight, windows.data(), y + n * s.o * places);
  }
}

}  // namespace forger::ladder
