// Exercise 2.3: One step of the unrolled loss
#include "2_3_unrolled.h"

#include "autograd/engine.h"
#include "autograd/ops.h"

using forger::Tensor;

Tensor logits(const Tensor& psi, const Tensor& x) {
  return select(psi, 0, 0) + select(psi, 0, 1) * x + select(psi, 0, 2) * x * x;
}

Tensor unrolled_loss(const Tensor& real, const Tensor& fake, const Tensor& psi, double h) {
  (void)real, (void)h;
  return bce_with_logits(logits(psi, fake), 1.0);  // against the old D: your code
}
