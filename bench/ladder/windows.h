#pragma once

#include "autograd/kernels/kernels.h"
#include "bench/ladder/buffer.h"
#include "bench/ladder/tile.h"

// A frame of zeros and the windows in it, which the rungs from conv_frame on share.
namespace forger::ladder {
namespace {

/// Copies an image into a frame of zeros, [c, height, width].
inline void put_in_frame(const kernels::Conv2d& s, const float* x, int64_t height, int64_t width,
                         float* frame) {
  set_to_zero(frame, s.c * height * width);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t h = 0; h < s.h; ++h) {
      copy(x + (c * s.h + h) * s.w, s.w, frame + (c * height + h + s.padding) * width + s.padding);
    }
  }
}

/// Packs the windows of sixteen places. The beginning of each is computed once; an element of the
/// kernel has the same distance from it in all windows.
inline void pack_windows(const kernels::Conv2d& s, const float* frame, int64_t height,
                         int64_t width, int64_t place, float* to) {
  int64_t begin[kCols];
  for (int64_t l = 0; l < kCols; ++l) {
    const int64_t at =
        min(place + l, s.oh * s.ow - 1);  // beyond the end, the last place is repeated
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
