#include "nn/module.h"

#include <algorithm>
#include <sstream>

#include "autograd/error.h"
#include "autograd/scope.h"

namespace forger::nn {
namespace {

thread_local CallRecorder* innermost_recorder = nullptr;

void print(const Module& module, const std::string& indent, std::string& out) {
  out += indent + module.name();
  if (const std::string text = module.describe(); !text.empty()) out += "  " + text;
  if (const int64_t count = module.parameter_count()) {
    out += "  " + std::to_string(count) + " parameters";
  }
  out += "\n";
  for (const Module* child : module.children()) print(*child, indent + "  ", out);
}

void remember_modes(Module& module, std::vector<std::pair<Module*, bool>>& modes) {
  modes.emplace_back(&module, module.training());
  for (Module* child : module.children()) remember_modes(*child, modes);
}

}  // namespace

EvalMode::EvalMode(Module& module) {
  remember_modes(module, modes_);
  module.eval();
}
// train() reaches the children too, so their own modes have to come after their parents'.
EvalMode::~EvalMode() {
  for (const auto& [module, training] : modes_) module->train(training);
}

CallRecorder::CallRecorder() : outer_(innermost_recorder) { innermost_recorder = this; }
CallRecorder::~CallRecorder() { innermost_recorder = outer_; }
CallRecorder* CallRecorder::current() { return innermost_recorder; }

Module::Module(std::string name) : name_(std::move(name)), path_(intern(name_)) {}

Module::Module(Module& parent, std::string name)
    : name_(std::move(name)),
      path_(intern(std::string(parent.path_) + "." + name_)),
      parent_(&parent) {
  parent.check_free(name_);
  parent.children_.push_back(this);
}

// Not only at the end: a layer whose constructor threw must not stay in the tree.
Module::~Module() {
  if (parent_) std::erase(parent_->children_, this);
}

void Module::check_free(const std::string& name) const {
  const bool taken =
      std::any_of(tensors_.begin(), tensors_.end(), [&](auto& e) { return e.name == name; }) ||
      std::any_of(children_.begin(), children_.end(), [&](auto* c) { return c->name_ == name; });
  if (taken) throw Error("module: the name " + std::string(path_) + "." + name + " is taken");
}

Tensor Module::operator()(const Tensor& x, SourceLoc loc) {
  const Scope scope(path_, loc);
  Tensor y = forward(x);
  if (CallRecorder* recorder = CallRecorder::current()) {
    recorder->calls.push_back({this, x.shape(), y.shape()});
  }
  return y;
}

Tensor Module::forward(const Tensor&) {
  throw Error(std::string(path_) + ": this module has no forward(x)");
}

void Module::collect(const std::string& prefix, bool buffers, NamedTensors& out) const {
  for (const Entry& entry : tensors_) {
    if (entry.trained || buffers) out.emplace_back(prefix + entry.name, entry.tensor);
  }
  for (const Module* child : children_) child->collect(prefix + child->name_ + ".", buffers, out);
}

NamedTensors Module::named_parameters() const {
  NamedTensors out;
  collect("", false, out);
  return out;
}

NamedTensors Module::state() const {
  NamedTensors out;
  collect("", true, out);
  return out;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> out;
  for (auto& [name, tensor] : named_parameters()) out.push_back(tensor);
  return out;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : named_parameters()) count += tensor.numel();
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (Module* child : children_) child->train(on);
}

Tensor Module::parameter(const std::string& name, const Tensor& initial) {
  check_free(name);
  Tensor leaf = initial.detach();
  leaf.set_requires_grad(true, {});  // without a line: the name says more
  leaf.set_name(std::string(path_) + "." + name);
  tensors_.push_back({name, leaf, true});
  return leaf;
}

Tensor Module::buffer(const std::string& name, const Tensor& initial) {
  check_free(name);
  tensors_.push_back({name, initial, false});
  return initial;
}

void Module::rename(const std::string& from, const std::string& to) {
  for (Entry& entry : tensors_) {
    if (entry.name != from) continue;
    entry.name = to;
    entry.tensor.set_name(std::string(path_) + "." + to);
  }
}

std::string short_number(double x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

std::string to_string(const Module& module) {
  std::string out;
  print(module, "", out);
  return out;
}

}  // namespace forger::nn
