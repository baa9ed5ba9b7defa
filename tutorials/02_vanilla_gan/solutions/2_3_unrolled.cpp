#include "2_3_unrolled.h"

#include "autograd/engine.h"
#include "autograd/ops.h"

using forger::Tensor;

Tensor logits(const Tensor& psi, const Tensor& x) {
  return select(psi, 0, 0) + select(psi, 0, 1) * x + select(psi, 0, 2) * x * x;
}

// create_graph records D's gradient as a function of the fakes, so that the last loss can be
// differentiated through D's step. The fakes are not detached in D's loss.
Tensor unrolled_loss(const Tensor& real, const Tensor& fake, const Tensor& psi, double h) {
  const Tensor loss_d =
      bce_with_logits(logits(psi, real), 1.0) + bce_with_logits(logits(psi, fake), 0.0);
  const Tensor slope = forger::grad({loss_d}, {psi}, {}, {.create_graph = true})[0];
  return bce_with_logits(logits(psi - h * slope, fake), 1.0);
}
