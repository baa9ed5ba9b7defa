#include "tutorials/common/augment.h"

#include <algorithm>
#include <string>

#include "autograd/error.h"

namespace forger::tutorials {

Tensor augment(const Tensor& images, const Augmentation& augmentation, Random& random,
               SourceLoc loc) {
  if (images.rank() != 4) {
    fail("augment", "not a batch of images", {"x " + images.shape().str() + "  (N, C, H, W)"}, loc);
  }
  const int64_t n = images.shape()[0], channels = images.shape()[1], height = images.shape()[2],
                width = images.shape()[3], shift = augmentation.shift;
  if (shift < 0 || shift >= std::min(height, width)) {
    fail("augment", "a shift that leaves nothing of an image",
         {"shift " + std::to_string(shift) + ", images of " + std::to_string(height) + " x " +
          std::to_string(width)},
         loc);
  }
  const Tensor changed = Tensor::full(images.shape(), -1);
  const Scalar* from = images.data();
  Scalar* to = changed.mutable_data(loc);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t down = random.below(2 * shift + 1) - shift;
    const int64_t right = random.below(2 * shift + 1) - shift;
    const bool flip = augmentation.flip && random.below(2) == 1;
    for (int64_t c = 0; c < channels; ++c, from += height * width, to += height * width) {
      for (int64_t y = std::max<int64_t>(0, down); y < std::min(height, height + down); ++y) {
        for (int64_t x = std::max<int64_t>(0, right); x < std::min(width, width + right); ++x) {
          const int64_t column = x - right;
          to[y * width + x] = from[(y - down) * width + (flip ? width - 1 - column : column)];
        }
      }
    }
  }
  return changed;
}

}  // namespace forger::tutorials
