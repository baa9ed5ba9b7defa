#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "nn/module.h"

namespace forger::nn {

/// The parameters that an optimizer updates or a function clips. Each of these converts to it:
///
///     net                          the parameters of a module; state names begin "fc.weight"
///     {G, F}                       of several modules; state names begin "G.fc.weight"
///     net.parameters(), {x, y}     tensors; state names begin with their own names, or "0", "1"
///     NamedTensors{{"scale", s}}   tensors under given names
///
/// One module takes no braces: `Adam({net})` could also copy an Adam, so it does not compile.
struct ParameterList {
  ParameterList(const Module& module);
  ParameterList(std::initializer_list<std::reference_wrapper<const Module>> several);
  ParameterList(const std::vector<Tensor>& list);
  ParameterList(std::initializer_list<Tensor> list) : ParameterList(std::vector<Tensor>(list)) {}
  ParameterList(NamedTensors named) : tensors(std::move(named)) {}

  NamedTensors tensors;
  std::vector<const Module*> modules;  // where the tensors come from; empty for given tensors
};

/// What all optimizers share. Modules given to an optimizer must outlive its last step().
/// Constructors throw Error for an option out of its range, an empty list, and a tensor that is
/// undefined, was computed, was never made a leaf by set_requires_grad(), or is given twice.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates in place every parameter that requires a gradient and has one. A parameter that is
  /// frozen or has no gradient keeps its numbers and its state. Throws Error when lr is negative or
  /// not finite, when a module got a parameter since the optimizer was made, or when a step count,
  /// which may come from a file, is not a natural number. Nothing is updated then.
  void step(SourceLoc loc = SourceLoc::here());
  void zero_grad() const;
  /// The tensors that continue a run, under PyTorch's names: "fc.weight.step", "fc.weight.exp_avg".
  NamedTensors state() const;

  double lr;

 protected:
  Optimizer(const char* name, const ParameterList& list, double learning_rate, SourceLoc loc);

  const char* name_;
  const NamedTensors parameters_;

  /// Updates the elements begin to end - 1 of a parameter. It is called once for each element, by
  /// several threads at the same time, and must not throw.
  using RangeUpdate = std::function<void(int64_t begin, int64_t end)>;

 private:
  /// Begins the update of parameter number i, which is p and has the gradient g.
  virtual RangeUpdate update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) = 0;
  /// The state of parameter number i: {{"step", ...}, {"exp_avg", ...}}.
  virtual NamedTensors state_of(size_t i) const = 0;
  /// Throws Error if the state holds what no step can leave behind.
  virtual void check_state(SourceLoc /*loc*/) const {}
  void check_modules(SourceLoc loc) const;

  std::vector<const Module*> modules_;
};

/// lr and weight_decay are at least 0; momentum is at least 0 and below 1.
struct SgdOptions {
  double lr = 0.01, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};

/// v = momentum v + g + weight_decay p; p -= lr v. With nesterov, p -= lr (g + weight_decay p +
/// momentum v) instead (Sutskever et al. 2013, ICML, in PyTorch's form).
class Sgd : public Optimizer {
 public:
  explicit Sgd(const ParameterList& parameters, SgdOptions options = {},
               SourceLoc loc = SourceLoc::here());

 private:
  RangeUpdate update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) override;
  NamedTensors state_of(size_t i) const override;

  SgdOptions options_;
  std::vector<Tensor> momentum_;  // v of each parameter; empty without momentum
};

/// lr, eps and weight_decay are at least 0; beta1 and beta2 are at least 0 and below 1.
struct AdamOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

/// Adam (Kingma & Ba 2015, arXiv 1412.6980, algorithm 1). eps is added after the bias correction,
/// as in PyTorch. Each parameter counts its own steps, so the correction starts with its first
/// gradient.
class Adam : public Optimizer {
 public:
  explicit Adam(const ParameterList& parameters, AdamOptions options = {},
                SourceLoc loc = SourceLoc::here())
      : Adam("Adam", parameters, options, false, loc) {}

 protected:
  Adam(const char* name, const ParameterList& parameters, AdamOptions options, bool decoupled,
       SourceLoc loc);

 private:
  struct Moments {
    Tensor step;     // how many gradients the parameter had, rank 0
    Tensor exp_avg;  // moving average of the gradient
    Tensor exp_avg_sq;
  };
  RangeUpdate update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) override;
  NamedTensors state_of(size_t i) const override;
  void check_state(SourceLoc loc) const override;

  bool decoupled_;  // True if weight decay works as in AdamW.
  AdamOptions options_;
  std::vector<Moments> moments_;
};

/// The options of Adam, but weights decay by default.
struct AdamWOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};

/// Adam whose weight decay shrinks the parameters, p -= lr weight_decay p, and stays out of the
/// moments (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2, in PyTorch's form).
class AdamW : public Adam {
 public:
  explicit AdamW(const ParameterList& parameters, AdamWOptions options = {},
                 SourceLoc loc = SourceLoc::here());
};

/// lr, eps and weight_decay are at least 0; alpha and momentum are at least 0 and below 1.
struct RmsPropOptions {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;
};

/// s = alpha s + (1 - alpha) g^2; p -= lr g / (sqrt(s) + eps) (Tieleman & Hinton 2012, lecture 6.5
/// of "Neural networks for machine learning"). With momentum, v = momentum v + g / (sqrt(s) + eps)
/// and p -= lr v.
class RmsProp : public Optimizer {
 public:
  explicit RmsProp(const ParameterList& parameters, RmsPropOptions options = {},
                   SourceLoc loc = SourceLoc::here());

 private:
  struct Averages {
    Tensor square_avg;
    Tensor momentum;  // undefined without momentum
  };
  RangeUpdate update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) override;
  NamedTensors state_of(size_t i) const override;

  RmsPropOptions options_;
  std::vector<Averages> averages_;
};

/// Scales all gradients by max_norm / norm if their common norm is above max_norm (Pascanu et al.
/// 2013, arXiv 1211.5063). Returns the norm before. Parameters without a gradient and frozen ones
/// do not count. If the norm is infinite or NaN, all gradients stay as they are and the norm is
/// returned: test it by std::isfinite to leave out the step. Throws Error unless max_norm > 0, and
/// for a tensor that an optimizer refuses; infinity is allowed and scales nothing.
double clip_grad_norm(const ParameterList& parameters, double max_norm,
                      SourceLoc loc = SourceLoc::here());
/// Limits each element of each gradient to [-limit, limit]; NaN stays NaN. Throws Error unless
/// limit >= 0, and for a tensor that an optimizer refuses.
void clip_grad_value(const ParameterList& parameters, double limit,
                     SourceLoc loc = SourceLoc::here());

/// A second copy of a module, of the same architecture, that follows the first by an exponential
/// moving average: p = decay p + (1 - decay) source's p. Its buffers are copied. Both modules must
/// outlive the last update().
class Ema {
 public:
  /// Makes the copy equal to the source. Throws Error when the modules differ in names or shapes or
  /// share numbers, or unless 0 <= decay <= 1.
  Ema(const Module& source, const Module& copy, double decay, SourceLoc loc = SourceLoc::here());
  /// Throws Error when the modules no longer match, for example after a layer was added to one.
  void update(SourceLoc loc = SourceLoc::here()) const;

 private:
  const Module& source_;
  const Module& copy_;
  double decay_;
};

// Learning rates as functions of the step (or epoch) t, to be assigned to an optimizer's lr. A
// resumed run needs no state for them. Each corresponds to a scheduler of torch.optim.lr_scheduler.
// They throw Error when t is negative, when a span is below 1, and when a rate or factor is
// negative or not finite.

/// StepLR: lr gamma^floor(t / period).
double step_lr(double lr, int64_t t, int64_t period, double gamma = 0.1,
               SourceLoc loc = SourceLoc::here());
/// ExponentialLR: lr gamma^t.
double exponential_lr(double lr, int64_t t, double gamma, SourceLoc loc = SourceLoc::here());
/// CosineAnnealingLR: from lr down to `end` at t = total along half a cosine, constant afterwards
/// (Loshchilov & Hutter 2017, arXiv 1608.03983).
double cosine_lr(double lr, int64_t t, int64_t total, double end = 0,
                 SourceLoc loc = SourceLoc::here());
/// LinearLR: from start lr up (or down) to finish lr at t = total, constant afterwards.
double linear_lr(double lr, int64_t t, int64_t total, double start, double finish = 1,
                 SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
