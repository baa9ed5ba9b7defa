#pragma once

#include <cstdint>
#include <functional>

#include "autograd/tensor.h"
#include "nn/data/image.h"
#include "nn/module.h"
#include "tutorials/plane/target.h"

namespace forger::tutorials {

/// Returns the directions in which points [n, 2] must move for G's loss to fall the fastest: its
/// gradient with the opposite sign. D returns logits, [n, 1]. `loss` is G's loss as a function of
/// these.
Tensor downhill(nn::Module& D, const Tensor& points,
                const std::function<Tensor(const Tensor&)>& loss);

/// Draws a game in the plane: D's probability as a surface, the points `real` [n, 2], those of G
/// for z [n, latent], arrows from some of these along downhill(), and a circle around each lost
/// mode. The longest arrow has always the same length. The caption tells the
/// step.
nn::Image plane_picture(const PlaneTarget& target, nn::Module& G, nn::Module& D, const Tensor& z,
                        const Tensor& real, const std::function<Tensor(const Tensor&)>& loss,
                        int64_t step);

}  // namespace forger::tutorials
