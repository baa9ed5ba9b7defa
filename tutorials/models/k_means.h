#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

struct KMeans {
  Matrix centres;             // [k, d]
  std::vector<int> clusters;  // of each example: the nearest centre
  Vector inertia;             // after each assignment: the sum of squared distances to the centres

  /// Returns the nearest centre of each row of x [n, d].
  std::vector<int> predict(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
};

struct KMeansOptions {
  int64_t iterations = 300;  // at most
  double tolerance = 0;      // ends when the inertia falls by a smaller share; 0: at a fixed point
};

/// Returns k different examples (by index, not by value) drawn at random [k, d].
Matrix random_centres(const Tensor& x, int64_t k, Random& random,
                      SourceLoc loc = SourceLoc::here());

/// Returns k examples [k, d] by k-means++ (Arthur & Vassilvitskii 2007, k-means++: The Advantages
/// of Careful Seeding, section 2.2). The first is drawn at random; each further one is drawn with a
/// probability proportional to its squared distance to the nearest centre so far.
Matrix plus_plus_centres(const Tensor& x, int64_t k, Random& random,
                         SourceLoc loc = SourceLoc::here());

/// Lloyd's algorithm from the given centres [k, d]: assigns each example to the nearest centre,
/// then moves each centre to the mean of its examples. Neither step can raise the inertia. A centre
/// without examples moves to the example farthest from its own centre. Throws Error unless
/// 1 <= k <= n.
KMeans k_means(const Tensor& x, Matrix centres, const KMeansOptions& options = {},
               SourceLoc loc = SourceLoc::here());
/// Starts at plus_plus_centres().
KMeans k_means(const Tensor& x, int64_t k, Random& random, const KMeansOptions& options = {},
               SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
