#pragma once

#include "autograd/tensor.h"

namespace forger::tutorials {

/// The point at t in [0, 1] on the great circle from a to b, of one shape: a at 0, b at 1. Its norm
/// goes from that of a to that of b.
///
/// In many dimensions nearly all of a normal distribution lies near the sphere of radius
/// sqrt(dimensions). The straight line from a to b leaves it: half-way the norm is down by sqrt(2),
/// where G saw no z in training. The great circle stays where z comes from (White 2016, arXiv
/// 1609.04468, section 2.1).
Tensor slerp(const Tensor& a, const Tensor& b, double t);

}  // namespace forger::tutorials
