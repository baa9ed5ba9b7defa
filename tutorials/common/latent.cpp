#include "tutorials/common/latent.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"

namespace forger::tutorials {
namespace {

/// Below this sine of their angle two vectors count as parallel: a circle through them is lost in
/// rounding. That is so in one dimension, where there is no circle at all.
constexpr double kParallel = 1e-3;

}  // namespace

Tensor slerp(const Tensor& a, const Tensor& b, double t) {
  const double norms =
      std::sqrt(static_cast<double>(sum(a * a).item()) * static_cast<double>(sum(b * b).item()));
  const double angle = std::acos(std::clamp(sum(a * b).item() / norms, -1.0, 1.0));
  const double sine = std::sin(angle);
  if (!(sine > kParallel)) return (1 - t) * a + t * b;  // also for the zero vector, by NaN
  return std::sin((1 - t) * angle) / sine * a + std::sin(t * angle) / sine * b;
}

}  // namespace forger::tutorials
