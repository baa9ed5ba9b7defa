#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "autograd/error.h"

namespace forger::nn {
namespace {

constexpr uint64_t kInitStream =
    0x696e6974;  // keeps weights apart from all else a seed is used for

void assign(const Tensor& x, const Tensor& values) {
  std::copy_n(values.data(), values.numel(), x.mutable_data());
}

struct Fans {
  double in, out;
};

/// Inputs and outputs that meet in one weight, per Glorot & Bengio; a kernel's area counts for
/// both.
Fans fans(const Tensor& weight) {
  const Shape& shape = weight.shape();
  if (shape.rank() < 2) {
    throw Error("init: a weight of at least two axes expected\n  found " + shape.str());
  }
  const double area =
      static_cast<double>(shape.numel() / std::max<int64_t>(shape[0] * shape[1], 1));
  return {static_cast<double>(shape[1]) * area, static_cast<double>(shape[0]) * area};
}

}  // namespace

Random& init_random() {
  thread_local Random random(0, kInitStream);
  return random;
}

void seed_init(uint64_t seed) { init_random() = Random(seed, kInitStream); }

void fill(const Tensor& x, double value) {
  std::fill_n(x.mutable_data(), x.numel(), static_cast<Scalar>(value));
}

void fill_normal(const Tensor& x, double mean, double stddev, Random& random) {
  assign(x, random.normal(x.shape(), mean, stddev));
}

void fill_uniform(const Tensor& x, double low, double high, Random& random) {
  assign(x, random.uniform(x.shape(), low, high));
}

void xavier_uniform(const Tensor& weight, double gain, Random& random) {
  const auto [in, out] = fans(weight);
  const double bound = gain * std::sqrt(6 / (in + out));
  fill_uniform(weight, -bound, bound, random);
}

void he_normal(const Tensor& weight, Random& random) {
  fill_normal(weight, 0, std::sqrt(2 / fans(weight).in), random);
}

void dcgan_init(const Module& module, Random& random) {
  for (const auto& [name, tensor] : module.named_parameters()) {
    const bool is_bias = name == "bias" || name.ends_with(".bias");
    if (is_bias) {
      fill(tensor, 0);
    } else if (tensor.rank() == 1) {  // of the layers with weights only a norm's has one axis
      fill_normal(tensor, 1, 0.02, random);
    } else {
      fill_normal(tensor, 0, 0.02, random);
    }
  }
}

}  // namespace forger::nn
