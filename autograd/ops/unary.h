#pragma once

#include "autograd/tensor.h"

namespace forger {

using UnaryKernel = void (*)(int64_t n, const Scalar* x, Scalar* y);

/// Returns a new tensor of x's shape, filled by an elementwise kernel. Throws Error under the name
/// of `op` if x is undefined.
Tensor apply_unary(const char* op, UnaryKernel kernel, const Tensor& x, SourceLoc loc);

}  // namespace forger
