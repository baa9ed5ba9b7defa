#include "drawing.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../options.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/optim.h"

namespace forger::generative {
namespace {

constexpr int64_t kMostClasses = 10;
constexpr int kSteps = 40;
constexpr double kRate = 0.05;   // of Adam: the most that a step adds to tanh's argument
constexpr double kNoise = 0.25;  // standard deviation of that argument at the beginning

}  // namespace

Drawings draw_by_gradient(tutorials::Classifier& C, const tutorials::ClassifierOptions& options) {
  const int64_t classes = std::min(options.classes, kMostClasses);
  std::vector<int> labels;
  for (int label = 0; label < classes; ++label) {
    labels.insert(labels.end(), kDrawingsPerClass, label);
  }
  const int64_t size = options.image_size;
  Tensor x = Random(0, kDrawingStream)
                 .normal({classes * kDrawingsPerClass, options.channels, size, size}, 0, kNoise);
  x.set_requires_grad();
  nn::Adam optimizer({x}, {.lr = kRate});
  for (int step = 0; step < kSteps; ++step) {
    const Tensor loss = softmax_cross_entropy(C(tanh(x)), labels);
    optimizer.zero_grad();
    backward(loss, {x});
    optimizer.step();
  }
  const Tensor images = tanh(x.detach());
  const Tensor chosen = softmax(C(images).detach()) * one_hot(labels, options.classes);
  return {images, mean(sum(chosen, 1)).item()};
}

}  // namespace forger::generative
