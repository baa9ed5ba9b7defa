#include "nn/module.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "autograd/graph.h"
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

/// Returns "net.fc.weight [10, 100]", or the shape alone for a tensor without a name.
std::string name_and_shape(const Tensor& x) {
  if (!x.defined()) return "undefined";
  const bool named = x.node() && x.node()->is_leaf() && *x.node()->module != '\0';
  return (named ? std::string(x.node()->module) + " " : "") + x.shape().str();
}

}  // namespace

NamedTensors with_prefix(const std::string& prefix, NamedTensors tensors) {
  for (auto& [name, tensor] : tensors) name.insert(0, prefix);
  return tensors;
}

void copy(const Tensor& from, const Tensor& into, SourceLoc loc) {
  if (!from.defined() || !into.defined() || from.shape() != into.shape()) {
    fail("copy", "two tensors of one shape expected",
         {"from  " + name_and_shape(from), "into  " + name_and_shape(into)}, loc);
  }
  std::copy_n(from.data(), from.numel(), into.mutable_data(loc));
}

void set_trainable(const Module& module, bool on) {
  for (Tensor& p : module.parameters()) p.set_requires_grad(on);
}

EvalMode::EvalMode(Module& module) {
  remember_modes(module, modes_);
  module.eval();
}
// train() sets the children's modes too, so that each child's own mode is set after its parent's.
EvalMode::~EvalMode() {
  for (const auto& [module, training] : modes_) module->train(training);
}

CallRecorder::CallRecorder() : outer_(innermost_recorder) { innermost_recorder = this; }
CallRecorder::~CallRecorder() { innermost_recorder = outer_; }
CallRecorder* CallRecorder::current() { return innermost_recorder; }

Module::Module(std::string name, SourceLoc loc)
    : name_(std::move(name)), path_(intern(name_)), made_at_(loc) {
  check_name(name_, loc);
}

Module::Module(Module& parent, std::string name, SourceLoc loc)
    : name_(std::move(name)),
      path_(intern(std::string(parent.path_) + "." + name_)),
      made_at_(std::exchange(parent.next_child_at_, std::nullopt).value_or(loc)),
      parent_(&parent) {
  parent.check_name(name_, made_at_);
  parent.children_.push_back(this);
}

// A layer whose constructor threw must not stay in the tree.
Module::~Module() {
  if (parent_) std::erase(parent_->children_, this);
}

void Module::check_name(const std::string& name, SourceLoc loc) const {
  const Scope scope(path_, loc);
  if (name.empty() || name.find('.') != name.npos) {
    fail("Module", "a name that is not empty and has no dot expected", {"name  \"" + name + "\""},
         loc);
  }
  const bool is_taken =
      std::any_of(tensors_.begin(), tensors_.end(), [&](auto& e) { return e.name == name; }) ||
      std::any_of(children_.begin(), children_.end(), [&](auto* c) { return c->name_ == name; });
  if (is_taken) {
    fail("Module", "this name is taken", {"name  \"" + name + "\""}, loc);
  }
}

void Module::expect(bool good, const char* layer, std::string_view expected,
                    const std::string& found) const {
  if (good) return;
  const Scope scope(path_, made_at_);
  fail(layer, std::string(expected) + " expected", {"found  " + found}, made_at_);
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
  fail("Module", "this module has no forward(x)", {}, call_site());
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

// A training step asks for them several times, so no names are built.
void Module::collect(std::vector<Tensor>& out) const {
  for (const Entry& entry : tensors_) {
    if (entry.trained) out.push_back(entry.tensor);
  }
  for (const Module* child : children_) child->collect(out);
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> out;
  collect(out);
  return out;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

void Module::train(bool on) {
  training_ = on;
  for (Module* child : children_) child->train(on);
}

Parameter Module::enter(const std::string& name, const Tensor& initial, bool trained,
                        SourceLoc loc) {
  check_name(name, loc);
  Tensor own = initial.clone();
  if (trained) {
    own.set_requires_grad(true, {});  // no line: the name identifies it
    own.set_name(std::string(path_) + "." + name);
  }
  tensors_.push_back({name, own, trained});
  return Parameter(own);
}

Parameter Module::parameter(const std::string& name, const Tensor& initial, SourceLoc loc) {
  return enter(name, initial, true, loc);
}

Buffer Module::buffer(const std::string& name, const Tensor& initial, SourceLoc loc) {
  return enter(name, initial, false, loc);
}

void Module::rename(const std::string& from, const std::string& to, SourceLoc loc) {
  check_name(to, loc);
  const auto entry =
      std::find_if(tensors_.begin(), tensors_.end(), [&](auto& e) { return e.name == from; });
  if (entry == tensors_.end()) {
    const Scope scope(path_, loc);
    fail("Module", "there is no parameter or buffer of this name", {"name  \"" + from + "\""}, loc);
  }
  entry->name = to;
  if (entry->trained) entry->tensor.set_name(std::string(path_) + "." + to);
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

std::ostream& operator<<(std::ostream& out, const Module& module) {
  return out << to_string(module);
}

}  // namespace forger::nn
