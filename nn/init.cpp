#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "autograd/error.h"
#include "autograd/ops/check.h"
#include "autograd/scope.h"

namespace forger::nn {
namespace {

constexpr uint64_t kInitStream =
    0x696e6974;  // keeps weights apart from all else a seed is used for

struct Fans {
  double in, out;
};

/// Inputs and outputs that meet in one weight, per Glorot & Bengio; a kernel's area counts for
/// both.
Fans fans(const char* op, const Tensor& weight, SourceLoc loc) {
  check_defined(op, {{"weight", weight}}, loc);
  const Shape& shape = weight.shape();
  if (shape.rank() < 2 || shape.numel() == 0) {
    fail(op, "a weight of at least two axes and one element expected", {"found " + shape.str()},
         loc);
  }
  const auto area = static_cast<double>(shape.numel() / (shape[0] * shape[1]));
  return {static_cast<double>(shape[1]) * area, static_cast<double>(shape[0]) * area};
}

}  // namespace

Random& init_random() {
  thread_local Random random(0, kInitStream);
  return random;
}

void seed_init(uint64_t seed) { init_random() = Random(seed, kInitStream); }

// Composite, so that errors and changes name the initialiser and the user's line.

void fill(const Tensor& x, double value, SourceLoc loc) {
  const Composite here("fill", loc);
  std::fill_n(x.mutable_data(loc), x.numel(), static_cast<Scalar>(value));
}

void fill_normal(const Tensor& x, double mean, double stddev, Random& random, SourceLoc loc) {
  const Composite here("fill_normal", loc);
  copy(random.normal(x.shape(), mean, stddev), x, loc);
}

void fill_uniform(const Tensor& x, double low, double high, Random& random, SourceLoc loc) {
  const Composite here("fill_uniform", loc);
  copy(random.uniform(x.shape(), low, high), x, loc);
}

void xavier_uniform(const Tensor& weight, double gain, Random& random, SourceLoc loc) {
  const Composite here("xavier_uniform", loc);
  const auto [in, out] = fans("xavier_uniform", weight, loc);
  const double bound = gain * std::sqrt(6 / (in + out));
  fill_uniform(weight, -bound, bound, random, loc);
}

void he_normal(const Tensor& weight, Random& random, SourceLoc loc) {
  const Composite here("he_normal", loc);
  fill_normal(weight, 0, std::sqrt(2 / fans("he_normal", weight, loc).in), random, loc);
}

void dcgan_init(const Module& module, Random& random, SourceLoc loc) {
  const Composite here("dcgan_init", loc);
  for (const auto& [name, tensor] : module.named_parameters()) {
    const bool is_bias = name == "bias" || name.ends_with(".bias");
    if (is_bias) {
      fill(tensor, 0, loc);
    } else if (tensor.rank() == 1) {  // of the layers with weights only a norm's has one axis
      fill_normal(tensor, 1, 0.02, random, loc);
    } else {
      fill_normal(tensor, 0, 0.02, random, loc);
    }
  }
}

}  // namespace forger::nn
