#pragma once

#include <vector>

/// A component of a mixture of Gaussians of one variable.
struct Component {
  double weight, mean, variance;
};

/// Returns the mixture after one iteration of EM.
///
/// E-step: the responsibility of component k for x[i] is
///
///     r[i][k] = weight_k N(x[i]; mean_k, variance_k) / sum over l of weight_l N(x[i]; ...).
///
/// M-step: with R = sum over i of r[i][k], the new weight is R / n, the new mean the mean of x
/// weighted by r[i][k] / R, the new variance that of x around the new mean with the same weights.
///
/// A number may lie so far from all components that each density underflows. Its responsibilities
/// still sum to 1.
std::vector<Component> em_step(const std::vector<double>& x, const std::vector<Component>& mixture);
