#include "tutorials/common/draw.h"

#include <algorithm>
#include <cstdint>

#include "autograd/error.h"
#include "tutorials/common/evaluate.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kShownPixels = 64;  // approximate side of an image in a contact sheet

}  // namespace

Tensor draw(nn::Module& G, const Tensor& z, SourceLoc loc) {
  if (z.rank() == 0 || z.shape()[0] == 0) {
    fail("draw", "there is no z to draw from", {"z " + z.shape().str() + "  (N, latent, 1, 1)"},
         loc);
  }
  return evaluate(G, z, loc);
}

nn::Image contact_sheet(const Tensor& images, int64_t columns) {
  const int64_t upscale = std::max<int64_t>(1, kShownPixels / images.shape()[2]);
  return nn::make_grid(images, columns, 2, upscale);
}

}  // namespace forger::tutorials
