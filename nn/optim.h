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
};

/// v = momentum v + g + weight_decay p; p -= lr v.
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
  Adam(const Module& module, AdamOptions options = {});
  void step(SourceLoc loc = SourceLoc::here()) override;
  NamedTensors state() const override;

 private:
  AdamOptions options_;
  Tensor step_ = Tensor::scalar(0);
  std::vector<Tensor> exp_avg_, exp_avg_sq_;  // the gradient's first and second moments
};

}  // namespace forger::nn
