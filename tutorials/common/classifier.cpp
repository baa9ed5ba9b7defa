#include "tutorials/common/classifier.h"

#include <string>

#include "autograd/error.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kSmallestSide = 4;
constexpr double kSlope = 0.1;  // below 0

}  // namespace

Classifier::Classifier(const ClassifierOptions& options)
    : Module("C"), head(*this, "head", options.features, options.classes) {
  // listing: layers
  int64_t side = options.image_size, channels = options.channels;
  for (; side % 2 == 0 && side / 2 >= kSmallestSide; side /= 2) {
    body.add<nn::Conv2d>(channels, options.width, {.kernel = 4, .stride = 2, .padding = 1});
    body.add<nn::LeakyReLU>(kSlope);
    channels = options.width;
  }
  body.add<nn::Flatten>();
  body.add<nn::Linear>(channels * side * side, options.features);
  body.add<nn::LeakyReLU>(kSlope);
  // end of listing
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
