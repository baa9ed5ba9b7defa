#pragma once

#include "autograd/tensor.h"
#include "nn/module.h"

/// The two losses of the game (Goodfellow et al. 2014, arXiv 1406.2661) and the penalty that keeps
/// it from circling. A logit is D's output; D = sigmoid(logit) is the probability of "real".
namespace forger::vanilla {

/// Returns -log D(real) - log(1 - D(fake)), each as a mean over its batch: 2 log 2 = 1.386 if D can
/// only guess.
Tensor discriminator_loss(const Tensor& on_real, const Tensor& on_fake);

/// What G minimises.
enum class GeneratorLoss {
  kNonSaturating,  // -log D(fake): section 3
  kZeroSum,        // log(1 - D(fake)): equation 1, what D maximises with the opposite sign
};
Tensor generator_loss(const Tensor& on_fake, GeneratorLoss loss);

/// Returns gamma / 2 times the mean of |dD/dx|^2 over a batch of real examples [N, d], where D is
/// the logit: R1 (Mescheder et al. 2018, arXiv 1801.04406, section 4.1). It has a graph, so D
/// learns to be flat there.
Tensor r1_penalty(nn::Module& D, const Tensor& real, double gamma);

}  // namespace forger::vanilla
