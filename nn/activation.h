#pragma once

#include <string>

#include "autograd/error.h"
#include "nn/module.h"

/// Activations as modules, for use in Sequential.
namespace forger::nn {

struct ReLU : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "ReLU"; }
};
struct Tanh : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Tanh"; }
};
struct Sigmoid : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Sigmoid"; }
};
class LeakyReLU : public Module {
 public:
  LeakyReLU(Module& parent, std::string name, double slope = 0.01,
            SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
  double slope() const { return slope_; }

 private:
  double slope_;
};

struct GELU : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "GELU"; }
};
struct SiLU : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "SiLU"; }
};
struct Softplus : Module {
  using Module::Module;
  Tensor forward(const Tensor& x) override;
  std::string describe() const override { return "Softplus"; }
};
class ELU : public Module {
 public:
  ELU(Module& parent, std::string name, double alpha = 1, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  double alpha_;
};
class Softmax : public Module {
 public:
  Softmax(Module& parent, std::string name, int axis = -1, SourceLoc loc = SourceLoc::here());
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

 private:
  int axis_;
};

}  // namespace forger::nn
