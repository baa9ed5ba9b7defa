#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::nn {

/// Images of one size in memory. Each pixel has one byte per channel, from 0 (black) to 255
/// (white).
struct ImageSet {
  int64_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<uint8_t> pixels;           // [count, channels, height, width]
  std::vector<int> labels;               // empty, or one class index per image
  std::vector<std::string> class_names;  // one per class; may be empty
  std::string source;                    // where the images come from; for messages

  int64_t image_bytes() const { return channels * height * width; }
};

/// Throws Error unless the extents are positive, there are as many pixels as they say, there is no
/// label or one per image, and every label is the index of a class name, if there are names.
void check_images(const ImageSet& images, SourceLoc loc = SourceLoc::here());

/// Returns the images of these indices as [indices, channels, height, width]. Bytes are mapped to
/// [-1, 1] by byte / 127.5 - 1. Throws Error for an index out of range.
Tensor images_to_tensor(const ImageSet& images, const std::vector<int64_t>& indices,
                        SourceLoc loc = SourceLoc::here());

/// Returns the images begin to end - 1 in the same form. Throws Error unless 0 <= begin <= end <=
/// count.
Tensor images_to_tensor(const ImageSet& images, int64_t begin, int64_t end,
                        SourceLoc loc = SourceLoc::here());

/// Returns the byte (0 to 255) that is nearest to a number in [-1, 1]. Values outside are clipped,
/// NaN gives 0.
uint8_t to_byte(Scalar x);

/// Rounds images [n, channels, height, width] in [-1, 1] to bytes and appends them. An empty set
/// takes their size. Throws Error when the sizes differ, or when the set has labels.
void append_images(ImageSet& images, const Tensor& x, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
