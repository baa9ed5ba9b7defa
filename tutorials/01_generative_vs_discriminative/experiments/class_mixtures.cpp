#include "class_mixtures.h"

#include <algorithm>
#include <cmath>

#include "images.h"
#include "tutorials/models/labels.h"

namespace forger::generative {

std::vector<int> ClassMixtures::predict(const Tensor& x, const std::vector<bool>& observed) const {
  models::Matrix scores(x.shape()[0], static_cast<int64_t>(classes.size()));
  for (int64_t label = 0; label < scores.columns; ++label) {
    const models::Vector log_density = classes.data()[label].log_density(x, observed);
    for (int64_t i = 0; i < scores.rows; ++i) {
      scores[i][label] = log_density.data()[i] + std::log(prior.data()[label]);
    }
  }
  return models::row_argmax(scores);
}

Tensor ClassMixtures::sample(const std::vector<int>& labels, Random& random,
                             bool with_noise) const {
  const int64_t d = classes[0].pca.mean.numel();
  const Tensor x = Tensor::empty({static_cast<int64_t>(labels.size()), d});
  Scalar* out = x.mutable_data();
  for (size_t label = 0; label < classes.size(); ++label) {
    const int64_t count = std::count(labels.begin(), labels.end(), static_cast<int>(label));
    if (count == 0) continue;
    const Tensor drawn = classes[label].sample(count, random, with_noise);
    const Scalar* next = drawn.data();
    for (size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != static_cast<int>(label)) continue;
      std::copy_n(next, d, out + static_cast<int64_t>(i) * d);
      next += d;
    }
  }
  return x;
}

models::PcaMixture ClassMixtures::merged() const {
  std::vector<models::GaussianMixture> mixtures;
  for (const models::PcaMixture& one : classes) mixtures.push_back(one.mixture);
  return {classes[0].pca, models::merge(mixtures, prior)};
}

ClassMixtures fit_class_mixtures(const nn::ImageSet& images, const models::Pca& pca,
                                 int64_t components, Random& random) {
  ClassMixtures fitted;
  for (size_t label = 0; label < images.class_names.size(); ++label) {
    const nn::ImageSet members = images_of_class(images, static_cast<int>(label));
    fitted.classes.push_back(models::fit_pca_mixture(pixels(members), pca, components, random));
    fitted.prior.push_back(static_cast<double>(members.count) / static_cast<double>(images.count));
  }
  return fitted;
}

}  // namespace forger::generative
