#pragma once

#include "autograd/tensor.h"

namespace forger {

using UnaryKernel = void (*)(int64_t n, const Scalar* x, Scalar* y);

/// A new tensor of x's shape, filled by an elementwise kernel.
Tensor apply_unary(UnaryKernel kernel, const Tensor& x, SourceLoc loc);

}  // namespace forger
