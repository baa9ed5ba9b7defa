#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/tensor.h"

namespace forger::nn {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
/// The same names with a prefix, to put several modules into one file.
NamedTensors with_prefix(const std::string& prefix, NamedTensors tensors);

/// A tensor that a module registered. Ops take it like any other tensor. It cannot be assigned:
/// forward would use the new tensor, while optimizers and checkpoints kept the old. copy() changes
/// its numbers.
class Parameter : public Tensor {
 public:
  /// Undefined, such as the bias of a layer without one.
  Parameter() = default;
  Parameter(const Parameter&) = default;
  Parameter& operator=(const Parameter&) = delete;

 private:
  friend class Module;
  explicit Parameter(const Tensor& registered) : Tensor(registered) {}
};
/// A registered tensor that is saved but not trained, such as a running mean.
using Buffer = Parameter;

/// Writes the numbers of `from` into `into`, whose handles all see them. Throws Error when the
/// shapes differ.
void copy(const Tensor& from, const Tensor& into, SourceLoc loc = SourceLoc::here());

class Module;
/// Freezes all parameters of a module, or thaws them. A frozen parameter gets no gradient, and
/// optimizers leave it alone. Once thawed, it is trained again by the optimizers that have it.
void set_trainable(const Module& module, bool on);

/// A part of a network: parameters, buffers and child modules, each registered under its name where
/// it is declared:
///
///     struct Net : nn::Module {
///       Net() : Module("net") {}
///       nn::Linear fc{*this, "fc", 100, 10};
///       nn::Parameter scale = parameter("scale", Tensor::ones({10}));
///       Tensor forward(const Tensor& x) override { return relu(fc(x)) * scale; }
///     };
///
/// The tree of names gives checkpoints their keys ("fc.weight", as in PyTorch's state_dict) and
/// errors and nodes their module path ("net.fc"). Modules are neither copied nor moved.
///
/// Two parts share a weight when one registers it and the other reads it:
///
///     nn::Linear encode{*this, "encode", 784, 32};
///     Tensor forward(const Tensor& x) override { return matmul(encode(x), encode.weight); }
///
/// The weight then has one key in checkpoints, and its gradient is the sum of both uses.
class Module {
 public:
  /// A root. Its name begins the module paths. Throws Error for an empty name or one with a dot.
  explicit Module(std::string name, SourceLoc loc = SourceLoc::here());
  /// A child, registered in `parent`, which must outlive it. Throws Error for an empty name, one
  /// with a dot, or one that the parent has given already.
  Module(Module& parent, std::string name, SourceLoc loc = SourceLoc::here());
  virtual ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Runs forward(), with the caller's line and the module path noted for nodes and errors.
  Tensor operator()(const Tensor& x, SourceLoc loc = SourceLoc::here());

  /// Returns all parameters in the order of their declaration, those of children included.
  [[nodiscard]] std::vector<Tensor> parameters() const;
  [[nodiscard]] NamedTensors named_parameters() const;
  /// Returns parameters and buffers, which a checkpoint holds.
  [[nodiscard]] NamedTensors state() const;
  /// Returns the number of elements in all parameters.
  [[nodiscard]] int64_t parameter_count() const;

  /// Switches this module and its children to training or evaluation mode, which differ for batch
  /// norm, dropout and spectral norm.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  const std::string& name() const { return name_; }
  /// "G.net.0"
  const char* path() const { return path_; }
  const std::vector<Module*>& children() const { return children_; }
  /// Returns a description for printing: "Conv2d(3 -> 64, kernel 4, stride 2, padding 1)".
  virtual std::string describe() const { return ""; }

  /// Returns the multiply-adds of one call on x with the result y; 0 for a layer without a matrix
  /// product.
  virtual int64_t multiply_adds(const Shape& /*x*/, const Shape& /*y*/) const { return 0; }

  /// Computes the module's output. The default throws Error: some modules have other entry points.
  virtual Tensor forward(const Tensor& x);

 protected:
  /// Registers a copy of `initial` that collects gradients. Keep the result as a Parameter: a
  /// Tensor made from it could be assigned. Throws Error for a bad name, as above.
  Parameter parameter(const std::string& name, const Tensor& initial,
                      SourceLoc loc = SourceLoc::here());
  /// Registers a copy of `initial` that is saved but not trained. Throws Error as above.
  Buffer buffer(const std::string& name, const Tensor& initial, SourceLoc loc = SourceLoc::here());
  /// Gives a parameter or buffer another name.
  void rename(const std::string& from, const std::string& to, SourceLoc loc = SourceLoc::here());

  /// The user's line that constructed this module.
  SourceLoc made_at() const { return made_at_; }
  /// For constructors: throws Error with the module's path and the line that made it unless `good`.
  /// `layer` is the class; `expected` and `found` are the error's first and second line.
  void expect(bool good, const char* layer, std::string_view expected,
              const std::string& found) const;

  /// The line that called a container's add(), for the child that add() is about to construct. A
  /// line number of 0 stands for an unknown line.
  std::optional<SourceLoc> next_child_at_;

 private:
  struct Entry {
    std::string name;
    Tensor tensor;
    bool trained;
  };
  void check_name(const std::string& name, SourceLoc loc) const;
  Parameter enter(const std::string& name, const Tensor& initial, bool trained, SourceLoc loc);
  void collect(const std::string& prefix, bool buffers, NamedTensors& out) const;
  void collect(std::vector<Tensor>& out) const;

  std::string name_;
  const char* path_;  // interned: nodes outlive modules
  SourceLoc made_at_;
  Module* parent_ = nullptr;
  std::vector<Entry> tensors_;
  std::vector<Module*> children_;
  bool training_ = true;
};

/// While one exists, the module and its children are in evaluation mode. Its destructor restores
/// the mode of each, also after an exception. The module has to outlive it.
class [[nodiscard]] EvalMode {
 public:
  explicit EvalMode(Module& module);
  ~EvalMode();
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;  // parents before their children
};

/// While one exists, records every call of a module on this thread, inner calls first.
class [[nodiscard]] CallRecorder {
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

/// Returns a number in its shortest form of up to six digits: "0.2" for 0.2.
std::string short_number(double x);

/// Returns the tree of modules, one per line, with describe() and parameter counts.
[[nodiscard]] std::string to_string(const Module& module);
std::ostream& operator<<(std::ostream& out, const Module& module);

}  // namespace forger::nn
