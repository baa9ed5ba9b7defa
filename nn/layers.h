#pragma once

#include <memory>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "nn/activation.h"
#include "nn/module.h"
#include "nn/norm.h"

/// Layers under PyTorch's names, with its parameters' names, shapes and default initialisation.
namespace forger::nn {

/// y = x weight^T + bias; x [N, in], weight [out, in], bias [out]. Both start uniform in
/// +-1/sqrt(in).
class Linear : public Module {
 public:
  static constexpr int kOutputAxis = 0;  // of the weight
  Linear(Module& parent, std::string name, int64_t in, int64_t out, bool with_bias = true);
  Tensor forward(const Tensor& x) override;
  /// leaky_relu(forward(x), slope) as one op.
  Tensor forward_leaky_relu(const Tensor& x, double slope);
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
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
  static constexpr int kOutputAxis = 0;  // of the weight
  Conv2d(Module& parent, std::string name, int64_t in, int64_t out, Conv2dOptions options);
  Tensor forward(const Tensor& x) override;
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
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
  static constexpr int kOutputAxis = 1;  // of the weight
  ConvTranspose2d(Module& parent, std::string name, int64_t in, int64_t out,
                  ConvTranspose2dOptions options);
  Tensor forward(const Tensor& x) override;
  int64_t multiply_adds(const Shape& x, const Shape& y) const override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  ConvTranspose2dOptions options_;
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

/// Rows of weight [classes, features], one for each label. The weight starts standard normal.
class Embedding : public Module {
 public:
  Embedding(Module& parent, std::string name, int64_t classes, int64_t features);
  /// [labels, features].
  Tensor operator()(const std::vector<int>& labels, SourceLoc loc = SourceLoc::here());
  std::string describe() const override;

  Tensor weight;
};

/// dropout() in training, nothing in evaluation.
class Dropout : public Module {
 public:
  Dropout(Module& parent, std::string name, double p = 0.5);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Random random;  // seeded from init_random(); its counter is part of a run's state

 private:
  double p_;
};

class AvgPool2d : public Module {
 public:
  AvgPool2d(Module& parent, std::string name, PoolOptions options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  PoolOptions options_;
};
class MaxPool2d : public Module {
 public:
  MaxPool2d(Module& parent, std::string name, PoolOptions options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  PoolOptions options_;
};
class AdaptiveAvgPool2d : public Module {
 public:
  AdaptiveAvgPool2d(Module& parent, std::string name, int64_t h, int64_t w);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t h_, w_;
};

enum class UpsampleMode { kNearest, kBilinear };
/// Images enlarged `scale` times along both axes.
class Upsample : public Module {
 public:
  Upsample(Module& parent, std::string name, int64_t scale,
           UpsampleMode mode = UpsampleMode::kNearest);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t scale_;
  UpsampleMode mode_;
};
class PixelShuffle : public Module {
 public:
  PixelShuffle(Module& parent, std::string name, int64_t r);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int64_t r_;
};

/// Layers one behind the other, named "0", "1", ... as in PyTorch:
///
///     nn::Sequential net{*this, "net"};
///     net.add<nn::Linear>(100, 256);
///     net.add<nn::ReLU>();
///
/// A Linear or BatchNorm and the ReLU or LeakyReLU behind it run as one op, with the same numbers;
/// its node bears the first one's path.
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

/// Modules of one kind, named "0", "1", ... as in PyTorch, to be called by its owner:
///
///     nn::ModuleList<nn::Linear> layers{*this, "layers"};
///     layers.add(100, 256);
///     y = layers[0](x);
template <class Layer>
class ModuleList : public Module {
 public:
  using Module::Module;

  /// Appends a module; the arguments are those of its constructor behind the name.
  template <class... Arguments>
  Layer& add(Arguments&&... arguments) {
    modules_.push_back(std::make_unique<Layer>(*this, std::to_string(modules_.size()),
                                               std::forward<Arguments>(arguments)...));
    return *modules_.back();
  }
  Layer& operator[](size_t i) { return *modules_.at(i); }
  size_t size() const { return modules_.size(); }
  std::string describe() const override { return "ModuleList"; }

 private:
  std::vector<std::unique_ptr<Layer>> modules_;
};

}  // namespace forger::nn
