#pragma once

#include <cstdint>
#include <vector>

#include "nn/layers.h"

namespace forger::tutorials {

struct ClassifierOptions {
  int64_t image_size = 28, channels = 1;  // of the images
  int64_t classes = 10;
  int64_t width = 32;     // channels of every convolution
  int64_t features = 64;  // length of the last hidden layer
};

/// The convolutional classifier of chapter 1: images [N, channels, size, size] in [-1, 1] -> one
/// logit per class, [N, classes].
///
/// Convolutions of stride 2, each followed by a leaky ReLU, halve the side while it stays a whole
/// number of at least 4: 28, 14, 7. Their kernels have 4 x 4 weights. One hidden layer comes before
/// the logits; its output is what the book calls the features of an image. (LeCun et al. 1998,
/// "Gradient-based learning applied to document recognition", section II, has more layers, and
/// averages instead of strides.)
///
/// The slope below 0 keeps all features in use: with plain ReLUs, 29 of the 64 features were 0 for
/// every test image of Fashion-MNIST. A unit that is never above 0 has no gradient.
struct Classifier : nn::Module {
  explicit Classifier(const ClassifierOptions& options);
  Tensor forward(const Tensor& x) override;

  nn::Sequential body{*this, "body"};  // images -> features [N, features]
  nn::Linear head;                     // features -> logits
};

/// Returns the share of images whose largest logit is that of their label. Throws Error unless
/// there is one label per row of the logits [N, classes], N >= 1.
double accuracy(const Tensor& logits, const std::vector<int>& labels,
                SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
