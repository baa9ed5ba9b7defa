#pragma once

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::metrics {

struct Mmd {
  double squared;  // the estimate, which may be below 0
  double sigma;    // its standard deviation if both sets are samples of one distribution
};

/// Unbiased estimate of the squared maximum mean discrepancy (Gretton et al. 2012, "A kernel
/// two-sample test", JMLR 13, lemma 6 with m = n, eq. 4): the mean over all i != j of
///
///     h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)
///
/// with the kernel k(x, y) = (x . y / d + 1)^3 of Binkowski et al. 2018, arXiv 1801.01401, section
/// 4. It compares the means of all products of up to three features. Literature calls the value KID
/// if the features are those of Inception v3. sigma^2 is 2 / (n (n - 1)) times the mean of h^2, the
/// variance of this U-statistic where its mean is 0; it is an upper estimate elsewhere.
///
/// x and y are [n, d]. The error is far below sigma. Throws Error unless both have the same shape,
/// n >= 2.
Mmd mmd(const Tensor& x, const Tensor& y, SourceLoc loc = SourceLoc::here());

}  // namespace forger::metrics
