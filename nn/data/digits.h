#pragma once

#include <cstdint>

#include "autograd/source_loc.h"
#include "nn/data/dataset.h"

namespace forger::nn {

/// Draws the digit index % 10, white on black, as size x size bytes. The result depends on the
/// arguments alone: every seed has an endless sequence of digits, and `index` is a place in it. The
/// digits are pen strokes, randomly shifted, rotated, sheared, scaled and bent, of random
/// thickness, with a little noise. Throws Error unless index >= 0 and size is 8 to 512.
void draw_digit(uint64_t seed, int64_t index, int64_t size, uint8_t* pixels,
                SourceLoc loc = SourceLoc::here());

/// Draws the digits first to first + count - 1 of that sequence, with labels and class names "0" to
/// "9". Throws Error unless count >= 1, first >= 0, size is 8 to 512 and the pixels take at most 4
/// GiB.
ImageSet make_digits(int64_t count, uint64_t seed, int64_t size = 28, int64_t first = 0,
                     SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
