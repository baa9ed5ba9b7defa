#include "nn/layers.h"

#include <cmath>

#include "autograd/error.h"
#include "autograd/scope.h"
#include "nn/init.h"

namespace forger::nn {
namespace {

/// PyTorch's default for linear and convolution layers: uniform in +-1/sqrt(fan_in), which is what
/// He's initialisation (He et al. 2015, arXiv 1502.01852) gives with its gain for a slope of
/// sqrt(5).
Tensor default_init(const Shape& shape, int64_t fan_in) {
  const double bound = fan_in > 0 ? 1 / std::sqrt(static_cast<double>(fan_in)) : 0;
  return init_random().uniform(shape, -bound, bound);
}

std::string arrow(int64_t in, int64_t out) {
  return std::to_string(in) + " -> " + std::to_string(out);
}

}  // namespace

// The layers hand call_site() to their ops: a node then names the line that called the layer.

Linear::Linear(Module& parent, std::string name, int64_t in, int64_t out, bool with_bias)
    : Module(parent, std::move(name)),
      weight(parameter("weight", default_init({out, in}, in))),
      bias(with_bias ? parameter("bias", default_init({out}, in)) : Tensor()) {}

Tensor Linear::forward(const Tensor& x) { return linear(x, weight, bias, call_site()); }

std::string Linear::describe() const {
  return "Linear(" + arrow(weight.shape()[1], weight.shape()[0]) + ")";
}

Conv2d::Conv2d(Module& parent, std::string name, int64_t in, int64_t out, Conv2dOptions options)
    : Module(parent, std::move(name)),
      weight(parameter("weight", default_init({out, in, options.kernel, options.kernel},
                                              in * options.kernel * options.kernel))),
      bias(options.bias
               ? parameter("bias", default_init({out}, in * options.kernel * options.kernel))
               : Tensor()),
      options_(options) {}

Tensor Conv2d::forward(const Tensor& x) {
  return conv2d(x, weight, bias, {options_.stride, options_.padding, options_.dilation},
                call_site());
}

std::string Conv2d::describe() const {
  return "Conv2d(" + arrow(weight.shape()[1], weight.shape()[0]) + ", kernel " +
         std::to_string(options_.kernel) + ", stride " + std::to_string(options_.stride) +
         ", padding " + std::to_string(options_.padding) + ")";
}

ConvTranspose2d::ConvTranspose2d(Module& parent, std::string name, int64_t in, int64_t out,
                                 ConvTranspose2dOptions options)
    : Module(parent, std::move(name)),
      // As in PyTorch the fan-in is that of the convolution whose adjoint this is.
      weight(parameter("weight", default_init({in, out, options.kernel, options.kernel},
                                              out * options.kernel * options.kernel))),
      bias(options.bias
               ? parameter("bias", default_init({out}, out * options.kernel * options.kernel))
               : Tensor()),
      options_(options) {}

Tensor ConvTranspose2d::forward(const Tensor& x) {
  return conv_transpose2d(x, weight, bias, {options_.stride, options_.padding, options_.dilation},
                          options_.output_padding, call_site());
}

std::string ConvTranspose2d::describe() const {
  return "ConvTranspose2d(" + arrow(weight.shape()[0], weight.shape()[1]) + ", kernel " +
         std::to_string(options_.kernel) + ", stride " + std::to_string(options_.stride) +
         ", padding " + std::to_string(options_.padding) + ")";
}

BatchNorm::BatchNorm(Module& parent, std::string name, int rank, int64_t features,
                     BatchNormOptions options)
    : Module(parent, std::move(name)),
      weight(parameter("weight", Tensor::ones({features}))),
      bias(parameter("bias", Tensor::zeros({features}))),
      running_mean(buffer("running_mean", Tensor::zeros({features}))),
      running_var(buffer("running_var", Tensor::ones({features}))),
      num_batches_tracked(buffer("num_batches_tracked", Tensor::scalar(0))),
      rank_(rank),
      options_(options) {}

Tensor BatchNorm::forward(const Tensor& x) {
  const SourceLoc loc = call_site();
  const int64_t features = weight.shape()[0];
  if (x.rank() != rank_ || x.shape()[1] != features) {
    fail("batch_norm", "x does not fit this layer",
         {"x  " + x.shape().str() + ", expected [N, " + std::to_string(features) +
          (rank_ == 4 ? ", H, W]" : "]")},
         loc);
  }
  if (training()) {
    BatchStats stats;
    const Tensor y = batch_norm(x, weight, bias, options_.eps, &stats, loc);
    update_running(stats, x.numel() / features);
    return y;
  }
  // One scale and one shift per channel, [C] or [C, 1, 1], to broadcast over x.
  const Shape per_channel = rank_ == 4 ? Shape{features, 1, 1} : Shape{features};
  const Tensor rstd = div(
      Tensor::scalar(1), sqrt(add(running_var, Tensor::scalar(static_cast<Scalar>(options_.eps)))));
  const Tensor scale = mul(weight, rstd, loc);
  const Tensor shift = sub(bias, mul(running_mean, scale, loc), loc);
  return add(mul(x, reshape_to(scale, per_channel, loc), loc), reshape_to(shift, per_channel, loc),
             loc);
}

void BatchNorm::update_running(const BatchStats& stats, int64_t values_per_channel) {
  const auto count = static_cast<Scalar>(values_per_channel);
  const auto momentum = static_cast<Scalar>(options_.momentum);
  Scalar* mean = running_mean.mutable_data();
  Scalar* var = running_var.mutable_data();
  for (int64_t c = 0; c < running_mean.numel(); ++c) {
    mean[c] += momentum * (stats.mean.data()[c] - mean[c]);
    var[c] += momentum * (stats.var.data()[c] * count / (count - 1) - var[c]);
  }
  *num_batches_tracked.mutable_data() += 1;
}

std::string BatchNorm::describe() const {
  return std::string(rank_ == 4 ? "BatchNorm2d(" : "BatchNorm1d(") +
         std::to_string(weight.numel()) + ")";
}

Tensor ReLU::forward(const Tensor& x) { return relu(x, call_site()); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x, call_site()); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x, call_site()); }

LeakyReLU::LeakyReLU(Module& parent, std::string name, double slope)
    : Module(parent, std::move(name)), slope_(slope) {}

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, slope_, call_site()); }

std::string LeakyReLU::describe() const {
  std::string slope = std::to_string(slope_);
  return "LeakyReLU(" + slope.substr(0, slope.find_last_not_of('0') + 1) + ")";
}

Tensor Flatten::forward(const Tensor& x) { return flatten(x, call_site()); }

Reshape::Reshape(Module& parent, std::string name, std::vector<int64_t> extents)
    : Module(parent, std::move(name)), extents_(std::move(extents)) {}

Tensor Reshape::forward(const Tensor& x) {
  std::vector<int64_t> extents = {x.shape()[0]};
  extents.insert(extents.end(), extents_.begin(), extents_.end());
  return reshape(x, extents, call_site());
}

std::string Reshape::describe() const {
  return "Reshape(N x " + Shape(extents_.data(), static_cast<int>(extents_.size())).str() + ")";
}

Tensor Sequential::forward(const Tensor& x) {
  const SourceLoc loc = call_site();
  Tensor y = x;
  for (const auto& layer : layers_) y = (*layer)(y, loc);
  return y;
}

}  // namespace forger::nn
