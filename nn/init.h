#pragma once

#include <cstdint>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/module.h"

/// Initialisers. Layers start with PyTorch's defaults; these change a module's parameters in place.
namespace forger::nn {

/// The random numbers that layers draw their first weights from. Each thread has its own generator,
/// which starts with seed 0, so that a thread's networks do not depend on what other threads build.
Random& init_random();
/// Restarts the calling thread's init_random() with another seed.
void seed_init(uint64_t seed);

void fill(const Tensor& x, double value, SourceLoc loc = SourceLoc::here());
void fill_normal(const Tensor& x, double mean, double stddev, Random& random,
                 SourceLoc loc = SourceLoc::here());
void fill_uniform(const Tensor& x, double low, double high, Random& random,
                  SourceLoc loc = SourceLoc::here());
/// Glorot & Bengio 2010: uniform in +-gain sqrt(6 / (fan_in + fan_out)), weight [out, in, ...].
void xavier_uniform(const Tensor& weight, double gain, Random& random,
                    SourceLoc loc = SourceLoc::here());
/// He et al. 2015 (arXiv 1502.01852): normal with deviation sqrt(2 / fan_in), for layers before
/// ReLU.
void he_normal(const Tensor& weight, Random& random, SourceLoc loc = SourceLoc::here());
/// Radford et al. 2015 (arXiv 1511.06434, section 4): every convolution's and linear layer's weight
/// from N(0, 0.02), batch norm's weight from N(1, 0.02), biases 0.
void dcgan_init(const Module& module, Random& random, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
