#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/gaussian.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

/// A mixture of Gaussians: p(x) = sum over k of weights[k] N(x; parts[k]).
struct GaussianMixture {
  Vector weights;  // [components]; sum 1
  std::vector<MultivariateGaussian> parts;

  int64_t components() const { return static_cast<int64_t>(parts.size()); }
  int64_t dimensions() const { return parts.front().dimensions(); }

  /// Returns log(weights[k] N(x; parts[k])) [n, components] of each row of x [n, d].
  Matrix log_joint(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns log p of each row of x [n, d].
  Vector log_density(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns n samples [n, d]. The components are drawn first, then a sample from each.
  Tensor sample(int64_t n, Random& random, SourceLoc loc = SourceLoc::here()) const;
  /// Returns the distribution of the other variables, given the values of some. It is a mixture of
  /// the components' conditionals. Their weights are multiplied by the density of the values under
  /// the component, because a component that explains the values better is more probable.
  GaussianMixture conditional(const std::vector<int64_t>& given, const Vector& values,
                              SourceLoc loc = SourceLoc::here()) const;
  /// Returns the mean of the mixture [d].
  Vector mean() const;
};

/// Returns the mixture of mixtures: all their components, with weights[i] times their own weights.
GaussianMixture merge(const std::vector<GaussianMixture>& mixtures, const Vector& weights,
                      SourceLoc loc = SourceLoc::here());

struct MixtureOptions {
  int64_t iterations = 100;        // at most
  double tolerance = 1e-3;         // ends when the mean log-likelihood rises by less
  double minimum_variance = 1e-6;  // in every direction of every component; above 0
};

struct FittedMixture {
  GaussianMixture mixture;
  Vector log_likelihood;  // per example, before each iteration and after the last; never falls
};

/// One iteration of EM (Dempster, Laird & Rubin 1977; Bishop 2006, section 9.2.2). The E-step
/// computes the responsibility of each component for each example,
///
///     r[i][k] = weights[k] N(x_i; parts[k]) / p(x_i),
///
/// and the M-step fits each component to all examples, weighted by r[i][k]. Replaces the mixture
/// and returns the mean log-likelihood of x under the one before.
///
/// Without a lower bound, a component that shrinks onto one example makes the likelihood infinite.
/// The M-step therefore raises each eigenvalue of a covariance to at least minimum_variance. That
/// is the most likely covariance under this constraint, so the likelihood still never falls
/// (Ingrassia & Rocci 2007, Constrained monotone EM algorithms for finite mixture of multivariate
/// Gaussians).
double em_step(const Tensor& x, GaussianMixture& mixture, double minimum_variance = 1e-6,
               SourceLoc loc = SourceLoc::here());

/// Iterates em_step() from a given mixture.
FittedMixture fit_mixture(const Tensor& x, GaussianMixture start,
                          const MixtureOptions& options = {}, SourceLoc loc = SourceLoc::here());
/// Starts at the clusters of k-means: their shares, means and covariances.
FittedMixture fit_mixture(const Tensor& x, int64_t components, Random& random,
                          const MixtureOptions& options = {}, SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
