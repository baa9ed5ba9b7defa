#include "tutorials/common/evaluate.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/ops.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kAtOnce = 64;

/// Calls the module on the rows begin to end - 1, which batch(begin, end) returns, for all ranges.
template <class Batch>
Tensor in_batches(nn::Module& module, int64_t count, const Batch& batch, SourceLoc loc) {
  const NoGrad no_grad;
  const nn::EvalMode evaluation(module);
  std::vector<Tensor> results;
  for (int64_t begin = 0; begin < count; begin += kAtOnce) {
    const int64_t end = std::min(begin + kAtOnce, count);
    const Tensor filled = pad(batch(begin, end), 0, 0, begin + kAtOnce - end, loc);
    results.push_back(slice(module(filled, loc), 0, 0, end - begin, loc));
  }
  return concat(results, 0, loc);
}

}  // namespace

Tensor evaluate(nn::Module& module, const Tensor& x, SourceLoc loc) {
  if (x.rank() == 0 || x.shape()[0] == 0) {
    fail("evaluate", "there is nothing to evaluate", {"x " + x.shape().str() + "  (N, ...)"}, loc);
  }
  return in_batches(
      module, x.shape()[0],
      [&](int64_t begin, int64_t end) { return slice(x, 0, begin, end, loc); }, loc);
}

Tensor evaluate(nn::Module& module, const nn::ImageSet& images, SourceLoc loc) {
  if (images.count == 0) fail("evaluate", "there is nothing to evaluate", {"0 images"}, loc);
  return in_batches(
      module, images.count,
      [&](int64_t begin, int64_t end) { return nn::images_to_tensor(images, begin, end, loc); },
      loc);
}

}  // namespace forger::tutorials
