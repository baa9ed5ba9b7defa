#pragma once

#include <cstdint>
#include <vector>

#include "nn/data/dataset.h"
#include "tutorials/common/classifier.h"

namespace forger::tutorials {

/// The features by which the book measures images: the last hidden layer of chapter 1's classifier,
/// with the weights of a default run on Fashion-MNIST (tutorials/common/classifier.safetensors).
/// `tutorials/common/make_classifier` makes that file again, bit for bit.
///
/// A distance between such features is called "Frechet distance in chapter 1's features". It is no
/// FID, which is defined by the features of one Inception network (Heusel et al. 2017, arXiv
/// 1706.08500, section 3).
class Features {
 public:
  static constexpr int64_t kImageSize = 28, kChannels = 1, kClasses = 10;

  /// Reads the weights. Throws Error when the file is missing or damaged.
  Features();

  /// Returns one row of features per image, [N, 64]. An image's features depend on nothing but the
  /// image and the kernel set. Throws Error unless the images are 28 x 28 with one
  /// channel, and if there is none.
  Tensor operator()(const nn::ImageSet& images, SourceLoc loc = SourceLoc::here());
  /// The same for images [N, 1, 28, 28] in [-1, 1].
  Tensor operator()(const Tensor& images, SourceLoc loc = SourceLoc::here());

  /// Returns the class that the classifier sees in each row of features: an index into
  /// nn::fashion_mnist_classes().
  std::vector<int> labels(const Tensor& features, SourceLoc loc = SourceLoc::here());
  /// Returns the logits of each row of features, [N, 10].
  Tensor logits(const Tensor& features, SourceLoc loc = SourceLoc::here());

 private:
  Classifier C_;
};

}  // namespace forger::tutorials
