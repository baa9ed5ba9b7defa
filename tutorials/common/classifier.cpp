#include "tutorials/common/classifier.h"

#include <algorithm>
#include <string>

#include "autograd/error.h"
#include "nn/init.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kSmallestSide = 4;
constexpr int64_t kWidestFactor = 4;

}  // namespace

Classifier::Classifier(const ClassifierOptions& options)
    : Module("C"), head(*this, "head", options.features, options.classes) {
  int64_t side = options.image_size, in = options.channels, out = options.width;
  for (; side > kSmallestSide; side /= 2) {
    nn::he_normal(body.add<nn::Conv2d>(in, out, {.kernel = 3, .padding = 1}).weight,
                  nn::init_random());
    body.add<nn::ReLU>();
    body.add<nn::MaxPool2d>({.kernel = 2});
    in = out;
    out = std::min(2 * out, kWidestFactor * options.width);
  }
  body.add<nn::Flatten>();
  nn::he_normal(body.add<nn::Linear>(in * side * side, options.features).weight, nn::init_random());
  body.add<nn::ReLU>();
}

Tensor Classifier::forward(const Tensor& x) { return head(body(x)); }

double accuracy(const Tensor& logits, const std::vector<int>& labels, SourceLoc loc) {
  if (logits.rank() != 2 || labels.empty() ||
      static_cast<size_t>(logits.shape()[0]) != labels.size()) {
    fail("accuracy", "logits and labels do not fit together",
         {"logits " + logits.shape().str() + "  (N, classes)",
          "labels [" + std::to_string(labels.size()) + "]  (N), at least one"},
         loc);
  }
  const std::vector<int> found = argmax(logits, 1, loc);
  int64_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += found[i] == labels[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace forger::tutorials
