// Tests drawing images with a trained G: what an image depends on, and that drawing changes no
// state.
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"
#include "message.h"
#include "nn/layers.h"
#include "tutorials/common/draw.h"

namespace forger {
namespace {

constexpr int64_t kLatent = 16;

/// A DCGAN's generator of 28 x 28 pixels, large enough that every kernel set has several ways to
/// compute its layers.
struct Generator : nn::Module {
  Generator() : Module("G") {
    main.add<nn::ConvTranspose2d>(kLatent, 64, nn::ConvTranspose2dOptions{.kernel = 7});
    main.add<nn::BatchNorm2d>(64);
    main.add<nn::ReLU>();
    main.add<nn::ConvTranspose2d>(
        64, 32, nn::ConvTranspose2dOptions{.kernel = 4, .stride = 2, .padding = 1});
    main.add<nn::BatchNorm2d>(32);
    main.add<nn::ReLU>();
    main.add<nn::ConvTranspose2d>(
        32, 1, nn::ConvTranspose2dOptions{.kernel = 4, .stride = 2, .padding = 1});
  }
  Tensor forward(const Tensor& z) override { return main(z); }

  nn::Sequential main{*this, "main"};
};

/// The number of the first image of `some` that differs from the same one of `all`, or -1.
int64_t first_difference(const Tensor& some, const Tensor& all) {
  const int64_t size = some.numel() / some.shape()[0];
  for (int64_t i = 0; i < some.numel(); ++i) {
    if (some.data()[i] != all.data()[i]) return i / size;
  }
  return -1;
}

}  // namespace

TEST_CASE("a drawn image has the same bits for any count, on every kernel set") {
  Generator G;
  const Tensor z = Random(1).normal({130, kLatent, 1, 1});
  on_every_kernel_set([&] {
    const Tensor all = tutorials::draw(G, z);
    REQUIRE(all.shape() == Shape{130, 1, 28, 28});
    for (const int64_t count : {1, 5, 64, 70}) {
      CAPTURE(count);
      const Tensor some = tutorials::draw(G, slice(z, 0, 0, count));
      REQUIRE(some.shape() == Shape{count, 1, 28, 28});
      CHECK(first_difference(some, all) == -1);
    }
  });
}

TEST_CASE("a drawn image has the same bits at any position in a batch, on every kernel set") {
  Generator G;
  Tensor z = Random(2).normal({64, kLatent, 1, 1});
  for (int64_t n = 1; n < 64; n += 2) {  // beside neighbours that differ
    for (int64_t i = 0; i < kLatent; ++i) z.mutable_data()[n * kLatent + i] = z.data()[i];
  }
  on_every_kernel_set([&] {
    const Tensor images = tutorials::draw(G, z);
    const Tensor first = slice(images, 0, 0, 1);
    for (int64_t n = 1; n < 64; n += 2) {
      CAPTURE(n);
      CHECK(first_difference(first, slice(images, 0, n, n + 1)) == -1);
    }
  });
}

TEST_CASE("drawing restores each layer's mode, also after an error") {
  Generator G;
  nn::Module& norm = *G.main.children()[1];
  const auto state = [&] {
    std::vector<Scalar> numbers;
    for (const auto& [name, tensor] : G.state()) {
      const std::vector<Scalar> values = tensor.to_vector();
      numbers.insert(numbers.end(), values.begin(), values.end());
    }
    return numbers;
  };
  const std::vector<Scalar> before = state();
  norm.eval();  // G itself and its other layers are in training mode
  CHECK(tutorials::draw(G, Tensor::ones({3, kLatent, 1, 1})).shape()[0] == 3);
  CHECK(G.training());
  CHECK_FALSE(norm.training());
  CHECK(message_of([&] { tutorials::draw(G, Tensor::ones({3, kLatent + 1, 1, 1})); }) != "");
  CHECK(message_of([&] {
          tutorials::draw(G, Tensor::zeros({0, kLatent, 1, 1}));
        }) == "draw: there is no z to draw from\n  z [0, 16, 1, 1]  (N, latent, 1, 1)");
  CHECK(G.training());
  CHECK_FALSE(norm.training());
  norm.train();
  CHECK(state() == before);
}

}  // namespace forger
