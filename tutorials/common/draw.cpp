#include "tutorials/common/draw.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/ops.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kDrawnAtOnce = 64;
constexpr int64_t kShownPixels = 64;  // approximate side of an image in a contact sheet

}  // namespace

Tensor draw(nn::Module& G, const Tensor& z, SourceLoc loc) {
  if (z.rank() == 0 || z.shape()[0] == 0) {
    fail("draw", "there is no z to draw from", {"z " + z.shape().str() + "  (N, latent, 1, 1)"},
         loc);
  }
  const NoGrad no_grad;
  const nn::EvalMode evaluation(G);
  const int64_t count = z.shape()[0];
  std::vector<Tensor> batches;
  for (int64_t begin = 0; begin < count; begin += kDrawnAtOnce) {
    const int64_t end = std::min(begin + kDrawnAtOnce, count);
    const Tensor filled = pad(slice(z, 0, begin, end), 0, 0, begin + kDrawnAtOnce - end);
    batches.push_back(slice(G(filled, loc), 0, 0, end - begin));
  }
  return concat(batches, 0);
}

nn::Image contact_sheet(const Tensor& images, int64_t columns) {
  const int64_t upscale = std::max<int64_t>(1, kShownPixels / images.shape()[2]);
  return nn::make_grid(images, columns, 2, upscale);
}

}  // namespace forger::tutorials
