#pragma once

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/data/dataset.h"
#include "nn/module.h"

namespace forger::tutorials {

/// Returns module(x) for x [N, ...], without a graph and in evaluation mode.
///
/// A row of the result depends on its own row of x alone. The module is always given batches of 64:
/// a kernel chooses its algorithm by the size of the batch, so a batch of another size could change
/// the last bits. The last batch is filled with zeros, and their results are dropped. Throws Error
/// when N is 0.
Tensor evaluate(nn::Module& module, const Tensor& x, SourceLoc loc = SourceLoc::here());

/// The same for all images of a set.
Tensor evaluate(nn::Module& module, const nn::ImageSet& images, SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
