#pragma once

#include "autograd/tensor.h"

namespace forger {

/// Throws Error unless slope is finite and at least 0.
void check_slope(const char* op, double slope, SourceLoc loc);

/// Returns the gradient of a leaky ReLU with output y: g where y > 0, slope * g elsewhere. It may
/// overwrite g; see room_for_gradient().
Tensor through_leaky_relu(const Tensor& g, const Tensor& y, double slope);

}  // namespace forger
