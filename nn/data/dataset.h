#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace forger::nn {

/// Images of one size in memory, one byte per pixel and channel, 0 black to 255 white.
struct ImageSet {
  int64_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;           // [count, channels, height, width]
  std::vector<int> labels;               // empty, or one class index per image
  std::vector<std::string> class_names;  // of the labels; may be empty
  std::string source;                    // where the images come from, for messages

  int64_t image_bytes() const { return channels * height * width; }
};

/// Throws Error unless the extents are positive, there are as many pixels as they say, and there is
/// no label or one per image.
void check_images(const ImageSet& images, SourceLoc loc = SourceLoc::here());

/// The images of these indices as [indices, channels, height, width] in [-1, 1]: byte / 127.5 - 1.
/// Throws Error for an index out of range.
Tensor images_to_tensor(const ImageSet& images, const std::vector<int64_t>& indices,
                        SourceLoc loc = SourceLoc::here());

/// A number in [-1, 1] as the nearest byte: 0 to 255. Values outside are clipped, NaN gives 0.
uint8_t to_byte(Scalar x);

/// Appends images [n, channels, height, width] in [-1, 1], rounded to bytes; an empty set takes
/// their size. Throws Error when the sizes differ.
void append_images(ImageSet& images, const Tensor& x, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
