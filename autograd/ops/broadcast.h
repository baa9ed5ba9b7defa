#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/shape.h"

namespace forger {

/// How a kernel walks a and b to fill `y`, the shape they broadcast to.
kernels::Broadcast plan_broadcast(const Shape& y, const Shape& a, const Shape& b);

}  // namespace forger
