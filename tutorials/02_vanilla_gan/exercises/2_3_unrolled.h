#pragma once

#include "autograd/tensor.h"

/// D's logit at a number x is psi_0 + psi_1 x + psi_2 x^2, with psi [3].
forger::Tensor logits(const forger::Tensor& psi, const forger::Tensor& x);

/// Returns G's loss against the D that answers it (Metz et al. 2017, arXiv 1611.02163, section 2.2,
/// with one step):
///
/// 1. D's loss is the mean of -log D over the real numbers plus the mean of -log(1 - D) over the
///    fakes. D makes one step of gradient descent: psi' = psi - h dloss_D/dpsi.
/// 2. The result is the mean of -log D over the fakes, with psi' instead of psi.
///
/// `real` and `fake` are [n, 1], psi is [3] and requires a gradient, as does fake. The gradient of
/// the result by the fakes has two parts, because psi' depends on them too.
forger::Tensor unrolled_loss(const forger::Tensor& real, const forger::Tensor& fake,
                             const forger::Tensor& psi, double h);
