#include "autograd/graph.h"

#include <algorithm>
#include <utility>

#include "autograd/error.h"
#include "autograd/scope.h"

namespace forger {
namespace {

std::atomic<uint64_t> last_id{0};
std::atomic<int64_t> live{0};
thread_local bool recording = true;
thread_local const Node* differentiated_node = nullptr;

}  // namespace

InputNodes::InputNodes(std::span<const TensorRef> inputs) : size_(inputs.size()) {
  if (size_ > few_.size()) many_ = std::make_unique<Ref<Node>[]>(size_);
  Ref<Node>* const nodes = many_ ? many_.get() : few_.data();
  for (size_t i = 0; i < size_; ++i) {
    const Ref<Node>& node = inputs[i].get().node();
    if (node && node->requires_grad) nodes[i] = node;
  }
}

Node::Node(const char* op_name, const Shape& output, SourceLoc line,
           std::span<const TensorRef> input_tensors)
    : id(++last_id),
      inputs(input_tensors),
      name(op_name),
      module(current_module()),
      loc(line),
      shape(output) {
  ++live;
}

Node::~Node() { --live; }

void retain(Node* node) noexcept { node->refs.fetch_add(1, std::memory_order_relaxed); }

// Freeing a node releases its inputs, which may free a million nodes in turn. Dead nodes are queued
// in a list, so that the depth of the stack does not depend on the depth of the graph.
void release(Node* node) noexcept {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  thread_local Node* dead = nullptr;
  thread_local bool freeing = false;
  node->next_dead = dead;
  dead = node;
  if (freeing) return;
  freeing = true;
  while (dead) {
    Node* next = dead;
    dead = next->next_dead;
    delete next;
  }
  freeing = false;
}

std::string Node::str() const {
  std::string text = "#" + std::to_string(id) + " " + name;
  if (grad_of) text += ", grad of #" + std::to_string(grad_of_id) + " " + grad_of;
  if (*module) text += std::string(" ") + module;
  return loc.line != 0 ? text + ", " + loc.str() : text;
}

Ref<Node> make_leaf(const Shape& shape, SourceLoc loc) {
  return Ref<Node>(new Node("leaf", shape, loc));
}

int64_t live_nodes() { return live; }

bool grad_enabled() { return recording; }

NoGrad::NoGrad() : outer_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = outer_; }

WithGrad::WithGrad(bool on) : outer_(std::exchange(recording, on)) {}
WithGrad::~WithGrad() { recording = outer_; }

Differentiating::Differentiating(const Node& node)
    : outer_(std::exchange(differentiated_node, &node)),
      outer_composite_(std::exchange(Composite::outermost_, {})) {}
Differentiating::~Differentiating() {
  differentiated_node = outer_;
  Composite::outermost_ = outer_composite_;
}
const Node* differentiated() { return differentiated_node; }

Tensor room_for_gradient(const Tensor& g) {
  const bool unseen = g.storage()->refs == 1 && !grad_enabled() && !check_nan();
  return unseen ? g : Tensor::empty(g.shape());
}

Tensor Context::output(const Saved& y) const {
  // The rule must not change the node, but the rule's ops need a handle to it.
  return Tensor(y.get().storage(), y.get().shape(), Ref<Node>(const_cast<Node*>(&node_)));
}

void Context::throw_no_input(size_t input) const {
  fail(
      node_.name, "the rule asks for an input that the op does not have",
      {"input " + std::to_string(input) + ", expected less than " + std::to_string(wanted_.size())},
      node_.loc);
}

void Saved::throw_changed() const {
  const Node* maker = tensor_.node().get();
  const Node* user = differentiated();
  const Storage& storage = *tensor_.storage();
  std::vector<std::string> details = {
      "tensor   " + tensor_.shape().str() + (maker ? ", " + maker->str() : ""),
      "version  " + std::to_string(version_) + " when it was used, " +
          std::to_string(storage.version) + " now"};
  if (user) details.push_back("used by  " + user->str());
  details.push_back("changed  at " + storage.changed_at.str());
  fail(user ? user->name : "Saved",
       "a tensor that the gradient needs was changed after it was used", details, SourceLoc{});
}

Tensor run_hooks(const Node& node, const Tensor& g) {
  Tensor result = g;
  const std::vector<Hook> hooks = *node.hooks;  // a copy, because a hook may remove itself
  for (const Hook& hook : hooks) {
    const Tensor changed = (*hook.f)(result);
    if (!changed.defined()) continue;
    if (changed.shape() != node.shape) {
      fail("hook", "a hook's gradient needs its tensor's shape",
           {"tensor    " + node.shape.str() + ", " + node.str(),
            "returned  " + changed.shape().str()},
           hook.loc);
    }
    result = changed;
  }
  return result;
}

bool wants_node(std::span<const TensorRef> inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(), [](const Tensor& input) {
           return input.node() && input.node()->requires_grad;
         });
}

Tensor attach(const Tensor& y, std::span<const TensorRef> inputs, std::unique_ptr<const Op> op,
              SourceLoc loc) {
  const Node* rule_of = differentiated_node;
  Ref<Node> node(
      new Node(op->name(), y.shape(), rule_of ? rule_of->loc : Composite::user_line(loc), inputs));
  if (rule_of) {
    node->grad_of_id = rule_of->id;
    node->grad_of = rule_of->name;
    node->module = rule_of->module;
  }
  node->op = std::move(op);
  return Tensor(y.storage(), y.shape(), std::move(node));
}

}  // namespace forger
