#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/scope.h"
#include "nn/module.h"

/// Normalisation layers, and normalisation of other layers' weights.
namespace forger::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // running += momentum (batch's - running)
};

/// Runs batch_norm() in training, and normalises by the running statistics in evaluation (Ioffe &
/// Szegedy 2015, algorithm 2). As in PyTorch the running variance is the unbiased one.
class BatchNorm : public Module {
 public:
  using Options = BatchNormOptions;
  BatchNorm(Module& parent, std::string name, int rank, int64_t features, BatchNormOptions options,
            SourceLoc loc);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Parameter weight, bias;
  Buffer running_mean, running_var, num_batches_tracked;

 private:
  friend class Sequential;
  /// Computes leaky_relu(forward(x), slope), in training as one op.
  Tensor forward_leaky_relu(const Tensor& x, double slope);
  Parameter new_weight(int64_t features, const BatchNormOptions& options);
  void check(const Tensor& x) const;
  Tensor normalize_by_running(const Tensor& x) const;
  void update_running(const BatchStats& stats, int64_t values_per_channel);

  int rank_;
  BatchNormOptions options_;
};

/// BatchNorm of x [N, features].
struct BatchNorm1d : BatchNorm {
  BatchNorm1d(Module& parent, std::string name, int64_t features, BatchNormOptions options = {},
              SourceLoc loc = SourceLoc::here())
      : BatchNorm(parent, std::move(name), 2, features, options, loc) {}
};
/// BatchNorm of x [N, features, H, W].
struct BatchNorm2d : BatchNorm {
  BatchNorm2d(Module& parent, std::string name, int64_t features, BatchNormOptions options = {},
              SourceLoc loc = SourceLoc::here())
      : BatchNorm(parent, std::move(name), 4, features, options, loc) {}
};

/// layer_norm() over the last axes, whose extents are `shape`; weight 1 and bias 0 of that shape.
class LayerNorm : public Module {
 public:
  using Options = Shape;  // so that add<LayerNorm>({8, 8}) compiles
  LayerNorm(Module& parent, std::string name, const Shape& shape, double eps = 1e-5,
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Parameter weight, bias;

 private:
  Parameter new_weight(const Shape& shape, double eps);

  double eps_;
};

/// group_norm() of x [N, channels, ...]; weight and bias [channels].
class GroupNorm : public Module {
 public:
  GroupNorm(Module& parent, std::string name, int64_t groups, int64_t channels, double eps = 1e-5,
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Parameter weight, bias;

 private:
  Parameter new_weight(int64_t groups, int64_t channels, double eps);

  int64_t groups_;
  double eps_;
};

/// instance_norm() of x [N, channels, H, W]; weight and bias [channels] only if `affine`.
class InstanceNorm2d : public Module {
 public:
  InstanceNorm2d(Module& parent, std::string name, int64_t channels, bool affine = false,
                 double eps = 1e-5, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Parameter weight, bias;

 private:
  Parameter new_weight(int64_t channels, bool affine, double eps);

  int64_t channels_;
  double eps_;
};

/// True if forward_with() is defined in the class that defines forward(), or in a class derived
/// from it. SpectralNorm and WeightNorm would bypass the forward() of a class that overrides it
/// alone.
template <class Forward, class... X, class ForwardWith, class... Y>
constexpr bool defines_forward_with(Tensor (Forward::*)(X...), Tensor (ForwardWith::*)(Y...)) {
  return std::is_base_of_v<Forward, ForwardWith>;
}

/// Draws a normal vector from init_random() and scales it to length 1.
Tensor random_unit_vector(int64_t n);

/// Approximate first singular vectors of a weight as a matrix [extent of `axis`, the rest].
struct SingularVectors {
  Tensor u, v;
};
/// Computes one step of the power method: v = W^T u / |W^T u|, then u = W v / |W v|.
SingularVectors power_iteration(const Tensor& weight, int axis, const Tensor& u, SourceLoc loc);
/// Computes weight / sigma with sigma = u^T W v, where u and v count as constants.
Tensor divide_by_sigma(const Tensor& weight, int axis, const SingularVectors& vectors,
                       SourceLoc loc);

/// The same layer with its weight divided by an estimate of its largest singular value (Miyato et
/// al. 2018, arXiv 1802.05957, algorithm 1). Each call in training refines the estimate by one
/// step, which is kept when the call succeeds. The names in checkpoints are those of
/// torch.nn.utils.spectral_norm: weight_orig for `weight`, weight_u, weight_v.
///
/// Layer must have a Parameter `weight`, forward_with() as in Linear, and kOutputAxis, the axis of
/// the weight that counts outputs.
///
///     nn::SpectralNorm<nn::Conv2d> conv{*this, "conv", 3, 64, {.kernel = 4, .stride = 2}};
template <class Layer>
class SpectralNorm : public Layer {
 public:
  using Layer::Layer;

  Tensor forward(const Tensor& x) override {
    static_assert(defines_forward_with(&Layer::forward, &SpectralNorm::forward_with),
                  "override forward_with() of this layer instead of forward()");
    const SourceLoc loc = call_site();
    const bool refine = this->training();
    // Copies: a later call changes u and v, perhaps before the backward pass of this one.
    const SingularVectors now = refine ? power_iteration(this->weight, Layer::kOutputAxis, u_, loc)
                                       : SingularVectors{u_.clone(), v_.clone()};
    const Tensor y =
        this->forward_with(x, divide_by_sigma(this->weight, Layer::kOutputAxis, now, loc));
    if (refine) {
      copy(now.u, u_, loc);
      copy(now.v, v_, loc);
    }
    return y;
  }
  std::string describe() const override { return "spectral norm of " + Layer::describe(); }

 private:
  int64_t rows() const { return this->weight.shape()[Layer::kOutputAxis]; }
  Buffer new_u() {
    this->rename("weight", "weight_orig");
    return this->buffer("weight_u", random_unit_vector(rows()));
  }

  Buffer u_ = new_u();
  Buffer v_ = this->buffer("weight_v", random_unit_vector(this->weight.numel() / rows()));
};

/// Computes the norm of each slice of the weight along `axis`. The other axes stay as extent 1.
Tensor norm_except(const Tensor& weight, int axis, SourceLoc loc);
/// Computes direction length / |direction| for each slice along the first axis.
Tensor rescale(const Tensor& direction, const Tensor& length, SourceLoc loc);

/// The same layer with its weight given as length times direction, w = g v / |v| for each output
/// (Salimans & Kingma 2016, arXiv 1602.07868). The names in checkpoints are those of
/// torch.nn.utils.weight_norm: weight_g, and weight_v for `weight`. The axis is the first, which is
/// PyTorch's default. Layer must have a Parameter `weight` and forward_with() as in Linear.
template <class Layer>
class WeightNorm : public Layer {
 public:
  using Layer::Layer;

  Tensor forward(const Tensor& x) override {
    static_assert(defines_forward_with(&Layer::forward, &WeightNorm::forward_with),
                  "override forward_with() of this layer instead of forward()");
    return this->forward_with(x, rescale(this->weight, weight_g, call_site()));
  }
  std::string describe() const override { return "weight norm of " + Layer::describe(); }

  Parameter weight_g = new_length();

 private:
  Parameter new_length() {
    this->rename("weight", "weight_v");
    return this->parameter("weight_g", norm_except(this->weight, 0, this->made_at()));
  }
};

}  // namespace forger::nn
