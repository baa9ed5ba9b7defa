#pragma once

#include <cstdint>

#include "nn/layers.h"

namespace forger::tutorials {

struct ClassifierOptions {
  int64_t image_size = 28, channels = 1;  // of the images
  int64_t classes = 10;
  int64_t width = 16;     // channels of the first convolution
  int64_t features = 64;  // length of the last hidden layer
};

/// The convolutional classifier of chapter 1: images [N, channels, size, size] in [-1, 1] -> one
/// logit per class, [N, classes].
///
/// Each block is a 3 x 3 convolution, a ReLU and a maximum over 2 x 2 pixels (LeCun et al. 1998,
/// "Gradient-based learning applied to document recognition", section II). It halves the side,
/// rounded down, and the number of channels doubles, up to four times the width. Blocks follow
/// until the side is at most 4: 28, 14, 7, 3. One hidden layer comes before the logits; its output
/// is what the book calls the features of an image.
struct Classifier : nn::Module {
  explicit Classifier(const ClassifierOptions& options);
  Tensor forward(const Tensor& x) override;

  nn::Sequential body{*this, "body"};  // images -> features [N, features], none below 0
  nn::Linear head;                     // features -> logits
};

/// Returns the share of images whose largest logit is that of their label. Throws Error unless
/// there is one label per row of the logits [N, classes], N >= 1.
double accuracy(const Tensor& logits, const std::vector<int>& labels,
                SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
