#include "nn/optim.h"

#include <cmath>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"

namespace forger::nn {
namespace {

std::vector<Tensor> zeros_like(const NamedTensors& parameters) {
  std::vector<Tensor> out;
  for (const auto& [name, p] : parameters) out.push_back(Tensor::zeros(p.shape()));
  return out;
}

void check_lr(const char* op, double lr) {
  if (!(lr >= 0 && std::isfinite(lr))) {
    throw Error(std::string(op) + ": a learning rate of at least 0 expected\n  found " +
                std::to_string(lr));
  }
}

}  // namespace

Optimizer::Optimizer(NamedTensors parameters) : parameters_(std::move(parameters)) {
  if (parameters_.empty()) throw Error("optimizer: the module has no parameters");
}

void Optimizer::zero_grad() const {
  for (const auto& [name, p] : parameters_) p.zero_grad();
}

Sgd::Sgd(const Module& module, SgdOptions options)
    : Optimizer(module.named_parameters()), options_(options) {
  check_lr("Sgd", options.lr);
  lr = options.lr;
  if (options.momentum != 0) momentum_ = zeros_like(parameters_);
}

void Sgd::step(SourceLoc loc) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& parameter = parameters_[i].second;
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    const Scalar* g = gradient.data();
    Scalar* p = parameter.mutable_data(loc);
    Scalar* v = momentum_.empty() ? nullptr : momentum_[i].mutable_data(loc);
    const auto momentum = static_cast<Scalar>(options_.momentum);
    const auto decay = static_cast<Scalar>(options_.weight_decay);
    const auto rate = static_cast<Scalar>(lr);
    for (int64_t j = 0; j < parameter.numel(); ++j) {
      Scalar d = g[j] + decay * p[j];
      if (v) d = v[j] = momentum * v[j] + d;
      p[j] -= rate * d;
    }
  }
}

NamedTensors Sgd::state() const {
  NamedTensors out;
  for (size_t i = 0; i < momentum_.size(); ++i) {
    out.emplace_back(parameters_[i].first + ".momentum_buffer", momentum_[i]);
  }
  return out;
}

Adam::Adam(const Module& module, AdamOptions options)
    : Optimizer(module.named_parameters()),
      options_(options),
      exp_avg_(zeros_like(parameters_)),
      exp_avg_sq_(zeros_like(parameters_)) {
  check_lr("Adam", options.lr);
  if (!(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1)) {
    throw Error("Adam: betas of at least 0 and below 1 expected\n  found " +
                std::to_string(options.beta1) + ", " + std::to_string(options.beta2));
  }
  lr = options.lr;
}

void Adam::step(SourceLoc loc) {
  const double t = *step_.mutable_data(loc) += 1;
  const kernels::Adam hyper = {.beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .eps = options_.eps,
                               .weight_decay = options_.weight_decay,
                               .step_size = lr / (1 - std::pow(options_.beta1, t)),
                               .sqrt_correction = std::sqrt(1 - std::pow(options_.beta2, t))};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    kernels::active().adam(hyper, p.numel(), g.data(), p.mutable_data(loc),
                           exp_avg_[i].mutable_data(loc), exp_avg_sq_[i].mutable_data(loc));
  }
}

NamedTensors Adam::state() const {
  NamedTensors out = {{"step", step_}};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    out.emplace_back(parameters_[i].first + ".exp_avg", exp_avg_[i]);
    out.emplace_back(parameters_[i].first + ".exp_avg_sq", exp_avg_sq_[i]);
  }
  return out;
}

}  // namespace forger::nn
