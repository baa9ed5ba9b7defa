#pragma once

#include <functional>

#include "autograd/tensor.h"
#include "nn/data/image.h"
#include "nn/module.h"
#include "tutorials/plane/target.h"

namespace forger::tutorials {

/// Draws a game in the plane: D's probability as a surface, the points `real` [n, 2], those of G
/// for z [n, latent], arrows from some of these along which G's loss asks them to move, and a
/// circle around each lost mode. D returns logits, [n, 1]. `loss` is G's loss as a function of
/// these.
nn::Image plane_picture(const PlaneTarget& target, nn::Module& G, nn::Module& D, const Tensor& z,
                        const Tensor& real, const std::function<Tensor(const Tensor&)>& loss);

}  // namespace forger::tutorials
