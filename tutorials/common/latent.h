#pragma once

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::tutorials {

/// Returns the point at t in [0, 1] on the great circle from a (t = 0) to b (t = 1). Its norm
/// changes from that of a to that of b. Throws Error unless a and b have the same shape.
///
/// In many dimensions nearly all of a normal distribution lies near the sphere of radius
/// sqrt(dimensions). The straight line from a to b leaves it: half-way the norm is smaller by a
/// factor of sqrt(2), where G saw no z in training. The great circle stays near the sphere (White
/// 2016, arXiv 1609.04468, section 2.1).
Tensor slerp(const Tensor& a, const Tensor& b, double t, SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
