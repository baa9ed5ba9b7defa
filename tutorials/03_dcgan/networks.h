#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/layers.h"

/// The two networks of DCGAN (Radford et al. 2015, arXiv 1511.06434, section 3 and figure 1): no
/// pooling and no hidden linear layer, batch norm in both, ReLU in G, LeakyReLU in D. Layer
/// numbers and names are those of PyTorch's DCGAN example.
namespace forger::dcgan {

struct NetworkOptions {
  int64_t image_size, channels;  // of the images
  int64_t latent;                // length of z
  int64_t features;              // channels next to the image
};

/// The sizes that an image goes through: halved as long as it stays whole and at least 4, as 28,
/// 14, 7. `widths` are the channels behind each halving, doubled each time up to 8 times the
/// features.
struct Pyramid {
  int64_t base;                 // the smallest side
  std::vector<int64_t> widths;  // [0] next to the image
};
Pyramid make_pyramid(const NetworkOptions& options);

/// z [N, latent, 1, 1] -> images [N, channels, size, size] in [-1, 1]. The first layer spreads z
/// over base x base, each further one doubles the side: kernel 4 = 2 x stride, so that every
/// output pixel gets as many products and no checkerboard is built in (Odena et al. 2016).
struct Generator : nn::Module {
  explicit Generator(const NetworkOptions& options);
  Tensor forward(const Tensor& z) override;

  nn::Sequential main{*this, "main"};
};

/// Images [N, channels, size, size] -> one logit each, [N, 1, 1, 1]: above 0 says real. Batch norm
/// neither in the first nor in the last layer (section 3): there it would hide from D the
/// brightness and the contrast of what it judges.
struct Discriminator : nn::Module {
  explicit Discriminator(const NetworkOptions& options);
  Tensor forward(const Tensor& x) override;

  nn::Sequential main{*this, "main"};
};

}  // namespace forger::dcgan
