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

/// The record of how tensors were computed. Each computed tensor has a Node, which holds the Op
/// with the derivative and refers to the nodes of the op's inputs, back to the leaves.
namespace forger {

using TensorRef = std::reference_wrapper<const Tensor>;

/// What a rule returns: one gradient per input, undefined where none was wanted.
struct Gradients : std::vector<Tensor> {
  Gradients() = default;
  /// Moves the gradients in. An initializer list would copy each, which costs two atomic updates.
  template <std::same_as<Tensor>... T>
  Gradients(T... gradients) {
    reserve(sizeof...(gradients));
    (push_back(std::move(gradients)), ...);
  }
};

/// A tensor that a rule reads later. Reading it throws Error if its numbers have changed since.
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

/// What a rule is given besides the cotangent.
class Context {
 public:
  Context(const Node& node, const std::vector<char>& wanted) : node_(node), wanted_(wanted) {}

  /// True if the gradient of this input is wanted. Throws Error if the op has no such input.
  bool wants(size_t input) const {
    if (input >= wanted_.size()) throw_no_input(input);
    return wanted_[input];
  }
  /// Returns the op's own output with its node. A rule saves the output without the node, because
  /// the node would own itself.
  Tensor output(const Saved& y) const;

 private:
  [[noreturn]] void throw_no_input(size_t input) const;

  const Node& node_;
  const std::vector<char>& wanted_;
};

/// Returns the tensor for a result of g's shape: g itself if the caller holds its only handle,
/// nothing is recorded and the NaN check is off; else a new one.
Tensor room_for_gradient(const Tensor& g);

/// The engine's interface to the derivative of one operation.
struct Op {
  virtual ~Op() = default;
  virtual const char* name() const = 0;
  /// Returns dL/dx for each input x, given g = dL/dy, which has y's shape. A rule is written in
  /// ops, so that it can be differentiated in turn.
  virtual Gradients backward(const Tensor& g, const Context& ctx) const = 0;
};

/// Adapts a plain struct such as MatMul to the interface Op. The struct's fields are what its rule
/// needs and nothing else. It has a constant `name` and the function backward.
template <class O>
struct Recorded final : Op {
  O op;
  explicit Recorded(O&& fields) : op(std::move(fields)) {}
  const char* name() const override { return O::name; }
  Gradients backward(const Tensor& g, const Context& ctx) const override {
    return op.backward(g, ctx);
  }
};

/// A function that a user gave to Tensor::add_hook.
struct Hook {
  using Function = std::function<Tensor(const Tensor& g)>;
  int64_t id;
  std::shared_ptr<const Function> f;  // shared, because a hook may be removed while it runs
  SourceLoc loc;
};

/// The nodes of an op's inputs, null for an input that requires no gradient. Up to three are stored
/// in the object itself, which saves an allocation and a cache miss.
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
  const uint64_t id;  // ascending: inputs have smaller ids
  // The marks of the last pass that reached this node; see Pass in engine.cpp.
  uint64_t pass = 0;
  size_t slot = 0;
  std::unique_ptr<const Op> op;  // null in a leaf, while its rule runs, and when freed
  const InputNodes inputs;       // empty in a leaf
  bool requires_grad = true;     // false in a frozen leaf
  bool freed = false;            // true after a backward pass freed the op
  SourceLoc freed_at;            // the line of that pass

  const char* name;    // the op's name, or "leaf"
  const char* module;  // path such as "D.conv1", or ""; a leaf's own name
  SourceLoc loc;       // the user's line
  Shape shape;         // of the tensor that the op made
  // If a rule made this node: id and op of the node that the rule differentiates.
  uint64_t grad_of_id = 0;
  const char* grad_of = nullptr;
  std::unique_ptr<Tensor> grad;  // of a leaf; null if there is none
  std::unique_ptr<std::vector<Hook>> hooks;
  Node* next_dead = nullptr;  // see release()

  Node(const char* op_name, const Shape& output, SourceLoc line,
       std::span<const TensorRef> input_tensors = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  bool is_leaf() const { return inputs.empty(); }
  /// Returns "#17 conv2d D.conv1, tutorials/03_dcgan/main.cpp:88" or
  /// "#40 mul, grad of #17 conv2d, …".
  std::string str() const;
};

/// Returns the node of a new leaf.
Ref<Node> make_leaf(const Shape& shape, SourceLoc loc);

/// Calls the hooks of a node that has some, and returns the gradient that results. Throws Error if
/// a hook returns another shape.
Tensor run_hooks(const Node& node, const Tensor& g);

/// Returns the number of existing nodes, to find leaks.
int64_t live_nodes();

/// True if ops on this thread record nodes.
bool grad_enabled();

/// While a NoGrad exists, ops on this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool outer_;
};

/// While a WithGrad exists, ops on this thread record if `on` is true, inside a NoGrad too.
class WithGrad {
 public:
  explicit WithGrad(bool on = true);
  ~WithGrad();
  WithGrad(const WithGrad&) = delete;
  WithGrad& operator=(const WithGrad&) = delete;

 private:
  bool outer_;
};

/// While a rule runs, the nodes that it makes name the node that it differentiates, and its line. A
/// rule ignores a Composite that is open around the call of grad().
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
/// Returns the node whose rule runs on this thread, or null.
const Node* differentiated();

/// True if an op on these inputs has to be recorded.
bool wants_node(std::span<const TensorRef> inputs);
/// Returns y with a new node for `op`.
Tensor attach(const Tensor& y, std::span<const TensorRef> inputs, std::unique_ptr<const Op> op,
              SourceLoc loc);

/// Returns y with its node if an input requires a gradient. Every op's forward function ends with
/// this call.
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
