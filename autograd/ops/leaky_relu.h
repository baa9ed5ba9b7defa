#pragma once

#include "autograd/tensor.h"

namespace forger {

/// Throws Error for a slope below 0.
void check_slope(const char* op, double slope, SourceLoc loc);

/// g behind a leaky ReLU whose output was y: g where y > 0, slope * g elsewhere, over g's own
/// numbers where there is room.
Tensor through_leaky_relu(const Tensor& g, const Tensor& y, double slope);

}  // namespace forger
