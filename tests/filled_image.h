#pragma once

#include <cstdint>
#include <vector>

#include "nn/data/image.h"

namespace forger::nn {

/// Returns a picture of one colour: grey, or red, green and blue.
inline Image filled(int64_t width, int64_t height, const std::vector<uint8_t>& colour) {
  Image image{.width = width,
              .height = height,
              .channels = static_cast<int64_t>(colour.size()),
              .pixels = {}};
  for (int64_t i = 0; i < width * height; ++i) {
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return image;
}

}  // namespace forger::nn
