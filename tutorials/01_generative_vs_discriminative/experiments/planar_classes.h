#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

/// Two kinds of labelled points in the plane whose best classifier is known.
namespace forger::generative {

struct LabelledPoints {
  Tensor x;                 // [n, 2]
  std::vector<int> labels;  // 0 and 1 in turns, so both classes are equally probable
};

/// Two Gaussians with the covariance {1, c; c, 1}, c = kCorrelation, whose means lie at
/// -kHalfDistance and +kHalfDistance on the first axis.
constexpr double kCorrelation = 0.8, kHalfDistance = 0.6;
LabelledPoints two_gaussians(int64_t n, Random& random);
/// Returns the exact p(1 | x) of each row of x.
models::Vector posterior_of_two_gaussians(const Tensor& x);
/// Returns the share of errors of the best classifier, Phi(-d / 2). d is the distance of the means
/// in the metric of the covariance S: d^2 = (m_1 - m_0)^T S^-1 (m_1 - m_0).
double best_error_of_two_gaussians();
/// Returns that of naive Bayes, which takes the two variables for independent: its border is the
/// line half-way between the means, so its error is Phi(-kHalfDistance).
double naive_error_of_two_gaussians();

/// Two interlocking half circles with Gaussian noise, as nn::two_moons() with labels. Class 1 is
/// the lower moon.
constexpr double kMoonNoise = 0.25;
LabelledPoints labelled_moons(int64_t n, Random& random);
/// Returns the exact p(1 | x) of each row of x, by quadrature along both half circles.
models::Vector posterior_of_moons(const Tensor& x);
/// Returns the share of errors of the best classifier: half the integral of the smaller density.
double best_error_of_moons();

}  // namespace forger::generative
