#pragma once

#include <cstdint>
#include <functional>

#include "tutorials/models/matrix.h"

namespace forger::models {

/// Returns f(x) and writes its gradient, which has the length of x.
using Objective = std::function<double(const Vector& x, Vector& gradient)>;

struct LbfgsOptions {
  int64_t memory = 10;       // pairs of differences that describe the curvature
  int64_t iterations = 100;  // at most
  double tolerance = 1e-4;   // ends when no element of the gradient is larger in magnitude
};

struct Minimum {
  Vector x;
  Vector values;  // f at the start and after each iteration; never rises
};

/// Minimises a smooth function without constraints by L-BFGS, starting at x. Each iteration goes
/// along -H g, where g is the gradient. H is an estimate of the inverse Hessian from the last
/// `memory` steps (Nocedal & Wright 2006, Numerical Optimization, algorithms 7.4 and 7.5). Also
/// ends when rounding errors hide any further decrease.
Minimum minimise(const Objective& f, Vector x, const LbfgsOptions& options);

}  // namespace forger::models
