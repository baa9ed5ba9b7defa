#include "nn/optim.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"

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
  if (options.nesterov && !(options.momentum > 0)) {
    throw Error("Sgd: nesterov needs a momentum above 0\n  found " +
                std::to_string(options.momentum));
  }
  lr = options.lr;
  if (options.momentum != 0) momentum_ = zeros_like(parameters_);
}

void Sgd::step(SourceLoc loc) {
  const kernels::Sgd hyper = {.lr = lr,
                              .momentum = options_.momentum,
                              .weight_decay = options_.weight_decay,
                              .nesterov = options_.nesterov};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    kernels::sgd(hyper, p.numel(), g.data(), p.mutable_data(loc),
                 momentum_.empty() ? nullptr : momentum_[i].mutable_data(loc));
  }
}

NamedTensors Sgd::state() const {
  NamedTensors out;
  for (size_t i = 0; i < momentum_.size(); ++i) {
    out.emplace_back(parameters_[i].first + ".momentum_buffer", momentum_[i]);
  }
  return out;
}

Adam::Adam(const Module& module, AdamOptions options, bool decoupled)
    : Optimizer(module.named_parameters()),
      decoupled_(decoupled),
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
                               .weight_decay = decoupled_ ? 0 : options_.weight_decay,
                               .shrink = decoupled_ ? 1 - lr * options_.weight_decay : 1,
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

RmsProp::RmsProp(const Module& module, RmsPropOptions options)
    : Optimizer(module.named_parameters()),
      options_(options),
      square_avg_(zeros_like(parameters_)) {
  check_lr("RmsProp", options.lr);
  if (!(options.alpha >= 0 && options.alpha < 1)) {
    throw Error("RmsProp: an alpha of at least 0 and below 1 expected\n  found " +
                std::to_string(options.alpha));
  }
  lr = options.lr;
  if (options.momentum != 0) momentum_ = zeros_like(parameters_);
}

void RmsProp::step(SourceLoc loc) {
  const kernels::RmsProp hyper = {.lr = lr,
                                  .alpha = options_.alpha,
                                  .eps = options_.eps,
                                  .weight_decay = options_.weight_decay,
                                  .momentum = options_.momentum};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    kernels::rmsprop(hyper, p.numel(), g.data(), p.mutable_data(loc),
                     square_avg_[i].mutable_data(loc),
                     momentum_.empty() ? nullptr : momentum_[i].mutable_data(loc));
  }
}

NamedTensors RmsProp::state() const {
  NamedTensors out;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    out.emplace_back(parameters_[i].first + ".square_avg", square_avg_[i]);
    if (!momentum_.empty())
      out.emplace_back(parameters_[i].first + ".momentum_buffer", momentum_[i]);
  }
  return out;
}

double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm) {
  if (!(max_norm > 0)) {
    throw Error("clip_grad_norm: a norm above 0 expected\n  found " + std::to_string(max_norm));
  }
  const NoGrad guard;
  double squares = 0;
  for (const Tensor& p : parameters) {
    const Tensor g = p.grad();
    if (!g.defined()) continue;
    for (int64_t i = 0; i < g.numel(); ++i) {  // in double: 1e20 squared is no float
      squares += static_cast<double>(g.data()[i]) * static_cast<double>(g.data()[i]);
    }
  }
  const double norm = std::sqrt(squares);
  if (norm > max_norm) {
    for (const Tensor& p : parameters) {
      if (const Tensor g = p.grad(); g.defined()) p.set_grad(g * (max_norm / norm));
    }
  }
  return norm;
}

void clip_grad_value(const std::vector<Tensor>& parameters, double limit) {
  const NoGrad guard;
  for (const Tensor& p : parameters) {
    if (const Tensor g = p.grad(); g.defined()) p.set_grad(clamp(g, -limit, limit));
  }
}

Ema::Ema(const Module& source, const Module& copy, double decay)
    : source_(source.state()), copy_(copy.state()), decay_(decay) {
  if (!(decay >= 0 && decay <= 1)) {
    throw Error("Ema: a decay of 0 to 1 expected\n  found " + std::to_string(decay));
  }
  for (size_t i = 0; i < std::max(source_.size(), copy_.size()); ++i) {
    const auto text = [i](const NamedTensors& all) {
      return i < all.size() ? all[i].first + " " + all[i].second.shape().str() : "nothing";
    };
    if (text(source_) != text(copy_)) {
      throw Error("Ema: the copy has another architecture\n  source  " + text(source_) +
                  "\n  copy    " + text(copy_));
    }
    averaged_.push_back(source_[i].second.requires_grad());
    std::copy_n(source_[i].second.data(), source_[i].second.numel(),
                copy_[i].second.mutable_data());
  }
}

void Ema::update(SourceLoc loc) const {
  for (size_t i = 0; i < source_.size(); ++i) {
    const Scalar* from = source_[i].second.data();
    Scalar* to = copy_[i].second.mutable_data(loc);
    const auto rate = static_cast<Scalar>(averaged_[i] ? 1 - decay_ : 1);
    for (int64_t j = 0; j < source_[i].second.numel(); ++j) {
      to[j] = rate == 1 ? from[j] : to[j] + rate * (from[j] - to[j]);
    }
  }
}

namespace {

void check_span(const char* schedule, const char* name, int64_t span) {
  if (span >= 1) return;
  throw Error(std::string(schedule) + ": a " + name + " of at least 1 expected\n  found " +
              std::to_string(span));
}

}  // namespace

double step_lr(double lr, int64_t t, int64_t period, double gamma) {
  check_span("step_lr", "period", period);
  return lr * std::pow(gamma, static_cast<double>(t / period));
}

double exponential_lr(double lr, int64_t t, double gamma) {
  return lr * std::pow(gamma, static_cast<double>(t));
}

double cosine_lr(double lr, int64_t t, int64_t total, double end) {
  check_span("cosine_lr", "total", total);
  const double done = static_cast<double>(std::min(t, total)) / static_cast<double>(total);
  return end + (lr - end) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

double linear_lr(double lr, int64_t t, int64_t total, double start, double finish) {
  check_span("linear_lr", "total", total);
  const double done = static_cast<double>(std::min(t, total)) / static_cast<double>(total);
  return lr * (start + (finish - start) * done);
}

}  // namespace forger::nn
