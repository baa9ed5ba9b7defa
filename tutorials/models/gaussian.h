#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

/// The normal distribution, of one variable and of several.
namespace forger::models {

/// The normal distribution of one variable:
///
///     p(x) = exp(-(x - mean)^2 / (2 stddev^2)) / (stddev sqrt(2 pi))
struct Gaussian {
  double mean = 0, stddev = 1;

  double log_density(double x) const;
  double sample(Random& random) const;
};
/// Returns the Gaussian under which x is most likely: the mean of x and the root of its mean
/// squared deviation. Throws Error if x is empty or a number is not finite.
Gaussian fit_gaussian(const Vector& x, SourceLoc loc = SourceLoc::here());

/// The normal distribution of d variables:
///
///     log p(x) = -(d log(2 pi) + log det S + (x - mean)^T S^-1 (x - mean)) / 2,  S = covariance
struct MultivariateGaussian {
  Vector mean;        // [d]
  Matrix covariance;  // [d, d], symmetric positive definite

  int64_t dimensions() const { return static_cast<int64_t>(mean.size()); }

  /// Returns log p of each row of x [n, d].
  Vector log_density(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns log p of one point [d].
  double log_density(const Vector& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns n samples [n, d]: mean + L e, where L L^T = S and e is standard normal.
  Tensor sample(int64_t n, Random& random, SourceLoc loc = SourceLoc::here()) const;

  /// Returns the distribution of some of the variables, in the given order. Integrating the others
  /// out of a Gaussian leaves their rows and columns out of mean and covariance.
  MultivariateGaussian marginal(const std::vector<int64_t>& kept,
                                SourceLoc loc = SourceLoc::here()) const;
  /// Returns the distribution of the other variables, in ascending order, given the values of some.
  /// With the given variables g and the others h (Bishop 2006, Pattern Recognition and Machine
  /// Learning, section 2.3.1):
  ///
  ///     mean = mean_h + S_hg S_gg^-1 (values - mean_g)
  ///     covariance = S_hh - S_hg S_gg^-1 S_gh
  ///
  /// Throws Error unless `given` names each variable at most once and leaves one, and there is one
  /// value for each.
  MultivariateGaussian conditional(const std::vector<int64_t>& given, const Vector& values,
                                   SourceLoc loc = SourceLoc::here()) const;
};
/// Returns the Gaussian under which the rows of x [n, d] are most likely: their mean and their
/// covariance, divided by n. Its density exists if there are more than d rows in general position.
MultivariateGaussian fit_multivariate_gaussian(const Tensor& x, SourceLoc loc = SourceLoc::here());

/// A Gaussian that is ready for many evaluations: its covariance is factorised once.
class GaussianDensity {
 public:
  explicit GaussianDensity(const MultivariateGaussian& gaussian, SourceLoc loc = SourceLoc::here());

  /// Writes log p of the rows begin to end - 1 of x to out[begin * stride], and so on.
  void operator()(const Examples& x, int64_t begin, int64_t end, double* out, int64_t stride) const;

 private:
  Vector mean_;
  Matrix root_;            // L with L L^T = covariance
  double log_normaliser_;  // -(d log(2 pi) + log det S) / 2
};

}  // namespace forger::models
