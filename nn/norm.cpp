#include "nn/norm.h"

#include <algorithm>
#include <cmath>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/scope.h"
#include "nn/init.h"

namespace forger::nn {

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

void BatchNorm::check(const Tensor& x) const {
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
  const SourceLoc loc = call_site();
  // One scale and one shift per channel, [C] or [C, 1, 1], to broadcast over x.
  const int64_t features = weight.shape()[0];
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

LayerNorm::LayerNorm(Module& parent, std::string name, const Shape& shape, double eps)
    : Module(parent, std::move(name)),
      weight(parameter("weight", Tensor::ones(shape))),
      bias(parameter("bias", Tensor::zeros(shape))),
      eps_(eps) {}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(x, weight.rank(), weight, bias, eps_, call_site());
}

std::string LayerNorm::describe() const { return "LayerNorm(" + weight.shape().str() + ")"; }

GroupNorm::GroupNorm(Module& parent, std::string name, int64_t groups, int64_t channels, double eps)
    : Module(parent, std::move(name)),
      weight(parameter("weight", Tensor::ones({channels}))),
      bias(parameter("bias", Tensor::zeros({channels}))),
      groups_(groups),
      eps_(eps) {
  if (groups >= 1 && channels % groups == 0) return;
  throw Error(std::string(path()) +
              ": channels that are a multiple of the groups expected\n  found " +
              std::to_string(channels) + " channels, " + std::to_string(groups) + " groups");
}

Tensor GroupNorm::forward(const Tensor& x) {
  return group_norm(x, groups_, weight, bias, eps_, call_site());
}

std::string GroupNorm::describe() const {
  return "GroupNorm(" + std::to_string(groups_) + " groups of " +
         std::to_string(weight.numel() / groups_) + ")";
}

InstanceNorm2d::InstanceNorm2d(Module& parent, std::string name, int64_t channels, bool affine,
                               double eps)
    : Module(parent, std::move(name)),
      weight(affine ? parameter("weight", Tensor::ones({channels})) : Tensor()),
      bias(affine ? parameter("bias", Tensor::zeros({channels})) : Tensor()),
      channels_(channels),
      eps_(eps) {}

Tensor InstanceNorm2d::forward(const Tensor& x) {
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

/// The weight as a matrix [extent of `axis`, the rest]; axis is 0 or 1.
Tensor as_matrix(const Tensor& weight, int axis, SourceLoc loc) {
  const Tensor first = axis == 0 ? weight : transpose(weight, 0, axis, loc);
  return reshape_to(first, {first.shape()[0], first.numel() / first.shape()[0]}, loc);
}

/// to = x / |x|, where a vector of length below 1e-12 counts as 1e-12 long.
void normalize_into(const Tensor& to, const Tensor& x) {
  const double length = std::max(std::sqrt(static_cast<double>(sum(x * x).item())), 1e-12);
  std::transform(x.data(), x.data() + x.numel(), to.mutable_data(),
                 [length](Scalar v) { return static_cast<Scalar>(v / length); });
}

}  // namespace

void power_iteration(const Tensor& weight, int axis, const SingularVectors& vectors) {
  const NoGrad guard;
  const Tensor w = as_matrix(weight.detach(), axis, {});
  const int64_t rows = w.shape()[0], columns = w.shape()[1];
  normalize_into(vectors.v, matmul(w, reshape_to(vectors.u, {rows, 1}), {.transpose_a = true}));
  normalize_into(vectors.u, matmul(w, reshape_to(vectors.v, {columns, 1})));
}

Tensor divide_by_sigma(const Tensor& weight, int axis, const SingularVectors& vectors,
                       SourceLoc loc) {
  // Copies: the next power iteration changes u and v, perhaps before this call's backward pass.
  const Tensor u = reshape_to(vectors.u.clone(), {1, vectors.u.numel()}, loc);
  const Tensor v = reshape_to(vectors.v.clone(), {vectors.v.numel(), 1}, loc);
  const Tensor w = as_matrix(weight, axis, loc);
  const Tensor sigma = reshape_to(matmul(u, matmul(w, v, {}, loc), {}, loc), {}, loc);
  return div(weight, sigma, loc);
}

Tensor random_unit_vector(int64_t n) {
  const Tensor x = init_random().normal({n});
  normalize_into(x, x.clone());
  return x;
}

Tensor norm_except(const Tensor& weight, int axis, SourceLoc loc) {
  std::vector<int> others;
  for (int i = 0; i < weight.rank(); ++i) {
    if (i != axis) others.push_back(i);
  }
  return sqrt(sum(mul(weight, weight, loc), others, true, loc), loc);
}

}  // namespace forger::nn
