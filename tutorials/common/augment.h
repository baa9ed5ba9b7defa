#pragma once

#include <cstdint>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::tutorials {

/// Changes of an image that leave its label as it is.
struct Augmentation {
  int64_t shift = 0;  // at most so many pixels along each axis, each number equally likely
  bool flip = false;  // left and right exchanged, for half of the images
};

/// Returns a changed copy of images [N, C, H, W]. Each image is changed on its own. Pixels that a
/// shift leaves empty become -1, which is black. Throws Error unless 0 <= shift < min(H, W).
Tensor augment(const Tensor& images, const Augmentation& augmentation, Random& random,
               SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
