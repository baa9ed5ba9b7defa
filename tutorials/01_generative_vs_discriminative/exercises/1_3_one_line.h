#pragma once

#include <array>
#include <vector>

using Point = std::array<double, 2>;

/// log p(1 | x) - log p(0 | x) = weight[0] x[0] + weight[1] x[1] + bias, where it is linear. Class
/// 1 is the more probable one on the side where this is positive.
struct LogOdds {
  std::array<double, 2> weight;
  double bias;
};

/// Returns the log odds of Gaussian discriminant analysis, a generative classifier: each class is a
/// Gaussian with a mean of its own, and both have one covariance S. Estimate the share of each
/// class, the means, and S, the mean over all points of (x - m)(x - m)^T, where m is the mean of
/// the point's class.
///
/// Prove first that Bayes' rule then gives log odds linear in x: the terms x^T S^-1 x cancel. That
/// is the form of logistic regression, which learns weight and bias without a model of x.
///
/// Each label is 0 or 1, and both occur.
LogOdds shared_covariance_log_odds(const std::vector<Point>& x, const std::vector<int>& labels);
