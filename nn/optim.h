#pragma once

#include <vector>

#include "nn/module.h"

namespace forger::nn {

/// What the optimizers share: the parameters and their gradients' clearing.
class Optimizer {
 public:
  explicit Optimizer(NamedTensors parameters);
  virtual ~Optimizer() = default;

  /// Updates each parameter that has a gradient, in place.
  virtual void step(SourceLoc loc = SourceLoc::here()) = 0;
  void zero_grad() const;
  /// The tensors that continue a run, under the parameters' names: "fc.weight.exp_avg", "step", ...
  virtual NamedTensors state() const = 0;

  double lr = 0;

 protected:
  NamedTensors parameters_;
};

struct SgdOptions {
  double lr = 0.01, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};

/// v = momentum v + g + weight_decay p; p -= lr v. With nesterov, p -= lr (g + weight_decay p +
/// momentum v) instead (Sutskever et al. 2013, ICML, in PyTorch's form).
class Sgd : public Optimizer {
 public:
  Sgd(const Module& module, SgdOptions options);
  void step(SourceLoc loc = SourceLoc::here()) override;
  NamedTensors state() const override;

 private:
  SgdOptions options_;
  std::vector<Tensor> momentum_;
};

struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

/// Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1), with PyTorch's placing of eps.
class Adam : public Optimizer {
 public:
  Adam(const Module& module, AdamOptions options = {}) : Adam(module, options, false) {}
  void step(SourceLoc loc = SourceLoc::here()) override;
  NamedTensors state() const override;

 protected:
  Adam(const Module& module, AdamOptions options, bool decoupled);

 private:
  bool decoupled_;  // weight decay: AdamW
  AdamOptions options_;
  Tensor step_ = Tensor::scalar(0);
  std::vector<Tensor> exp_avg_, exp_avg_sq_;  // the gradient's first and second moments
};

/// Adam whose weight decay shrinks the parameters, p -= lr weight_decay p, and stays out of the
/// moments (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2, in PyTorch's form).
class AdamW : public Adam {
 public:
  AdamW(const Module& module, AdamOptions options = {.weight_decay = 0.01})
      : Adam(module, options, true) {}
};

struct RmsPropOptions {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
};

/// s = alpha s + (1 - alpha) g^2; p -= lr g / (sqrt(s) + eps) (Tieleman & Hinton 2012, lecture 6.5
/// of "Neural networks for machine learning"); with momentum that quotient goes through
/// v = momentum v + g / (sqrt(s) + eps) first.
class RmsProp : public Optimizer {
 public:
  RmsProp(const Module& module, RmsPropOptions options = {});
  void step(SourceLoc loc = SourceLoc::here()) override;
  NamedTensors state() const override;

 private:
  RmsPropOptions options_;
  std::vector<Tensor> square_avg_, momentum_;
};

/// Scales all gradients by max_norm / norm where their common norm is above max_norm (Pascanu et
/// al. 2013, arXiv 1211.5063). Returns the norm before. Parameters without a gradient are left out.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm);
/// Limits each element of each gradient to [-limit, limit].
void clip_grad_value(const std::vector<Tensor>& parameters, double limit);

/// A second copy of a module, of the same architecture, that follows the first by an exponential
/// moving average: p = decay p + (1 - decay) source's p. Its buffers are copied.
class Ema {
 public:
  /// The copy starts equal to the source. Throws Error when the two differ in names or shapes.
  Ema(const Module& source, const Module& copy, double decay);
  void update(SourceLoc loc = SourceLoc::here()) const;

 private:
  NamedTensors source_, copy_;
  std::vector<char> averaged_;  // parameters are, buffers are not
  double decay_;
};

// Learning rates as functions of the step (or epoch) t >= 0, to be assigned to an optimizer's lr:
// a resumed run needs no state for them. Each corresponds to a scheduler of
// torch.optim.lr_scheduler.

/// StepLR: lr gamma^floor(t / period).
double step_lr(double lr, int64_t t, int64_t period, double gamma = 0.1);
/// ExponentialLR: lr gamma^t.
double exponential_lr(double lr, int64_t t, double gamma);
/// CosineAnnealingLR: from lr down to `end` at t = total along half a cosine (Loshchilov & Hutter
/// 2017, arXiv 1608.03983).
double cosine_lr(double lr, int64_t t, int64_t total, double end = 0);
/// LinearLR: from start lr up (or down) to finish lr at t = total, constant afterwards.
double linear_lr(double lr, int64_t t, int64_t total, double start, double finish = 1);

}  // namespace forger::nn
