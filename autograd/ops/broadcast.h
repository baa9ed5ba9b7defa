#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/shape.h"
#include "autograd/tensor.h"

namespace forger {

/// How a kernel walks a and b to fill `y`, the shape they broadcast to.
kernels::Broadcast plan_broadcast(const Shape& y, const Shape& a, const Shape& b);

using BinaryKernel = void (*)(const kernels::Broadcast&, const Scalar*, const Scalar*, Scalar*);

/// Returns the shape that a and b broadcast to. Throws Error if there is none or one is undefined.
Shape check_operands(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc);

/// A new tensor of the shape that a and b broadcast to, filled by a kernel.
Tensor apply_binary(const char* op, BinaryKernel kernel, const Tensor& a, const Tensor& b,
                    SourceLoc loc);

/// An op for rules: g times a constant share of it, and 0 where the share is 0 though g is
/// infinite. A plain product would be NaN there.
Tensor masked(const Tensor& g, const Tensor& share, SourceLoc loc = SourceLoc::here());

}  // namespace forger
