#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/optim.h"

/// Three small GANs that train on random data, to test how a step uses memory and whether its bits
/// are reproducible.
namespace forger {

/// One GAN in training: two networks, two optimizers, and random numbers.
class SmallGan {
 public:
  virtual ~SmallGan() = default;
  virtual void step() = 0;
  virtual Tensor sample() = 0;

  /// Everything that a step changes: weights, buffers, optimizer state and a sample.
  std::vector<Scalar> state() {
    std::vector<Scalar> all;
    for (const nn::NamedTensors& part :
         {g().state(), d().state(), opt_g().state(), opt_d().state()}) {
      for (const auto& [name, tensor] : part) {
        all.insert(all.end(), tensor.data(), tensor.data() + tensor.numel());
      }
    }
    const NoGrad guard;
    const Tensor x = sample();
    all.insert(all.end(), x.data(), x.data() + x.numel());
    return all;
  }

 protected:
  virtual nn::Module& g() = 0;
  virtual nn::Module& d() = 0;
  virtual nn::Optimizer& opt_g() = 0;
  virtual nn::Optimizer& opt_d() = 0;

  /// The usual two-player step with binary cross entropy.
  void bce_step(const Tensor& real, const Tensor& z) {
    opt_d().zero_grad();
    const Tensor fake = g()(z);
    backward(bce_with_logits(d()(real), 1.0) + bce_with_logits(d()(fake.detach()), 0.0),
             d().parameters());
    opt_d().step();
    opt_g().zero_grad();
    backward(bce_with_logits(d()(fake), 1.0), g().parameters());
    opt_g().step();
  }
};

struct Mlp : nn::Module {
  Mlp(std::string name, int64_t in, int64_t hidden, int64_t out) : Module(std::move(name)) {
    net.add<nn::Linear>(in, hidden);
    net.add<nn::LeakyReLU>(0.2);
    net.add<nn::Linear>(hidden, hidden);
    net.add<nn::LeakyReLU>(0.2);
    net.add<nn::Linear>(hidden, out);
  }
  Tensor forward(const Tensor& x) override { return net(x); }
  nn::Sequential net{*this, "net"};
};

class MlpGan : public SmallGan {
 public:
  explicit MlpGan(int64_t hidden) : g_("G", 8, hidden, 20), d_("D", 20, hidden, 1) {}
  void step() override { bce_step(random_.normal({64, 20}, 1, 2), random_.normal({64, 8})); }
  Tensor sample() override { return g_(Random(5).normal({4, 8})); }

 private:
  nn::Module& g() override { return g_; }
  nn::Module& d() override { return d_; }
  nn::Optimizer& opt_g() override { return opt_g_; }
  nn::Optimizer& opt_d() override { return opt_d_; }

  Mlp g_, d_;
  nn::Adam opt_g_{g_}, opt_d_{d_};
  Random random_{1};
};

struct DcganG : nn::Module {
  explicit DcganG(int64_t f) : Module("G") {
    net.add<nn::ConvTranspose2d>(8, 2 * f, {.kernel = 4, .bias = false});
    net.add<nn::BatchNorm2d>(2 * f);
    net.add<nn::ReLU>();
    net.add<nn::ConvTranspose2d>(2 * f, f, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    net.add<nn::BatchNorm2d>(f);
    net.add<nn::ReLU>();
    net.add<nn::ConvTranspose2d>(f, 1, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    net.add<nn::Tanh>();
  }
  Tensor forward(const Tensor& x) override { return net(x); }
  nn::Sequential net{*this, "net"};
};

struct DcganD : nn::Module {
  explicit DcganD(int64_t f) : Module("D") {
    net.add<nn::Conv2d>(1, f, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    net.add<nn::LeakyReLU>(0.2);
    net.add<nn::Conv2d>(f, 2 * f, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
    net.add<nn::BatchNorm2d>(2 * f);
    net.add<nn::LeakyReLU>(0.2);
    net.add<nn::Conv2d>(2 * f, 1, {.kernel = 4, .bias = false});
  }
  Tensor forward(const Tensor& x) override { return net(x); }
  nn::Sequential net{*this, "net"};
};

class Dcgan : public SmallGan {
 public:
  explicit Dcgan(int64_t f) : g_(f), d_(f) {}
  void step() override {
    bce_step(random_.uniform({16, 1, 16, 16}, -1, 1), random_.normal({16, 8, 1, 1}));
  }
  Tensor sample() override { return g_(Random(5).normal({4, 8, 1, 1})); }

 private:
  nn::Module& g() override { return g_; }
  nn::Module& d() override { return d_; }
  nn::Optimizer& opt_g() override { return opt_g_; }
  nn::Optimizer& opt_d() override { return opt_d_; }

  DcganG g_;
  DcganD d_;
  nn::Adam opt_g_{g_, {.lr = 2e-4, .beta1 = 0.5}}, opt_d_{d_, {.lr = 2e-4, .beta1 = 0.5}};
  Random random_{2};
};

/// WGAN-GP (Gulrajani et al. 2017, arXiv 1704.00028). The critic's loss contains the norm of its
/// own gradient, so its step differentiates twice.
class WganGp : public SmallGan {
 public:
  explicit WganGp(int64_t f) : g_(f), critic_(f) {}
  void step() override {
    const Tensor real = random_.uniform({8, 1, 16, 16}, -1, 1);
    const Tensor fake = g_(random_.normal({8, 8, 1, 1}));
    opt_d_.zero_grad();
    const Tensor mix = random_.uniform({8, 1, 1, 1});
    const Tensor between = (real * mix + fake.detach() * (1 - mix)).detach().set_requires_grad();
    const Tensor slope = grad({sum(critic_(between))}, {between}, {}, {.create_graph = true})[0];
    const Tensor length = sqrt(sum(slope * slope, {1, 2, 3}));
    const Tensor penalty = mean((length - 1) * (length - 1)) * 10;
    backward(mean(critic_(fake.detach())) - mean(critic_(real)) + penalty, critic_.parameters());
    opt_d_.step();
    opt_g_.zero_grad();
    backward(-mean(critic_(fake)), g_.parameters());
    opt_g_.step();
  }
  Tensor sample() override { return g_(Random(5).normal({4, 8, 1, 1})); }

 private:
  // Without batch norm, because the penalty is computed per sample.
  struct Critic : nn::Module {
    explicit Critic(int64_t f) : Module("D") {
      net.add<nn::Conv2d>(1, f, {.kernel = 4, .stride = 2, .padding = 1});
      net.add<nn::LeakyReLU>(0.2);
      net.add<nn::Conv2d>(f, 2 * f, {.kernel = 4, .stride = 2, .padding = 1});
      net.add<nn::Tanh>();
      net.add<nn::Conv2d>(2 * f, 1, {.kernel = 4});
    }
    Tensor forward(const Tensor& x) override { return net(x); }
    nn::Sequential net{*this, "net"};
  };

  nn::Module& g() override { return g_; }
  nn::Module& d() override { return critic_; }
  nn::Optimizer& opt_g() override { return opt_g_; }
  nn::Optimizer& opt_d() override { return opt_d_; }

  DcganG g_;
  Critic critic_;
  nn::Adam opt_g_{g_, {.lr = 1e-4, .beta1 = 0}}, opt_d_{critic_, {.lr = 1e-4, .beta1 = 0}};
  Random random_{3};
};

}  // namespace forger
