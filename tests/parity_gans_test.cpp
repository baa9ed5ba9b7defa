// Trains three GANs for fifty steps and compares them with PyTorch, from the same weights, data
// and latent vectors. Compares the losses of each step, and weights and buffers after 20 and 50
// steps. Compiled into both test programs. fixtures/trajectories.py has the same code in Python.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "kernel_sets.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/state.h"
#include "parity/cases.h"

namespace forger::parity {
namespace {

constexpr int64_t kSteps = 50, kBatch = 8, kSamples = 32, kLatent = 8;
constexpr bool kFloat = sizeof(Scalar) == 4;

// How far losses and weights may be from PyTorch's, relative to the largest number of each array.
// No bound can be derived, because the two networks amplify each other's rounding errors. Measured
// after fifty steps: 1e-6 and 1e-15. The project promises 1e-4 (at step 20) and 1e-9.
constexpr double kRelative = kFloat ? 1e-5 : 1e-12;

struct Gan : nn::Module {
  explicit Gan(nn::AdamOptions options) : Module("gan"), adam(options) {}

  virtual Tensor d_loss(const Tensor& real, const Tensor& fake, int64_t /*step*/) {
    const Tensor on_real = bce_with_logits(d(real), 1.0);
    const Tensor on_fake = bce_with_logits(d(fake.detach()), 0.0);
    return on_real + on_fake;
  }
  virtual Tensor g_loss(const Tensor& fake) { return bce_with_logits(d(fake), 1.0); }

  nn::AdamOptions adam;
  nn::Sequential g{*this, "G"}, d{*this, "D"};
};

void make_mlp(nn::Sequential& net, int64_t in, int64_t out) {
  net.add<nn::Linear>(in, 16);
  net.add<nn::LeakyReLU>(0.2);
  net.add<nn::Linear>(16, 16);
  net.add<nn::LeakyReLU>(0.2);
  net.add<nn::Linear>(16, out);
}

struct MlpGan : Gan {
  MlpGan() : Gan({}) {
    make_mlp(g, kLatent, 4);
    make_mlp(d, 4, 1);
  }
};

struct Dcgan : Gan {
  Dcgan() : Gan({.lr = 2e-4, .beta1 = 0.5}) {
    g.add<nn::ConvTranspose2d>(kLatent, 8, {.kernel = 4, .bias = false});
    g.add<nn::BatchNorm2d>(8);
    g.add<nn::ReLU>();
    g.add<nn::ConvTranspose2d>(8, 4, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    g.add<nn::BatchNorm2d>(4);
    g.add<nn::ReLU>();
    g.add<nn::ConvTranspose2d>(4, 1, {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1});
    g.add<nn::Tanh>();
    d.add<nn::Conv2d>(1, 4, {.kernel = 4, .stride = 2, .padding = 1});
    d.add<nn::LeakyReLU>(0.2);
    d.add<nn::Conv2d>(4, 8, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    d.add<nn::BatchNorm2d>(8);
    d.add<nn::LeakyReLU>(0.2);
    d.add<nn::Conv2d>(8, 1, {.kernel = 4});
  }
};

/// Gulrajani et al. 2017 (arXiv 1704.00028, algorithm 1), with the fixture's numbers for the points
/// between real and fake images.
struct WganGp : Gan {
  explicit WganGp(const Tensor& mixes) : Gan({.lr = 1e-4, .beta1 = 0, .beta2 = 0.9}), mix(mixes) {
    g.add<nn::Linear>(kLatent, 32);
    g.add<nn::Reshape>({8, 2, 2});
    g.add<nn::ReLU>();
    g.add<nn::ConvTranspose2d>(8, 4, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    g.add<nn::BatchNorm2d>(4);
    g.add<nn::ReLU>();
    g.add<nn::ConvTranspose2d>(4, 1, {.kernel = 4, .stride = 2, .padding = 1});
    g.add<nn::Tanh>();
    d.add<nn::Conv2d>(1, 4, {.kernel = 4, .stride = 2, .padding = 1});
    d.add<nn::LeakyReLU>(0.2);
    d.add<nn::Conv2d>(4, 8, {.kernel = 3, .padding = 1});
    d.add<nn::Tanh>();
    d.add<nn::Flatten>();
    d.add<nn::Linear>(128, 1);
  }

  Tensor d_loss(const Tensor& real, const Tensor& fake, int64_t step) override {
    const Tensor m = slice(mix, 0, step * kBatch, (step + 1) * kBatch);
    const Tensor between = (real * m + fake.detach() * (1 - m)).detach().set_requires_grad();
    const Tensor slope = forger::grad({sum(d(between))}, {between}, {}, {.create_graph = true})[0];
    const Tensor length = sqrt(sum(slope * slope, {1, 2, 3}));
    const Tensor penalty = mean((length - 1) * (length - 1));
    return mean(d(fake.detach())) - mean(d(real)) + 10 * penalty;
  }
  Tensor g_loss(const Tensor& fake) override { return -mean(d(fake)); }

  Tensor mix;
};

/// The deviation of one array from PyTorch's, relative to the largest number there.
double deviation(const std::vector<Scalar>& ours, const std::vector<Scalar>& theirs) {
  double largest = 0, off = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(double{theirs.at(i)}));
    const double d = std::abs(double{ours[i]} - double{theirs[i]});
    off = d <= off ? off : d;  // not std::max, which would drop a NaN
  }
  return largest > 0 ? off / largest : off;
}

/// The largest deviation of all weights and buffers from PyTorch's, whose names begin with prefix.
double compare_state(const Gan& gan, const Group& fixture, const std::string& prefix) {
  double largest = 0;
  for (const auto& [name, tensor] : gan.state()) {
    const std::string key = prefix + name;
    CAPTURE(key);
    const double off = deviation(tensor.to_vector(), fixture.at(key).to_vector());
    CHECK(off <= kRelative);
    largest = std::max(largest, off);
  }
  return largest;
}

/// Trains for all steps and compares every loss on the way, and the state after some.
void follow(Gan& gan, const Group& fixture) {
  const std::string width = kFloat ? "f32." : "f64.";
  // Names and shapes must be those of PyTorch's state_dict.
  nn::restore({fixture, {}}, "G.", gan.g.state(), "trajectories.safetensors");
  nn::restore({fixture, {}}, "D.", gan.d.state(), "trajectories.safetensors");
  nn::Adam opt_g(gan.g, gan.adam), opt_d(gan.d, gan.adam);
  std::vector<Scalar> losses_d, losses_g;
  double off_state = 0;
  for (int64_t step = 0; step < kSteps; ++step) {
    const int64_t first = step * kBatch % kSamples;
    const Tensor real = slice(fixture.at("real"), 0, first, first + kBatch);
    const Tensor fake = gan.g(slice(fixture.at("z"), 0, step * kBatch, (step + 1) * kBatch));
    opt_d.zero_grad();
    const Tensor d = gan.d_loss(real, fake, step);
    backward(d, gan.d.parameters());
    opt_d.step();
    opt_g.zero_grad();
    const Tensor g = gan.g_loss(fake);
    backward(g, gan.g.parameters());
    opt_g.step();
    losses_d.push_back(d.item());
    losses_g.push_back(g.item());
    if (step + 1 == 20 || step + 1 == kSteps) {
      const std::string prefix = width + "after " + std::to_string(step + 1) + ".";
      off_state = std::max(off_state, compare_state(gan, fixture, prefix));
    }
  }
  const double off_d = deviation(losses_d, fixture.at(width + "loss_d").to_vector());
  const double off_g = deviation(losses_g, fixture.at(width + "loss_g").to_vector());
  CHECK(off_d <= kRelative);
  CHECK(off_g <= kRelative);
  MESSAGE("largest deviation of the losses ", std::max(off_d, off_g), ", of weights and buffers ",
          off_state);
}

}  // namespace

TEST_CASE("trajectory: an MLP GAN trains as in PyTorch") {
  const Group fixture = read_fixture("trajectories.safetensors").at("mlp");
  on_every_kernel_set([&] {
    MlpGan gan;
    follow(gan, fixture);
  });
}

TEST_CASE("trajectory: a DCGAN trains as in PyTorch") {
  const Group fixture = read_fixture("trajectories.safetensors").at("dcgan");
  on_every_kernel_set([&] {
    Dcgan gan;
    follow(gan, fixture);
  });
}

TEST_CASE("trajectory: a WGAN-GP with a gradient penalty trains as in PyTorch") {
  const Group fixture = read_fixture("trajectories.safetensors").at("wgan_gp");
  on_every_kernel_set([&] {
    WganGp gan(fixture.at("mix"));
    follow(gan, fixture);
  });
}

}  // namespace forger::parity
