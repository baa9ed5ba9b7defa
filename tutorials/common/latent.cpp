#include "tutorials/common/latent.h"

#include <algorithm>
#include <cmath>

#include "autograd/error.h"
#include "autograd/ops.h"

namespace forger::tutorials {
namespace {

/// Two vectors count as parallel if the sine of their angle is below this: a circle through them
/// would be lost in rounding. In one dimension all vectors are parallel.
constexpr double kParallel = 1e-3;

}  // namespace

Tensor slerp(const Tensor& a, const Tensor& b, double t, SourceLoc loc) {
  if (a.shape() != b.shape()) {
    fail("slerp", "the vectors differ in shape", {"a  " + a.shape().str(), "b  " + b.shape().str()},
         loc);
  }
  const double norms =
      std::sqrt(static_cast<double>(sum(a * a).item()) * static_cast<double>(sum(b * b).item()));
  const double angle = std::acos(std::clamp(sum(a * b).item() / norms, -1.0, 1.0));
  const double sine = std::sin(angle);
  if (!(sine > kParallel)) return (1 - t) * a + t * b;  // also for the zero vector, by NaN
  return std::sin((1 - t) * angle) / sine * a + std::sin(t * angle) / sine * b;
}

}  // namespace forger::tutorials
