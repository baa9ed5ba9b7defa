#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograd/debug/check_nan.h"
#include "autograd/tensor.h"

/// The record of how a tensor was made. One Node per computed tensor, holding the Op that knows the
/// derivative; the nodes of an op's inputs lead back to the leaves.
namespace forger {

using TensorRef = std::reference_wrapper<const Tensor>;

/// What a rule returns: one gradient per input, undefined where none was wanted.
struct Gradients : std::vector<Tensor> {
  Gradients() = default;
  /// Unlike a vector's list, whose tensors can only be copied, with two counts each.
  template <std::same_as<Tensor>... T>
  Gradients(T... gradients) {
    reserve(sizeof...(gradients));
    (push_back(std::move(gradients)), ...);
  }
};

/// A tensor that a rule will need. Reading it throws Error when its numbers changed since.
class Saved {
 public:
  Saved() = default;
  Saved(const Tensor& tensor)
      : tensor_(tensor), version_(tensor.defined() ? tensor.storage()->version : 0) {}

  const Tensor& get() const {
    if (tensor_.defined() && tensor_.storage()->version != version_) throw_changed();
    return tensor_;
  }
  operator const Tensor&() const { return get(); }
  const Shape& shape() const { return tensor_.shape(); }
  bool defined() const { return tensor_.defined(); }

 private:
  [[noreturn]] void throw_changed() const;

  Tensor tensor_;
  uint64_t version_ = 0;
};

/// What the engine tells a rule beside the cotangent.
class Context {
 public:
  Context(const Node& node, const std::vector<char>& wanted) : node_(node), wanted_(wanted) {}

  /// True if the gradient of this input is asked for. Throws Error when the op has no such input.
  bool wants(size_t input) const {
    if (input >= wanted_.size()) throw_no_input(input);
    return wanted_[input];
  }
  /// The op's own output, saved without its node (which would own itself), with its node again.
  Tensor output(const Saved& y) const;

 private:
  [[noreturn]] void throw_no_input(size_t input) const;

  const Node& node_;
  const std::vector<char>& wanted_;
};

/// Where a rule leaves a result of g's shape, element by element or channel by channel: over g's
/// numbers where nobody else can see them, nothing is recorded and nothing looks for NaNs, or in a
/// new tensor.
Tensor room_for_gradient(const Tensor& g);

/// The derivative of one operation, as the engine sees it.
struct Op {
  virtual ~Op() = default;
  virtual const char* name() const = 0;
  /// Given g = dL/dy, with y's shape, returns dL/dx for each input. Written in ops, so that it can
  /// be differentiated in turn.
  virtual Gradients backward(const Tensor& g, const Context& ctx) const = 0;
};

/// Puts a plain struct such as MatMul behind that interface. The struct's fields are what its rule
/// needs and nothing else; it has a constant `name` and the function backward.
template <class O>
struct Recorded final : Op {
  O op;
  explicit Recorded(O&& fields) : op(std::move(fields)) {}
  const char* name() const override { return O::name; }
  Gradients backward(const Tensor& g, const Context& ctx) const override {
    return op.backward(g, ctx);
  }
};

/// What the user asked to be called with a gradient; see Tensor::add_hook.
struct Hook {
  using Function = std::function<Tensor(const Tensor& g)>;
  int64_t id;
  std::shared_ptr<const Function> f;  // shared, for a hook may be removed while it runs
  SourceLoc loc;
};

/// The nodes of an op's inputs: null where an input wants no gradient. Up to three lie in the node
/// itself, which saves an allocation and a cache miss.
class InputNodes {
 public:
  InputNodes() = default;
  explicit InputNodes(std::span<const TensorRef> inputs);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Ref<Node>* begin() const { return many_ ? many_.get() : few_.data(); }
  const Ref<Node>* end() const { return begin() + size_; }
  const Ref<Node>& operator[](size_t i) const { return begin()[i]; }

 private:
  size_t size_ = 0;
  std::array<Ref<Node>, 3> few_;
  std::unique_ptr<Ref<Node>[]> many_;
};

struct Node {
  std::atomic<int64_t> refs{0};
  const uint64_t id;  // counts up: inputs have smaller ids
  // Where the pass that last met this node keeps its notes; see engine.cpp.
  uint64_t pass = 0;
  size_t slot = 0;
  std::unique_ptr<const Op> op;  // null in a leaf, while its rule runs, and once it was freed
  const InputNodes inputs;       // empty in a leaf
  bool requires_grad = true;     // false in a frozen leaf
  bool freed = false;            // by a backward pass ...
  SourceLoc freed_at;            // ... at this line

  const char* name;               // the op's, or "leaf"
  const char* module;             // "D.conv1", or ""; of a leaf its own name
  SourceLoc loc;                  // the user's line
  Shape shape;                    // of the tensor that it made
  uint64_t grad_of_id = 0;        // for a node made by a rule: the node which that rule
  const char* grad_of = nullptr;  // differentiates
  std::unique_ptr<Tensor> grad;   // of a leaf; null when there is none
  std::unique_ptr<std::vector<Hook>> hooks;
  Node* next_dead = nullptr;  // see release()

  Node(const char* op_name, const Shape& output, SourceLoc line,
       std::span<const TensorRef> input_tensors = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  bool is_leaf() const { return inputs.empty(); }
  /// "#17 conv2d D.conv1, tutorials/03_dcgan/main.cpp:88" or "#40 mul, grad of #17 conv2d, …".
  std::string str() const;
};

Ref<Node> make_leaf(const Shape& shape, SourceLoc loc);

/// The gradient as the hooks of a node that has some leave it. Throws Error when one returns
/// another shape.
Tensor run_hooks(const Node& node, const Tensor& g);

/// How many nodes exist, to find leaks.
int64_t live_nodes();

/// Whether ops record nodes on this thread.
bool grad_enabled();

/// While one exists, ops on this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool outer_;
};

/// While one exists, ops on this thread record if `on`, inside a NoGrad too.
class WithGrad {
 public:
  explicit WithGrad(bool on = true);
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool outer_;
};

/// While a rule runs, the nodes it makes name the node it differentiates, and its line. A composite
/// op that called grad() has no part in what the rule does.
class Differentiating {
 public:
  explicit Differentiating(const Node& node);
  ~Differentiating();
  Differentiating(const Differentiating&) = delete;
  Differentiating& operator=(const Differentiating&) = delete;

 private:
  const Node* outer_;
  Composite::Call outer_composite_;
};
/// The node whose rule runs on this thread, or null.
const Node* differentiated();

/// True if an op on these inputs has to be recorded.
bool wants_node(std::span<const TensorRef> inputs);
Tensor attach(const Tensor& y, std::span<const TensorRef> inputs, std::unique_ptr<const Op> op,
              SourceLoc loc);

/// Gives y its node, if any input wants gradients: the last line of every op's forward.
template <class O>
Tensor record(const Tensor& y, std::span<const TensorRef> inputs, O op, SourceLoc loc) {
  if (check_nan()) check_finite(O::name, y, inputs, loc);
  if (!wants_node(inputs)) return y;
  return attach(y, inputs, std::make_unique<const Recorded<O>>(std::move(op)), loc);
}
template <class O>
Tensor record(const Tensor& y, std::initializer_list<TensorRef> inputs, O op, SourceLoc loc) {
  return record(y, std::span<const TensorRef>(inputs.begin(), inputs.size()), std::move(op), loc);
}

}  // namespace forger
