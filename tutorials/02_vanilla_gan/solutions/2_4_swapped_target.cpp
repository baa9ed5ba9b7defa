#include "2_4_swapped_target.h"

#include "autograd/engine.h"
#include "autograd/ops.h"

using forger::Tensor;
namespace nn = forger::nn;

// G's fakes are to be taken for real, so the target of its loss is 1. With 0, G makes its fakes
// easier to tell: both players want the same, and D's loss falls to 0.
void train_step(nn::Module& G, nn::Module& D, nn::Optimizer& opt_g, nn::Optimizer& opt_d,
                const Tensor& real, const Tensor& z) {
  const Tensor fake = G(z);
  const Tensor loss_d = bce_with_logits(D(real), 1.0) + bce_with_logits(D(fake.detach()), 0.0);
  opt_d.zero_grad();
  backward(loss_d, D.parameters());
  opt_d.step();

  const Tensor loss_g = bce_with_logits(D(fake), 1.0);
  opt_g.zero_grad();
  backward(loss_g, G.parameters());
  opt_g.step();
}
