#include "nn/layers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <typeinfo>

#include "autograd/ops/check.h"
#include "autograd/random.h"
#include "nn/init.h"

namespace forger::nn {
namespace {

/// Draws from PyTorch's default for linear and convolution layers: uniform in +-1/sqrt(fan_in).
/// This is He's initialisation (He et al. 2015, arXiv 1502.01852) with its gain for a slope of
/// sqrt(5).
Tensor default_init(const Shape& shape, double fan_in) {
  const double bound = 1 / std::sqrt(fan_in);
  return init_random().uniform(shape, -bound, bound);
}

double square(int64_t kernel) { return static_cast<double>(kernel) * static_cast<double>(kernel); }

template <class Options>
bool is_valid(int64_t in, int64_t out, const Options& o) {
  return std::min({in, out, o.kernel, o.stride, o.dilation}) >= 1 && o.padding >= 0;
}
constexpr const char* kValidConv =
    "at least one channel, kernel, stride and dilation of at least 1, and padding of at least 0";

bool is_valid(const PoolOptions& o) {
  return o.kernel >= 1 && o.stride >= 0 && o.padding >= 0 && o.padding <= o.kernel / 2;
}
constexpr const char* kValidPool =
    "a kernel of at least 1, a stride of at least 0, and padding of 0 to half the kernel";

std::string window(const PoolOptions& options) {
  const int64_t stride = options.stride == 0 ? options.kernel : options.stride;
  return "kernel " + std::to_string(options.kernel) + ", stride " + std::to_string(stride) +
         ", padding " + std::to_string(options.padding);
}

// A class derived from one of these may compute something else, so the exact type is compared.

std::optional<double> leaky_relu_slope(const Module& layer) {
  if (typeid(layer) == typeid(ReLU)) return 0;
  if (typeid(layer) == typeid(LeakyReLU)) return static_cast<const LeakyReLU&>(layer).slope();
  return std::nullopt;
}

std::string arrow(int64_t in, int64_t out) {
  return std::to_string(in) + " -> " + std::to_string(out);
}

template <class Options>
std::string describe_conv(int64_t in, int64_t out, const Options& options) {
  return arrow(in, out) + ", kernel " + std::to_string(options.kernel) + ", stride " +
         std::to_string(options.stride) + ", padding " + std::to_string(options.padding);
}

/// Returns side * scale, or the largest number if that overflows. The op refuses either.
int64_t enlarged(int64_t side, int64_t scale) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  return side > kMost / scale ? kMost : side * scale;
}

}  // namespace

// The layers hand call_site() to their ops, so that a node names the line that called the layer.

Linear::Linear(Module& parent, std::string name, int64_t in, int64_t out, bool with_bias,
               SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(in, out)),
      bias(with_bias ? parameter("bias", default_init({out}, static_cast<double>(in)))
                     : Parameter()) {}

Parameter Linear::new_weight(int64_t in, int64_t out) {
  expect(in >= 1 && out >= 1, "Linear", "at least one input and one output", arrow(in, out));
  return parameter("weight", default_init(Shape({out, in}, made_at()), static_cast<double>(in)));
}

Tensor Linear::forward_with(const Tensor& x, const Tensor& w) {
  return linear(x, w, bias, call_site());
}
Tensor Linear::forward_leaky_relu(const Tensor& x, double slope) {
  return linear_leaky_relu(x, weight, bias, slope, call_site());
}

int64_t Linear::multiply_adds(const Shape&, const Shape& y) const {
  return y.numel() * weight.shape()[1];
}

std::string Linear::describe() const {
  return "Linear(" + arrow(weight.shape()[1], weight.shape()[0]) + ")";
}

Conv2d::Conv2d(Module& parent, std::string name, int64_t in, int64_t out, Conv2dOptions options,
               SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(in, out, options)),
      bias(options.bias ? parameter("bias", default_init({out}, static_cast<double>(in) *
                                                                    square(options.kernel)))
                        : Parameter()),
      options_(options) {}

Parameter Conv2d::new_weight(int64_t in, int64_t out, const Conv2dOptions& options) {
  expect(is_valid(in, out, options), "Conv2d", kValidConv,
         describe_conv(in, out, options) + ", dilation " + std::to_string(options.dilation));
  return parameter("weight",
                   default_init(Shape({out, in, options.kernel, options.kernel}, made_at()),
                                static_cast<double>(in) * square(options.kernel)));
}

Tensor Conv2d::forward_with(const Tensor& x, const Tensor& w) {
  return conv2d(x, w, bias, {options_.stride, options_.padding, options_.dilation}, call_site());
}

int64_t Conv2d::multiply_adds(const Shape&, const Shape& y) const {
  return y[0] * y[2] * y[3] * weight.numel();
}

std::string Conv2d::describe() const {
  return "Conv2d(" + describe_conv(weight.shape()[1], weight.shape()[0], options_) + ")";
}

ConvTranspose2d::ConvTranspose2d(Module& parent, std::string name, int64_t in, int64_t out,
                                 ConvTranspose2dOptions options, SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(in, out, options)),
      bias(options.bias ? parameter("bias", default_init({out}, static_cast<double>(out) *
                                                                    square(options.kernel)))
                        : Parameter()),
      options_(options) {}

Parameter ConvTranspose2d::new_weight(int64_t in, int64_t out,
                                      const ConvTranspose2dOptions& options) {
  expect(is_valid(in, out, options) && options.output_padding >= 0 &&
             options.output_padding < std::max(options.stride, options.dilation),
         "ConvTranspose2d",
         std::string(kValidConv) + ", and output_padding below stride or dilation",
         describe_conv(in, out, options) + ", dilation " + std::to_string(options.dilation) +
             ", output_padding " + std::to_string(options.output_padding));
  // As in PyTorch the fan-in is that of the convolution whose adjoint this is.
  return parameter("weight",
                   default_init(Shape({in, out, options.kernel, options.kernel}, made_at()),
                                static_cast<double>(out) * square(options.kernel)));
}

Tensor ConvTranspose2d::forward_with(const Tensor& x, const Tensor& w) {
  return conv_transpose2d(x, w, bias, {options_.stride, options_.padding, options_.dilation},
                          options_.output_padding, call_site());
}

int64_t ConvTranspose2d::multiply_adds(const Shape& x, const Shape&) const {
  return x[0] * x[2] * x[3] * weight.numel();
}

std::string ConvTranspose2d::describe() const {
  return "ConvTranspose2d(" + describe_conv(weight.shape()[0], weight.shape()[1], options_) + ")";
}

Tensor Flatten::forward(const Tensor& x) { return flatten(x, call_site()); }

Reshape::Reshape(Module& parent, std::string name, std::vector<int64_t> extents, SourceLoc loc)
    : Module(parent, std::move(name), loc), extents_(std::move(extents)) {
  const auto rest = std::count(extents_.begin(), extents_.end(), -1);
  const bool positive =
      std::all_of(extents_.begin(), extents_.end(), [](int64_t n) { return n >= 1 || n == -1; });
  expect(extents_.size() < Shape::kMaxRank && rest <= 1 && positive, "Reshape",
         "at most three extents of at least 1, of which one may be -1,", describe());
}

Tensor Reshape::forward(const Tensor& x) {
  check_defined("Reshape", {{"x", x}}, call_site());
  if (x.rank() < 1) {
    fail("Reshape", "a batch expected", {"x  " + x.shape().str() + ", expected [N, ...]"},
         call_site());
  }
  std::vector<int64_t> extents = {x.shape()[0]};
  extents.insert(extents.end(), extents_.begin(), extents_.end());
  return reshape(x, extents, call_site());
}

std::string Reshape::describe() const {
  std::string text;
  for (const int64_t n : extents_) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "Reshape(N x [" + text + "])";
}

Tensor Sequential::call_with_leaky_relu(Module& layer, const Tensor& x, double slope,
                                        SourceLoc loc) {
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

Tensor Sequential::forward(const Tensor& x) {
  const SourceLoc loc = call_site();
  Tensor y = x;
  for (size_t i = 0; i < size(); ++i) {
    Module& layer = (*this)[i];
    const auto slope = i + 1 < size() ? leaky_relu_slope((*this)[i + 1]) : std::nullopt;
    const Tensor both = slope ? call_with_leaky_relu(layer, y, *slope, loc) : Tensor();
    y = both.defined() ? both : layer(y, loc);
    if (both.defined()) ++i;
  }
  return y;
}

Embedding::Embedding(Module& parent, std::string name, int64_t classes, int64_t features,
                     SourceLoc loc)
    : Module(parent, std::move(name), loc), weight(new_weight(classes, features)) {}

Parameter Embedding::new_weight(int64_t classes, int64_t features) {
  expect(classes >= 1 && features >= 1, "Embedding", "at least one class and one feature",
         arrow(classes, features));
  return parameter("weight", init_random().normal(Shape({classes, features}, made_at())));
}

Tensor Embedding::operator()(const std::vector<int>& labels, SourceLoc loc) {
  const Scope scope(path(), loc);
  return embedding(weight, labels, loc);
}

std::string Embedding::describe() const {
  return "Embedding(" + arrow(weight.shape()[0], weight.shape()[1]) + ")";
}

namespace {

constexpr uint64_t kDropoutStream = 0x64726f70;
constexpr int kDigits = 4, kDigitBits = 16;  // of a 64-bit number in Dropout::random_state

void write_digits(uint64_t number, Scalar* digits) {
  for (int i = 0; i < kDigits; ++i) {
    digits[i] = static_cast<Scalar>(number >> (i * kDigitBits) & 0xffff);
  }
}

/// Returns the number, or nothing if a digit is invalid, because the state may come from a file.
std::optional<uint64_t> read_digits(const Scalar* digits) {
  uint64_t number = 0;
  for (int i = kDigits; i-- > 0;) {
    const Scalar digit = digits[i];
    if (!(digit >= 0 && digit <= 0xffff && digit == std::floor(digit))) return std::nullopt;
    number = number << kDigitBits | static_cast<uint64_t>(digit);
  }
  return number;
}

}  // namespace

Dropout::Dropout(Module& parent, std::string name, double p, SourceLoc loc)
    : Module(parent, std::move(name), loc),
      random_state(buffer("random_state", Tensor::zeros({2, kDigits}))),
      p_(p) {
  expect(p >= 0 && p < 1, "Dropout", "a probability of at least 0 and below 1", short_number(p));
  write_digits(init_random().bits(), random_state.mutable_data());
}

Tensor Dropout::forward(const Tensor& x) {
  if (!training()) return x;
  const auto seed = read_digits(random_state.data());
  const auto counter = read_digits(random_state.data() + kDigits);
  if (!seed || !counter) {
    fail("Dropout", "random_state holds numbers that are not 16-bit digits",
         {"found  " + random_state.str()}, call_site());
  }
  Random random(*seed, kDropoutStream);
  random.set_counter(*counter);
  const Tensor y = dropout(x, p_, random, call_site());
  write_digits(random.counter(), random_state.mutable_data(call_site()) + kDigits);
  return y;
}

std::string Dropout::describe() const { return "Dropout(" + short_number(p_) + ")"; }

AvgPool2d::AvgPool2d(Module& parent, std::string name, PoolOptions options, SourceLoc loc)
    : Module(parent, std::move(name), loc), options_(options) {
  expect(is_valid(options), "AvgPool2d", kValidPool, window(options));
}
Tensor AvgPool2d::forward(const Tensor& x) { return avg_pool2d(x, options_, call_site()); }
std::string AvgPool2d::describe() const { return "AvgPool2d(" + window(options_) + ")"; }

MaxPool2d::MaxPool2d(Module& parent, std::string name, PoolOptions options, SourceLoc loc)
    : Module(parent, std::move(name), loc), options_(options) {
  expect(is_valid(options), "MaxPool2d", kValidPool, window(options));
}
Tensor MaxPool2d::forward(const Tensor& x) { return max_pool2d(x, options_, call_site()); }
std::string MaxPool2d::describe() const { return "MaxPool2d(" + window(options_) + ")"; }

AdaptiveAvgPool2d::AdaptiveAvgPool2d(Module& parent, std::string name, int64_t h, int64_t w,
                                     SourceLoc loc)
    : Module(parent, std::move(name), loc), h_(h), w_(w) {
  expect(h >= 1 && w >= 1, "AdaptiveAvgPool2d", "a size of at least 1 x 1",
         std::to_string(h) + " x " + std::to_string(w));
}
Tensor AdaptiveAvgPool2d::forward(const Tensor& x) {
  return adaptive_avg_pool2d(x, h_, w_, call_site());
}
std::string AdaptiveAvgPool2d::describe() const {
  return "AdaptiveAvgPool2d(" + std::to_string(h_) + " x " + std::to_string(w_) + ")";
}

Upsample::Upsample(Module& parent, std::string name, int64_t scale, UpsampleMode mode,
                   SourceLoc loc)
    : Module(parent, std::move(name), loc), scale_(scale), mode_(mode) {
  expect(scale >= 1, "Upsample", "a scale of at least 1", std::to_string(scale));
}

Tensor Upsample::forward(const Tensor& x) {
  const SourceLoc loc = call_site();
  // The op refuses other ranks than 4.
  const int64_t h = x.rank() == 4 ? enlarged(x.shape()[2], scale_) : 1;
  const int64_t w = x.rank() == 4 ? enlarged(x.shape()[3], scale_) : 1;
  return mode_ == UpsampleMode::kNearest ? upsample_nearest2d(x, h, w, loc)
                                         : upsample_bilinear2d(x, h, w, false, loc);
}

std::string Upsample::describe() const {
  return "Upsample(" + std::to_string(scale_) +
         (mode_ == UpsampleMode::kNearest ? ", nearest)" : ", bilinear)");
}

PixelShuffle::PixelShuffle(Module& parent, std::string name, int64_t r, SourceLoc loc)
    : Module(parent, std::move(name), loc), r_(r) {
  expect(r >= 1, "PixelShuffle", "a factor of at least 1", std::to_string(r));
}
Tensor PixelShuffle::forward(const Tensor& x) { return pixel_shuffle(x, r_, call_site()); }
std::string PixelShuffle::describe() const { return "PixelShuffle(" + std::to_string(r_) + ")"; }

}  // namespace forger::nn
