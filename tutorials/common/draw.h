#pragma once

#include <cstdint>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/data/image.h"
#include "nn/module.h"

namespace forger::tutorials {

/// G's images for z [N, latent, 1, 1], without a graph and in evaluation mode: batch norm then uses
/// its running statistics. Drawing therefore changes nothing; in training mode every grid would
/// move the running statistics. Until these have settled, for some 50 steps, all images are grey.
///
/// An image depends on its own z alone, as in evaluate(). Throws Error when N is 0.
Tensor draw(nn::Module& G, const Tensor& z, SourceLoc loc = SourceLoc::here());

/// Arranges images [N, C, H, W] in rows of `columns`, each enlarged until it can be seen.
nn::Image contact_sheet(const Tensor& images, int64_t columns = 8);

}  // namespace forger::tutorials
