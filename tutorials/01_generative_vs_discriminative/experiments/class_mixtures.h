#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"
#include "nn/data/dataset.h"
#include "tutorials/models/pca_mixture.h"

namespace forger::generative {

/// A generative classifier: one mixture of Gaussians for each class, in one space of principal
/// components. Bayes' rule gives p(class | image), as in naive Bayes.
struct ClassMixtures {
  std::vector<models::PcaMixture> classes;
  models::Vector prior;  // [classes]

  /// Returns the most probable class of each row of x [n, pixels], given the observed pixels.
  std::vector<int> predict(const Tensor& x, const std::vector<bool>& observed = {}) const;
  /// Returns samples of the given classes [labels, pixels].
  Tensor sample(const std::vector<int>& labels, Random& random, bool with_noise) const;
  /// Returns p(image) without a class: the mixture of all classes.
  models::PcaMixture merged() const;
};
ClassMixtures fit_class_mixtures(const nn::ImageSet& images, const models::Pca& pca,
                                 int64_t components, Random& random);

}  // namespace forger::generative
