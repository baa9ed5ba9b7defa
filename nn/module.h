#pragma once

#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tensor.h"

namespace forger::nn {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// A part of a network: parameters, buffers and child modules, each registered under its name where
/// it is declared:
///
///     struct Net : nn::Module {
///       Net() : Module("net") {}
///       nn::Linear fc{*this, "fc", 100, 10};
///       Tensor forward(const Tensor& x) override { return relu(fc(x)); }
///     };
///
/// The tree of names gives checkpoints their keys ("fc.weight", as in PyTorch's state_dict) and
/// errors and nodes their module path ("net.fc"). Modules are neither copied nor moved.
class Module {
 public:
  /// A root. Its name begins the module paths.
  explicit Module(std::string name);
  /// A child, registered in `parent`, which must outlive it. Throws Error when the name is taken.
  Module(Module& parent, std::string name);
  virtual ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Runs forward(), with the caller's line and the module path noted for nodes and errors.
  Tensor operator()(const Tensor& x, SourceLoc loc = SourceLoc::here());

  /// All parameters in the order of their declaration, those of children included.
  std::vector<Tensor> parameters() const;
  NamedTensors named_parameters() const;
  /// Parameters and buffers (running statistics): what a checkpoint holds.
  NamedTensors state() const;
  /// How many numbers the parameters hold.
  int64_t parameter_count() const;

  /// Switches this module and its children between training and evaluation (batch norm differs).
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  const std::string& name() const { return name_; }
  /// "G.net.0"
  const char* path() const { return path_; }
  const std::vector<Module*>& children() const { return children_; }
  /// For printing: "Conv2d(3 -> 64, kernel 4, stride 2, padding 1)".
  virtual std::string describe() const { return ""; }

  /// Multiply-adds of one call on x that gives y; 0 for what has no matrix product.
  virtual int64_t multiply_adds(const Shape& /*x*/, const Shape& /*y*/) const { return 0; }

  /// What the module computes. The default throws Error: a module may have other entrances instead.
  virtual Tensor forward(const Tensor& x);

 protected:
  /// Registers a leaf that collects gradients. Throws Error when the name is taken.
  Tensor parameter(const std::string& name, const Tensor& initial);
  /// Registers state that is saved but not trained. Throws Error when the name is taken.
  Tensor buffer(const std::string& name, const Tensor& initial);
  /// Gives a parameter another name.
  void rename(const std::string& from, const std::string& to);

 private:
  struct Entry {
    std::string name;
    Tensor tensor;
    bool trained;
  };
  void check_free(const std::string& name) const;
  void collect(const std::string& prefix, bool buffers, NamedTensors& out) const;

  std::string name_;
  const char* path_;  // interned: nodes outlive modules
  Module* parent_ = nullptr;
  std::vector<Entry> tensors_;
  std::vector<Module*> children_;
  bool training_ = true;
};

/// While one exists, the module and its children are in evaluation mode. Afterwards each is in the
/// mode that it had before, also when an exception ended the block. Declare it after the module.
class [[nodiscard]] EvalMode {
 public:
  explicit EvalMode(Module& module);
  ~EvalMode();
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;  // parents before their children
};

/// While one exists, takes down every call of a module on this thread, inner ones first.
class CallRecorder {
 public:
  struct Call {
    const Module* module;
    Shape x, y;
  };

  CallRecorder();
  ~CallRecorder();
  CallRecorder(const CallRecorder&) = delete;
  CallRecorder& operator=(const CallRecorder&) = delete;
  /// The innermost one, or null.
  static CallRecorder* current();

  std::vector<Call> calls;

 private:
  CallRecorder* outer_;
};

/// "0.2" for 0.2: a number as one would write it.
std::string short_number(double x);

/// Prints the tree of modules, one a line, with describe() and parameter counts.
std::string to_string(const Module& module);

}  // namespace forger::nn
