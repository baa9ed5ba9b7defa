#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"
#include "tutorials/models/mixture.h"
#include "tutorials/models/pca.h"

namespace forger::models {

/// A density of images: a mixture of Gaussians in the space of k principal components, and white
/// noise of variance s^2 = pca.noise_variance in the directions that PCA leaves out. Each component
/// is a Gaussian of all d pixels with covariance V^T (S - s^2 I) V + s^2 I, where S is its
/// covariance in the mixture. This is
///
///     x = mean + V^T z + e,  z ~ N(m, S - s^2 I),  e ~ N(0, s^2 I),
///
/// a mixture of factor analysers with one noise (Ghahramani & Hinton 1996; with one component,
/// Tipping & Bishop 1999, Probabilistic Principal Component Analysis). The noise is the least
/// variance that a component has in any direction, so fit_pca_mixture() bounds S from below by s^2.
struct PcaMixture {
  Pca pca;
  GaussianMixture mixture;  // of V (x - mean)

  /// Returns n samples [n, d]. Without noise, they lie in the space of the principal components.
  Tensor sample(int64_t n, Random& random, bool with_noise = true,
                SourceLoc loc = SourceLoc::here()) const;
  /// Returns log p of the observed pixels of each row of x [n, d]. `observed` has one element per
  /// pixel; an empty one observes all.
  Vector log_density(const Tensor& x, const std::vector<bool>& observed = {},
                     SourceLoc loc = SourceLoc::here()) const;
  /// Returns x [n, d] with the pixels that are not observed replaced by their mean, given the
  /// observed ones. No other guess from this density has a smaller expected squared error.
  Tensor conditional_mean(const Tensor& x, const std::vector<bool>& observed,
                          SourceLoc loc = SourceLoc::here()) const;
  /// Returns x [n, d] with the pixels that are not observed drawn from their distribution, given
  /// the observed ones.
  Tensor conditional_sample(const Tensor& x, const std::vector<bool>& observed, Random& random,
                            bool with_noise = true, SourceLoc loc = SourceLoc::here()) const;
};

/// Fits a mixture to the projected rows of x [n, d]. The options' minimum variance is raised to
/// pca.noise_variance. Throws Error unless that is above 0.
PcaMixture fit_pca_mixture(const Tensor& x, const Pca& pca, int64_t components, Random& random,
                           MixtureOptions options = {}, SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
