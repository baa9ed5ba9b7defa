#pragma once

#include <cstdint>

#include "nn/data/dataset.h"

namespace forger::nn {

/// Draws digit number `index` of a seed's endless sequence, the digit index % 10, white on black,
/// in size x size bytes. A function of its arguments alone. Strokes of a pen, randomly shifted,
/// turned, sheared, scaled and bent, of random thickness, with a little noise.
void draw_digit(uint64_t seed, int64_t index, int64_t size, uint8_t* pixels);

/// Digits first .. first + count - 1 of that sequence, with labels and class names "0" to "9".
/// Throws Error unless count >= 1, first >= 0 and size is 8 to 512.
ImageSet make_digits(int64_t count, uint64_t seed, int64_t size = 28, int64_t first = 0,
                     SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
