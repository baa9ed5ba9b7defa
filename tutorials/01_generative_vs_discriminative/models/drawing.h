#pragma once

#include <cstdint>

#include "autograd/tensor.h"
#include "tutorials/common/classifier.h"

namespace forger::generative {

constexpr int64_t kDrawingsPerClass = 8;

struct Drawings {
  Tensor images;       // [N, channels, size, size]: kDrawingsPerClass of each class, in their order
  double probability;  // that the classifier gives to the class of an image, on average
};

/// Lets a classifier draw its first ten classes.
///
/// Each image begins as grey noise. Its pixels, not the classifier's weights, then follow the
/// gradient of log p(class | image) uphill (Simonyan et al. 2014, arXiv 1312.6034, section 2,
/// without the penalty on the pixels). The result is a picture that the classifier takes for the
/// class. It does not show what the class looks like: nothing in p(class | image) tells how likely
/// an image is.
Drawings draw_by_gradient(tutorials::Classifier& C, const tutorials::ClassifierOptions& options);

}  // namespace forger::generative
