#include "nn/norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/graph.h"
#include "autograd/ops/check.h"
#include "autograd/random.h"
#include "nn/init.h"

namespace forger::nn {
namespace {

constexpr const char* kValidNorm = "at least one channel and a finite eps of at least 0";

bool is_valid(int64_t channels, double eps) {
  return channels >= 1 && eps >= 0 && std::isfinite(eps);
}

}  // namespace

BatchNorm::BatchNorm(Module& parent, std::string name, int rank, int64_t features,
                     BatchNormOptions options, SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(features, options)),
      bias(parameter("bias", Tensor::zeros({features}))),
      running_mean(buffer("running_mean", Tensor::zeros({features}))),
      running_var(buffer("running_var", Tensor::ones({features}))),
      num_batches_tracked(buffer("num_batches_tracked", Tensor::scalar(0))),
      rank_(rank),
      options_(options) {}

Parameter BatchNorm::new_weight(int64_t features, const BatchNormOptions& options) {
  expect(is_valid(features, options.eps) && options.momentum >= 0 && options.momentum <= 1,
         "BatchNorm", std::string(kValidNorm) + ", and a momentum of 0 to 1",
         std::to_string(features) + " features, eps " + short_number(options.eps) + ", momentum " +
             short_number(options.momentum));
  return parameter("weight", Tensor::ones({features}));
}

void BatchNorm::check(const Tensor& x) const {
  check_defined("batch_norm", {{"x", x}}, call_site());
  const int64_t features = weight.shape()[0];
  if (x.rank() == rank_ && x.shape()[1] == features) return;
  fail("batch_norm", "x does not fit this layer",
       {"x  " + x.shape().str() + ", expected [N, " + std::to_string(features) +
        (rank_ == 4 ? ", H, W]" : "]")},
       call_site());
}

Tensor BatchNorm::forward(const Tensor& x) {
  check(x);
  if (!training()) return normalize_by_running(x);
  BatchStats stats;
  const Tensor y = batch_norm(x, weight, bias, options_.eps, &stats, call_site());
  update_running(stats, x.numel() / x.shape()[1]);
  return y;
}

Tensor BatchNorm::forward_leaky_relu(const Tensor& x, double slope) {
  check(x);
  if (!training()) return leaky_relu(normalize_by_running(x), slope, call_site());
  BatchStats stats;
  const Tensor y = batch_norm_leaky_relu(x, weight, bias, slope, options_.eps, &stats, call_site());
  update_running(stats, x.numel() / x.shape()[1]);
  return y;
}

Tensor BatchNorm::normalize_by_running(const Tensor& x) const {
  const Composite here("batch_norm", call_site());
  // One scale and one shift per channel, [C] or [C, 1, 1], to broadcast over x.
  const int64_t features = weight.shape()[0];
  const Shape per_channel = rank_ == 4 ? Shape{features, 1, 1} : Shape{features};
  const Tensor scale = weight * (1.0 / sqrt(running_var + options_.eps));
  // A copy: the product keeps its factors for the backward pass, and training changes the mean.
  const Tensor shift = bias - running_mean.clone() * scale;
  return x * reshape_to(scale, per_channel) + reshape_to(shift, per_channel);
}

void BatchNorm::update_running(const BatchStats& stats, int64_t values_per_channel) {
  const SourceLoc loc = call_site();
  const auto count = static_cast<Scalar>(values_per_channel);
  const auto momentum = static_cast<Scalar>(options_.momentum);
  Scalar* mean = running_mean.mutable_data(loc);
  Scalar* var = running_var.mutable_data(loc);
  for (int64_t c = 0; c < running_mean.numel(); ++c) {
    mean[c] += momentum * (stats.mean.data()[c] - mean[c]);
    var[c] += momentum * (stats.var.data()[c] * count / (count - 1) - var[c]);
  }
  *num_batches_tracked.mutable_data(loc) += 1;
}

std::string BatchNorm::describe() const {
  return std::string(rank_ == 4 ? "BatchNorm2d(" : "BatchNorm1d(") +
         std::to_string(weight.numel()) + ")";
}

LayerNorm::LayerNorm(Module& parent, std::string name, const Shape& shape, double eps,
                     SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(shape, eps)),
      bias(parameter("bias", Tensor::zeros(shape))),
      eps_(eps) {}

Parameter LayerNorm::new_weight(const Shape& shape, double eps) {
  expect(shape.rank() >= 1 && is_valid(shape.numel(), eps), "LayerNorm",
         "a shape of at least one axis and one element, and a finite eps of at least 0,",
         "shape " + shape.str() + ", eps " + short_number(eps));
  return parameter("weight", Tensor::ones(shape));
}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(x, weight.rank(), weight, bias, eps_, call_site());
}

std::string LayerNorm::describe() const { return "LayerNorm(" + weight.shape().str() + ")"; }

GroupNorm::GroupNorm(Module& parent, std::string name, int64_t groups, int64_t channels, double eps,
                     SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(groups, channels, eps)),
      bias(parameter("bias", Tensor::zeros({channels}))),
      groups_(groups),
      eps_(eps) {}

Parameter GroupNorm::new_weight(int64_t groups, int64_t channels, double eps) {
  expect(is_valid(channels, eps) && groups >= 1 && channels % groups == 0, "GroupNorm",
         "channels that are a multiple of the groups, and a finite eps of at least 0,",
         std::to_string(channels) + " channels, " + std::to_string(groups) + " groups, eps " +
             short_number(eps));
  return parameter("weight", Tensor::ones({channels}));
}

Tensor GroupNorm::forward(const Tensor& x) {
  return group_norm(x, groups_, weight, bias, eps_, call_site());
}

std::string GroupNorm::describe() const {
  return "GroupNorm(" + std::to_string(groups_) + " groups of " +
         std::to_string(weight.numel() / groups_) + ")";
}

InstanceNorm2d::InstanceNorm2d(Module& parent, std::string name, int64_t channels, bool affine,
                               double eps, SourceLoc loc)
    : Module(parent, std::move(name), loc),
      weight(new_weight(channels, affine, eps)),
      bias(affine ? parameter("bias", Tensor::zeros({channels})) : Parameter()),
      channels_(channels),
      eps_(eps) {}

Parameter InstanceNorm2d::new_weight(int64_t channels, bool affine, double eps) {
  expect(is_valid(channels, eps), "InstanceNorm2d", kValidNorm,
         std::to_string(channels) + " channels, eps " + short_number(eps));
  return affine ? parameter("weight", Tensor::ones({channels})) : Parameter();
}

Tensor InstanceNorm2d::forward(const Tensor& x) {
  check_defined("instance_norm", {{"x", x}}, call_site());
  if (x.rank() != 4 || x.shape()[1] != channels_) {
    fail("instance_norm", "x does not fit this layer",
         {"x  " + x.shape().str() + ", expected [N, " + std::to_string(channels_) + ", H, W]"},
         call_site());
  }
  return instance_norm(x, weight, bias, eps_, call_site());
}

std::string InstanceNorm2d::describe() const {
  return "InstanceNorm2d(" + std::to_string(channels_) + ")";
}

namespace {

/// Returns the weight as a matrix [extent of `axis`, the rest]; axis is 0 or 1.
Tensor as_matrix(const Tensor& weight, int axis) {
  const Tensor first = axis == 0 ? weight : transpose(weight, 0, axis);
  return reshape_to(first, {first.shape()[0], first.numel() / first.shape()[0]});
}

Tensor as_column(const Tensor& vector) { return reshape_to(vector, {vector.numel(), 1}); }

/// Returns x / |x| as a vector. A length below 1e-12 counts as 1e-12.
Tensor normalized(const Tensor& x) {
  const double length = std::max(std::sqrt(static_cast<double>(sum(x * x).item())), 1e-12);
  const Tensor y = Tensor::empty({x.numel()});
  std::transform(x.data(), x.data() + x.numel(), y.mutable_data(),
                 [length](Scalar value) { return static_cast<Scalar>(value / length); });
  return y;
}

}  // namespace

SingularVectors power_iteration(const Tensor& weight, int axis, const Tensor& u, SourceLoc loc) {
  const Composite here("spectral_norm", loc);
  const NoGrad guard;
  const Tensor w = as_matrix(weight, axis);
  const Tensor v = normalized(matmul(w, as_column(u), {.transpose_a = true}));
  return {normalized(matmul(w, as_column(v))), v};
}

Tensor divide_by_sigma(const Tensor& weight, int axis, const SingularVectors& vectors,
                       SourceLoc loc) {
  const Composite here("spectral_norm", loc);
  const Tensor u = reshape_to(vectors.u, {1, vectors.u.numel()});
  const Tensor sigma = matmul(u, matmul(as_matrix(weight, axis), as_column(vectors.v)));
  return weight / reshape_to(sigma, {});
}

Tensor random_unit_vector(int64_t n) { return normalized(init_random().normal({n})); }

Tensor norm_except(const Tensor& weight, int axis, SourceLoc loc) {
  const Composite here("weight_norm", loc);
  std::vector<int> others;
  for (int i = 0; i < weight.rank(); ++i) {
    if (i != axis) others.push_back(i);
  }
  return sqrt(sum(weight * weight, others, true));
}

Tensor rescale(const Tensor& direction, const Tensor& length, SourceLoc loc) {
  const Composite here("weight_norm", loc);
  return direction * (length / norm_except(direction, 0, loc));
}

}  // namespace forger::nn
