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

/// The sizes of an image inside the networks. Its side is halved while it stays a whole number of
/// at least 4, for example 28, 14, 7. The channels double with each halving, up to 8 times the
/// features.
struct Pyramid {
  int64_t base;                 // the smallest side
  std::vector<int64_t> widths;  // channels after each halving; [0] is next to the image
};
Pyramid make_pyramid(const NetworkOptions& options);

/// z [N, latent, 1, 1] -> images [N, channels, size, size] in [-1, 1]. The first layer spreads z
/// over base x base pixels, and each further layer doubles the side. The kernel is 4 = 2 x stride,
/// so every output pixel sums equally many products and no checkerboard appears (Odena et al.
/// 2016).
struct Generator : nn::Module {
  explicit Generator(const NetworkOptions& options);
  Tensor forward(const Tensor& z) override;

  nn::Sequential main{*this, "main"};
};

/// Images [N, channels, size, size] -> one logit each, [N, 1, 1, 1]. A logit above 0 means real.
/// The first and the last layer have no batch norm (section 3): it would hide brightness and
/// contrast of the images from D.
struct Discriminator : nn::Module {
  explicit Discriminator(const NetworkOptions& options);
  Tensor forward(const Tensor& x) override;

  nn::Sequential main{*this, "main"};
};

}  // namespace forger::dcgan
