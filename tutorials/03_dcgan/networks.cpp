#include "networks.h"

#include <algorithm>

namespace forger::dcgan {
namespace {

constexpr int64_t kSmallestBase = 4;
constexpr int64_t kWidestFactor = 8;

}  // namespace

Pyramid make_pyramid(const NetworkOptions& options) {
  Pyramid pyramid{.base = options.image_size, .widths = {}};
  int64_t width = options.features;
  while (pyramid.base % 2 == 0 && pyramid.base / 2 >= kSmallestBase) {
    pyramid.base /= 2;
    pyramid.widths.push_back(width);
    width = std::min(2 * width, kWidestFactor * options.features);
  }
  return pyramid;
}

// No layer has a bias, as in PyTorch's example: a batch norm behind it would subtract it again.

Generator::Generator(const NetworkOptions& options) : Module("G") {
  const auto [base, widths] = make_pyramid(options);
  main.add<nn::ConvTranspose2d>(options.latent, widths.back(),
                                {.kernel = base, .stride = 1, .padding = 0, .bias = false});
  main.add<nn::BatchNorm2d>(widths.back());
  main.add<nn::ReLU>();
  for (size_t i = widths.size(); i-- > 0;) {
    const bool last = i == 0;
    main.add<nn::ConvTranspose2d>(widths[i], last ? options.channels : widths[i - 1],
                                  {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    if (last) break;
    main.add<nn::BatchNorm2d>(widths[i - 1]);
    main.add<nn::ReLU>();
  }
  main.add<nn::Tanh>();
}

Tensor Generator::forward(const Tensor& z) { return main(z); }

Discriminator::Discriminator(const NetworkOptions& options) : Module("D") {
  const auto [base, widths] = make_pyramid(options);
  for (size_t i = 0; i < widths.size(); ++i) {
    const bool first = i == 0;
    main.add<nn::Conv2d>(first ? options.channels : widths[i - 1], widths[i],
                         {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    if (!first) main.add<nn::BatchNorm2d>(widths[i]);
    main.add<nn::LeakyReLU>(0.2);
  }
  main.add<nn::Conv2d>(widths.back(), 1,
                       {.kernel = base, .stride = 1, .padding = 0, .bias = false});
}

Tensor Discriminator::forward(const Tensor& x) { return main(x); }

}  // namespace forger::dcgan
