#include "tutorials/common/features.h"

#include <string>

#include "autograd/error.h"
#include "nn/state.h"
#include "tutorials/common/evaluate.h"

namespace forger::tutorials {
namespace {

void check(int64_t channels, int64_t height, int64_t width, SourceLoc loc) {
  if (channels == Features::kChannels && height == Features::kImageSize &&
      width == Features::kImageSize) {
    return;
  }
  fail("Features", "images that chapter 1's classifier cannot take",
       {"found    " + std::to_string(height) + " x " + std::to_string(width) + " with " +
            std::to_string(channels) + (channels == 1 ? " channel" : " channels"),
        "expected 28 x 28 with 1 channel"},
       loc);
}

}  // namespace

Features::Features() : C_({.image_size = kImageSize, .channels = kChannels, .classes = kClasses}) {
  const std::string path = FORGER_CLASSIFIER;
  nn::restore(nn::load_checkpoint(path), "", C_.state(), path);
}

Tensor Features::operator()(const nn::ImageSet& images, SourceLoc loc) {
  check(images.channels, images.height, images.width, loc);
  return evaluate(C_.body, images, loc);
}

Tensor Features::operator()(const Tensor& images, SourceLoc loc) {
  if (images.rank() != 4) {
    fail("Features", "not a batch of images", {"x " + images.shape().str() + "  (N, 1, 28, 28)"},
         loc);
  }
  check(images.shape()[1], images.shape()[2], images.shape()[3], loc);
  return evaluate(C_.body, images, loc);
}

Tensor Features::logits(const Tensor& features, SourceLoc loc) {
  return evaluate(C_.head, features, loc);
}

std::vector<int> Features::labels(const Tensor& features, SourceLoc loc) {
  return argmax(logits(features, loc), 1, loc);
}

}  // namespace forger::tutorials
