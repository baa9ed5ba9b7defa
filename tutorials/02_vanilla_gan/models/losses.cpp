#include "losses.h"

#include "autograd/engine.h"
#include "autograd/ops.h"

namespace forger::vanilla {

Tensor discriminator_loss(const Tensor& on_real, const Tensor& on_fake) {
  return bce_with_logits(on_real, 1.0) + bce_with_logits(on_fake, 0.0);
}

Tensor generator_loss(const Tensor& on_fake, GeneratorLoss loss) {
  // log(1 - D) is minus the cross entropy of D against the label "fake".
  return loss == GeneratorLoss::kZeroSum ? -bce_with_logits(on_fake, 0.0)
                                         : bce_with_logits(on_fake, 1.0);
}

// listing: r1_penalty
Tensor r1_penalty(nn::Module& D, const Tensor& real, double gamma) {
  const Tensor x = real.clone().set_requires_grad();
  const Tensor slope = grad({sum(D(x))}, {x}, {}, {.create_graph = true})[0];
  return sum(slope * slope) * (gamma / 2 / static_cast<double>(x.shape()[0]));
}
// end of listing

}  // namespace forger::vanilla
