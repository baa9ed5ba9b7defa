#pragma once

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::metrics {

/// Returns the squared Frechet distance of two normal distributions,
///
///     |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2)),
///
/// (Dowson & Landau 1982, "The Frechet distance between multivariate normal distributions", eq. 4;
/// for generated images Heusel et al. 2017, arXiv 1706.08500, section 4, eq. 6). Literature calls
/// it FID if the features are those of Inception v3; in other features the numbers are not
/// comparable. 0 is best. The estimate from n images is biased upwards by about c / n, so compare
/// only values of the same n (Chong & Forsyth 2020, arXiv 1911.07023, section 3).
///
/// With S = F F^T, tr((S1 S2)^(1/2)) is the sum of the singular values of F1^T F2. Their error is a
/// rounding of the largest one. Eigenvalues of S1 S2 would lose half of the digits by the square
/// root, which shows where a covariance is singular.
///
/// Throws Error if the dimensions differ or a number is not finite.
double frechet_distance(const models::Moments& a, const models::Moments& b,
                        SourceLoc loc = SourceLoc::here());

/// Returns the distance of the normal distributions that are fitted to two sets of features, [n, d]
/// and [m, d]. The covariances have the factors 1 / (n - 1) and 1 / (m - 1). Throws Error unless
/// n >= 2 and m >= 2.
double frechet_distance(const Tensor& a, const Tensor& b, SourceLoc loc = SourceLoc::here());

}  // namespace forger::metrics
