#pragma once

#include "autograd/tensor.h"

namespace forger {

using UnaryKernel = void (*)(int64_t n, const Scalar* x, Scalar* y);

/// Returns a new tensor of x's shape, filled by an elementwise kernel. Throws Error under the name
/// of `op` if x is undefined.
Tensor apply_unary(const char* op, UnaryKernel kernel, const Tensor& x, SourceLoc loc);

// Functions for the forward and the rules of other ops, where the plain formula would cancel.

/// Returns 1 - erf(x), with full precision for large x. dx = -g 2/sqrt(pi) exp(-x^2).
Tensor erfc(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns e^x - 1, with full precision near 0. dx = g e^x.
Tensor expm1(const Tensor& x, SourceLoc loc = SourceLoc::here());
/// Returns e^x - 1 - x, with full precision near 0. dx = g expm1(x).
Tensor expm2(const Tensor& x, SourceLoc loc = SourceLoc::here());

}  // namespace forger
