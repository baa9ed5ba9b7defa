#pragma once

#include "autograd/kernels/kernels.h"
#include "bench/ladder/buffer.h"
#include "bench/ladder/tile.h"

// What the rungs from conv_frame on share: a frame of zeros, and the windows taken from it.
namespace forger::ladder {
namespace {

/// An image with a border of zeros, [c, height, width].
inline void put_in_frame(const kernels::Conv2d& s, const float* x, int64_t height, int64_t width,
                         float* frame) {
  set_to_zero(frame, s.c * height * width);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t h = 0; h < s.h; ++h) {
      copy(x + (c * s.h + h) * s.w, s.w, frame + (c * height + h + s.padding) * width + s.padding);
    }
  }
}

/// The windows of sixteen places: where each begins is computed once, and every element of the
/// kernel is so much further on in all of them.
inline void pack_windows(const kernels::Conv2d& s, const float* frame, int64_t height,
                         int64_t width, int64_t place, float* to) {
  int64_t begin[kCols];
  for (int64_t l = 0; l < kCols; ++l) {
    const int64_t at = min(place + l, s.oh * s.ow - 1);  // beyond the end, the last again
    begin[l] = at / s.ow * s.stride * width + at % s.ow * s.stride;
  }
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t p = 0; p < s.kh; ++p) {
      for (int64_t q = 0; q < s.kw; ++q) {
        const float* const from = frame + (c * height + p * s.dilation) * width + q * s.dilation;
        for (int64_t l = 0; l < kCols; ++l) *to++ = from[begin[l]];
      }
    }
  }
}

}  // namespace
}  // namespace forger::ladder
