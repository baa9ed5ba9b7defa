#pragma once

#include <cstdint>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

/// Principal component analysis: the directions in which the examples vary most.
struct Pca {
  Tensor mean;            // [d]
  Tensor components;      // V [k, d]: orthonormal rows, by falling variance
  Vector variances;       // [k], divided by n
  double noise_variance;  // mean variance of the d - k directions that are left out; 0 if k = d

  /// Returns z = V (x - mean) [n, k] for each row of x [n, d].
  Tensor project(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns mean + V^T z [n, d] for each row of z [n, k].
  Tensor reconstruct(const Tensor& z, SourceLoc loc = SourceLoc::here()) const;
};

/// Throws Error unless 1 <= k <= d.
Pca fit_pca(const Tensor& x, int64_t k, SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
