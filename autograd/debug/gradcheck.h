#pragma once

#include <functional>
#include <vector>

#include "autograd/tensor.h"

/// Compares the engine's derivatives with finite differences. This is meant for the float64 build
/// of the engine: in float32 the differences have few correct digits.
namespace forger {

/// A differentiable function of tensors that returns one tensor.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

struct GradCheckOptions {
  double step = sizeof(Scalar) == 8 ? 1e-3 : 1e-2;
  double absolute = sizeof(Scalar) == 8 ? 1e-8 : 1e-2;
  double relative = sizeof(Scalar) == 8 ? 1e-6 : 1e-2;
  uint64_t seed = 1;  // of the random cotangents
};

struct GradCheckResult {
  int64_t compared = 0;  // number of derivatives compared
  int64_t nonzero = 0;   // of them not 0: comparing zeros with zeros proves nothing
  double largest = 0;    // magnitude of the largest derivative
  double worst = 0;      // largest deviation, in units of its tolerance: at most 1
};

/// Checks d<f(x), v>/dx for a random cotangent v at every element of every input that requires a
/// gradient. It is compared with the fourth-order central difference
/// (f(x-2h) - 8 f(x-h) + 8 f(x+h) - f(x+2h)) / 12h. Two backward passes must give the same bits.
/// Throws Error that names the first wrong element, both values and the tolerance.
GradCheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          GradCheckOptions options = {}, SourceLoc loc = SourceLoc::here());

/// Does the same one order higher: checks the derivatives of (x, v) -> d<f(x), v>/dx by x and by v.
GradCheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              GradCheckOptions options = {}, SourceLoc loc = SourceLoc::here());

/// Returns f's gradient as a function of (inputs..., v). Its result holds the gradients with
/// respect to the inputs that require one, flattened and concatenated. Applied n times it gives the
/// n-th order. The function throws Error, with the line of this call, for another number of
/// arguments.
TensorFunction gradient_of(TensorFunction f, const std::vector<Tensor>& inputs,
                           SourceLoc loc = SourceLoc::here());

}  // namespace forger
