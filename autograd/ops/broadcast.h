#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/shape.h"
#include "autograd/tensor.h"

namespace forger {

/// Returns the extents and strides with which a kernel computes y from a and b. `y` is the shape
/// that a and b broadcast to.
kernels::Broadcast plan_broadcast(const Shape& y, const Shape& a, const Shape& b);

using BinaryKernel = void (*)(const kernels::Broadcast&, const Scalar*, const Scalar*, Scalar*);

/// Returns the shape that a and b broadcast to. Throws Error if there is no such
/// shape or if a or b is undefined.
Shape check_operands(const char* op, const Tensor& a, const Tensor& b, SourceLoc loc);

/// Returns a new tensor of the shape that a and b broadcast to, filled by `kernel`. Throws the
/// errors of check_operands().
Tensor apply_binary(const char* op, BinaryKernel kernel, const Tensor& a, const Tensor& b,
                    SourceLoc loc);

/// Returns g * factor, and 0 where factor is 0, even if g is infinite or NaN. A plain product would
/// be NaN there. Rules use this op to mask a gradient. The factor is a constant: it gets no
/// gradient.
Tensor masked(const Tensor& g, const Tensor& factor, SourceLoc loc = SourceLoc::here());

/// True if an element of x is 0.
bool has_zero(const Tensor& x);

}  // namespace forger
