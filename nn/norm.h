#pragma once

#include <string>

#include "autograd/scope.h"
#include "nn/module.h"

/// Normalisation layers, and normalisation of other layers' weights.
namespace forger::nn {

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
  /// leaky_relu(forward(x), slope), in training as one op.
  Tensor forward_leaky_relu(const Tensor& x, double slope);
  std::string describe() const override;

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  void check(const Tensor& x) const;
  Tensor normalize_by_running(const Tensor& x) const;
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

/// layer_norm() over the last axes, whose extents are `shape`; weight 1 and bias 0 of that shape.
class LayerNorm : public Module {
 public:
  LayerNorm(Module& parent, std::string name, const Shape& shape, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  double eps_;
};

/// group_norm() of x [N, channels, ...]; weight and bias [channels].
class GroupNorm : public Module {
 public:
  GroupNorm(Module& parent, std::string name, int64_t groups, int64_t channels, double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  int64_t groups_;
  double eps_;
};

/// instance_norm() of x [N, channels, H, W]; weight and bias [channels] only if `affine`.
class InstanceNorm2d : public Module {
 public:
  InstanceNorm2d(Module& parent, std::string name, int64_t channels, bool affine = false,
                 double eps = 1e-5);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Tensor weight, bias;

 private:
  int64_t channels_;
  double eps_;
};

/// A normal vector of length 1 from init_random().
Tensor random_unit_vector(int64_t n);

/// What SpectralNorm keeps beside the weight: u and v approximate its first singular vectors.
struct SingularVectors {
  Tensor u, v;
};
/// One step of the power method on the weight as a matrix [extent of `axis`, the rest], in place:
/// v = W^T u / |W^T u|, u = W v / |W v|.
void power_iteration(const Tensor& weight, int axis, const SingularVectors& vectors);
/// weight / sigma with sigma = u^T W v, where u and v count as constants.
Tensor divide_by_sigma(const Tensor& weight, int axis, const SingularVectors& vectors,
                       SourceLoc loc);

/// The same layer with its weight divided by an estimate of its largest singular value (Miyato et
/// al. 2018, arXiv 1802.05957, algorithm 1), refined by one step at each call in training. The
/// names are those of torch.nn.utils.spectral_norm: weight_orig, weight_u, weight_v.
///
///     nn::SpectralNorm<nn::Conv2d> conv{*this, "conv", 3, 64, {.kernel = 4, .stride = 2}};
template <class Layer>
class SpectralNorm : public Layer {
 public:
  template <class... Arguments>
  SpectralNorm(Module& parent, std::string name, Arguments&&... arguments)
      : Layer(parent, std::move(name), std::forward<Arguments>(arguments)...),
        weight_orig(this->weight) {
    this->rename("weight", "weight_orig");
    const int64_t rows = weight_orig.shape()[Layer::kOutputAxis];
    vectors_ = {this->buffer("weight_u", random_unit_vector(rows)),
                this->buffer("weight_v", random_unit_vector(weight_orig.numel() / rows))};
  }

  Tensor forward(const Tensor& x) override {
    if (this->training()) power_iteration(weight_orig, Layer::kOutputAxis, vectors_);
    this->weight = divide_by_sigma(weight_orig, Layer::kOutputAxis, vectors_, call_site());
    Tensor y = Layer::forward(x);
    this->weight = weight_orig;
    return y;
  }
  std::string describe() const override { return "spectral norm of " + Layer::describe(); }

  Tensor weight_orig;

 private:
  SingularVectors vectors_;
};

/// The norm of each slice of the weight along `axis`, kept as extent 1 in all others.
Tensor norm_except(const Tensor& weight, int axis, SourceLoc loc);

/// The same layer with its weight as length times direction, w = g v / |v| for each output
/// (Salimans & Kingma 2016, arXiv 1602.07868); the names are those of torch.nn.utils.weight_norm:
/// weight_g, weight_v. The axis is the first, as there by default.
template <class Layer>
class WeightNorm : public Layer {
 public:
  template <class... Arguments>
  WeightNorm(Module& parent, std::string name, Arguments&&... arguments)
      : Layer(parent, std::move(name), std::forward<Arguments>(arguments)...),
        weight_v(this->weight),
        weight_g(this->parameter("weight_g", norm_except(this->weight, 0, {}))) {
    this->rename("weight", "weight_v");
  }

  Tensor forward(const Tensor& x) override {
    const SourceLoc loc = call_site();
    this->weight = mul(weight_v, div(weight_g, norm_except(weight_v, 0, loc), loc), loc);
    Tensor y = Layer::forward(x);
    this->weight = weight_v;
    return y;
  }
  std::string describe() const override { return "weight norm of " + Layer::describe(); }

  Tensor weight_v, weight_g;
};

}  // namespace forger::nn
