#pragma once

/// A Gaussian of two variables x and y.
struct Gaussian2 {
  double mean_x, mean_y;
  double variance_x, variance_y;
  double covariance;  // of x with y
};

struct Gaussian1 {
  double mean, variance;
};

/// Returns p(y | x), the distribution of y where x is known.
///
/// Derive it first. As a function of y, log p(y | x) is log p(x, y) up to a constant, so it is a
/// parabola in y: complete the square. The result is a Gaussian whose variance does not depend on
/// x.
Gaussian1 conditional(const Gaussian2& joint, double x);
