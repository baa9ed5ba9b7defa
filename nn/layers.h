#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

/// Layers under PyTorch's names, with its parameters' names, shapes and default initialisation.
namespace forger::nn {

/// y = x weight^T + bias; x [N, in], weight [out, in], bias [out]. Both start uniform in
/// +-1/sqrt(in).
class Linear : public Module {
 public:
  Linear(Module& parent, std::string name, int64_t in, int64_t out, bool with_bias = true);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;
};

struct Conv2dOptions {
  int64_t kernel, stride = 1, padding = 0, dilation = 1;
  bool bias = true;
};

/// The cross-correlation conv2d() of x [N, in, H, W] with weight [out, in, kernel, kernel].
class Conv2d : public Module {
 public:
  Conv2d(Module& parent, std::string name, int64_t in, int64_t out, Conv2dOptions options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  Conv2dOptions options_;
};

struct ConvTranspose2dOptions {
  int64_t kernel, stride = 1, padding = 0, output_padding = 0, dilation = 1;
  bool bias = true;
};

/// conv_transpose2d() of x [N, in, H, W] with weight [in, out, kernel, kernel].
class ConvTranspose2d : public Module {
 public:
  ConvTranspose2d(Module& parent, std::string name, int64_t in, int64_t out,
                  ConvTranspose2dOptions options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  ConvTranspose2dOptions options_;
};

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // how far the running statistics move towards each batch's
};

/// batch_norm() in training, and normalisation by the running statistics in evaluation (Ioffe &
/// Szegedy 2015, algorithm 2). As in PyTorch the running variance is the unbiased one.
class BatchNorm : public Module {
 public:
  BatchNorm(Module& parent, std::string name, int rank, int64_t features, BatchNormOptions options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  void update_running(const BatchStats& stats, int64_t values_per_channel);

  int rank_;
  BatchNormOptions options_;
};

/// BatchNorm of x [N, features].
struct BatchNorm1d : BatchNorm {
  BatchNorm1d(Module& parent, std::string name, int64_t features, BatchNormOptions options = {})
      : BatchNorm(parent, std::move(name), 2, features, options) {}
};
/// BatchNorm of x [N, features, H, W].
struct BatchNorm2d : BatchNorm {
  BatchNorm2d(Module& parent, std::string name, int64_t features, BatchNormOptions options = {})
      : BatchNorm(parent, std::move(name), 4, features, options) {}
};

// Activations as modules, for Sequential.
struct ReLU : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "ReLU"; }
};
struct Tanh : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Tanh"; }
};
struct Sigmoid : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sigmoid"; }
};
class LeakyReLU : public Module {
 public:
  LeakyReLU(Module& parent, std::string name, double slope = 0.01);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  double slope_;
};

/// [N, ...] -> [N, the product of the rest].
struct Flatten : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Flatten"; }
};
/// [N, ...] -> [N, extents...].
class Reshape : public Module {
 public:
  Reshape(Module& parent, std::string name, std::vector<int64_t> extents);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  std::vector<int64_t> extents_;
};

/// Layers one behind the other, named "0", "1", ... as in PyTorch:
///
///     nn::Sequential net{*this, "net"};
///     net.add<nn::Linear>(100, 256);
///     net.add<nn::ReLU>();
class Sequential : public Module {
 public:
  using Module::Module;

  /// Appends a layer; the arguments are those of its constructor behind the name.
  template <class Layer, class... Arguments>
  Layer& add(Arguments&&... arguments) {
    auto layer = std::make_unique<Layer>(*this, std::to_string(layers_.size()),
                                         std::forward<Arguments>(arguments)...);
    Layer& added = *layer;
    layers_.push_back(std::move(layer));
    return added;
  }
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sequential"; }

 private:
  std::vector<std::unique_ptr<Module>> layers_;
};

}  // namespace forger::nn
