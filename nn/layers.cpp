#include "nn/layers.h"

#include <cmath>
#include <optional>
#include <typeinfo>

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

constexpr uint64_t kDropoutStream = 0x64726f70;

std::string window(const PoolOptions& options) {
  const int64_t stride = options.stride == 0 ? options.kernel : options.stride;
  return "kernel " + std::to_string(options.kernel) + ", stride " + std::to_string(stride) +
         ", padding " + std::to_string(options.padding);
}

// A class derived from one of these may compute something else, so the type has to be the very one.

std::optional<double> leaky_relu_slope(const Module& layer) {
  if (typeid(layer) == typeid(ReLU)) return 0;
  if (typeid(layer) == typeid(LeakyReLU)) return static_cast<const LeakyReLU&>(layer).slope();
  return std::nullopt;
}

/// leaky_relu(layer(x), slope) as one op, or nothing where there is no such op, or where each call
/// is to be taken down.
Tensor call_with_leaky_relu(Module& layer, const Tensor& x, double slope, SourceLoc loc) {
  if (CallRecorder::current()) return {};
  const Scope scope(layer.path(), loc);
  if (typeid(layer) == typeid(Linear)) {
    return static_cast<Linear&>(layer).forward_leaky_relu(x, slope);
  }
  if (typeid(layer) == typeid(BatchNorm1d) || typeid(layer) == typeid(BatchNorm2d)) {
    return static_cast<BatchNorm&>(layer).forward_leaky_relu(x, slope);
  }
  return {};
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
Tensor Linear::forward_leaky_relu(const Tensor& x, double slope) {
  return linear_leaky_relu(x, weight, bias, slope, call_site());
}

int64_t Linear::multiply_adds(const Shape& x, const Shape&) const { return x[0] * weight.numel(); }

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

int64_t Conv2d::multiply_adds(const Shape&, const Shape& y) const {
  return y[0] * y[2] * y[3] * weight.numel();
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

int64_t ConvTranspose2d::multiply_adds(const Shape& x, const Shape&) const {
  return x[0] * x[2] * x[3] * weight.numel();
}

std::string ConvTranspose2d::describe() const {
  return "ConvTranspose2d(" + arrow(weight.shape()[0], weight.shape()[1]) + ", kernel " +
         std::to_string(options_.kernel) + ", stride " + std::to_string(options_.stride) +
         ", padding " + std::to_string(options_.padding) + ")";
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
  for (size_t i = 0; i < layers_.size(); ++i) {
    Module& layer = *layers_[i];
    const auto slope = i + 1 < layers_.size() ? leaky_relu_slope(*layers_[i + 1]) : std::nullopt;
    const Tensor both = slope ? call_with_leaky_relu(layer, y, *slope, loc) : Tensor();
    y = both.defined() ? both : layer(y, loc);
    if (both.defined()) ++i;
  }
  return y;
}

Embedding::Embedding(Module& parent, std::string name, int64_t classes, int64_t features)
    : Module(parent, std::move(name)),
      weight(parameter("weight", init_random().normal({classes, features}))) {}

Tensor Embedding::operator()(const std::vector<int>& labels, SourceLoc loc) {
  const Scope scope(path(), loc);
  return embedding(weight, labels, loc);
}

std::string Embedding::describe() const {
  return "Embedding(" + arrow(weight.shape()[0], weight.shape()[1]) + ")";
}

Dropout::Dropout(Module& parent, std::string name, double p)
    : Module(parent, std::move(name)), random(init_random().bits(), kDropoutStream), p_(p) {}

Tensor Dropout::forward(const Tensor& x) {
  return training() ? dropout(x, p_, random, call_site()) : x;
}

std::string Dropout::describe() const { return "Dropout(" + short_number(p_) + ")"; }

AvgPool2d::AvgPool2d(Module& parent, std::string name, PoolOptions options)
    : Module(parent, std::move(name)), options_(options) {}
Tensor AvgPool2d::forward(const Tensor& x) { return avg_pool2d(x, options_, call_site()); }
std::string AvgPool2d::describe() const { return "AvgPool2d(" + window(options_) + ")"; }

MaxPool2d::MaxPool2d(Module& parent, std::string name, PoolOptions options)
    : Module(parent, std::move(name)), options_(options) {}
Tensor MaxPool2d::forward(const Tensor& x) { return max_pool2d(x, options_, call_site()); }
std::string MaxPool2d::describe() const { return "MaxPool2d(" + window(options_) + ")"; }

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Module& parent, std::string name, int64_t h, int64_t w)
    : Module(parent, std::move(name)), h_(h), w_(w) {}
Tensor AdaptiveAvgPool2d::forward(const Tensor& x) {
  return adaptive_avg_pool2d(x, h_, w_, call_site());
}
std::string AdaptiveAvgPool2d::describe() const {
  return "AdaptiveAvgPool2d(" + std::to_string(h_) + " x " + std::to_string(w_) + ")";
}

Upsample::Upsample(Module& parent, std::string name, int64_t scale, UpsampleMode mode)
    : Module(parent, std::move(name)), scale_(scale), mode_(mode) {}

Tensor Upsample::forward(const Tensor& x) {
  const SourceLoc loc = call_site();
  const int64_t h = x.rank() == 4 ? x.shape()[2] * scale_ : 0;  // the op refuses other ranks
  const int64_t w = x.rank() == 4 ? x.shape()[3] * scale_ : 0;
  return mode_ == UpsampleMode::kNearest ? upsample_nearest2d(x, h, w, loc)
                                         : upsample_bilinear2d(x, h, w, false, loc);
}

std::string Upsample::describe() const {
  return "Upsample(" + std::to_string(scale_) +
         (mode_ == UpsampleMode::kNearest ? ", nearest)" : ", bilinear)");
}

PixelShuffle::PixelShuffle(Module& parent, std::string name, int64_t r)
    : Module(parent, std::move(name)), r_(r) {}
Tensor PixelShuffle::forward(const Tensor& x) { return pixel_shuffle(x, r_, call_site()); }
std::string PixelShuffle::describe() const { return "PixelShuffle(" + std::to_string(r_) + ")"; }

}  // namespace forger::nn
