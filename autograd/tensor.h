#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/ref.h"
#include "autograd/scalar.h"
#include "autograd/scope.h"
#include "autograd/shape.h"
#include "autograd/source_loc.h"

namespace forger {

struct Node;
void retain(Node* node) noexcept;
void release(Node* node) noexcept;

/// The numbers of one or more tensors (reshape shares them), with a count of their changes.
struct Storage {
  std::atomic<int64_t> refs{0};
  int64_t numel = 0;
  uint64_t version = 0;  // how often mutable_data() was asked for
  SourceLoc changed_at;  // by whom last
  Scalar* data = nullptr;
};
void retain(Storage* storage) noexcept;
void release(Storage* storage) noexcept;

/// A handle to an n-dimensional array: a shape, shared storage (dense, row-major) and, if it was
/// computed from something that wants gradients, the node that made it. Copies are cheap
/// and see the same numbers. A tensor belongs to one thread at a time.
class Tensor {
 public:
  /// Undefined: no shape, no storage.
  Tensor() = default;

  [[nodiscard]] static Tensor empty(const Shape& shape);  // contents undefined
  [[nodiscard]] static Tensor zeros(const Shape& shape);
  [[nodiscard]] static Tensor ones(const Shape& shape);
  [[nodiscard]] static Tensor full(const Shape& shape, Scalar value);
  [[nodiscard]] static Tensor scalar(Scalar value);  // rank 0
  /// Row-major values. Throws Error unless there are shape.numel() of them.
  [[nodiscard]] static Tensor from(const Shape& shape, const std::vector<Scalar>& values,
                                   SourceLoc loc = SourceLoc::here());

  [[nodiscard]] bool defined() const { return static_cast<bool>(storage_); }
  /// Of an undefined tensor: [].
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int rank() const { return shape_.rank(); }
  /// Of an undefined tensor: 0.
  [[nodiscard]] int64_t numel() const { return storage_ ? shape_.numel() : 0; }

  /// Row-major. Throws Error when the tensor is undefined.
  [[nodiscard]] const Scalar* data() const {
    if (!storage_) throw_undefined("data");
    return storage_->data;
  }
  /// Write access; every handle to this storage sees the change. A backward pass that needs the old
  /// values will name this line in its error.
  Scalar* mutable_data(SourceLoc loc = SourceLoc::here()) const;
  /// The one element of a tensor that has one. Throws Error otherwise.
  [[nodiscard]] Scalar item(SourceLoc loc = SourceLoc::here()) const;
  /// The element at one index per axis, each from 0 to the extent - 1. Throws Error otherwise.
  [[nodiscard]] Scalar at(std::initializer_list<int64_t> index,
                          SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::vector<Scalar> to_vector(SourceLoc loc = SourceLoc::here()) const;

  /// True if gradients flow to or through this tensor.
  [[nodiscard]] bool requires_grad() const;
  /// Turns a tensor that was not computed into a leaf, which collects gradients. `false` freezes a
  /// leaf: ops no longer record it, and no backward pass computes its gradient. `true` thaws it. A
  /// leaf keeps its name, its gradient and its hooks while it is frozen, and every handle to it
  /// sees the change: a module's own, an optimizer's, a copy. An op that has nothing to do, such as
  /// dropout with p = 0 or broadcast_to the same shape, returns a copy of its input's handle.
  /// A handle that was copied from the
  /// tensor before it first became a leaf does not, nor does a detach()ed one. Throws Error for a
  /// computed or undefined tensor.
  Tensor& set_requires_grad(bool on = true, SourceLoc loc = SourceLoc::here());
  /// The gradient that backward() left in this leaf; undefined before and after zero_grad(). It may
  /// share its numbers with another leaf's: change it by set_grad(), not in place.
  [[nodiscard]] Tensor grad() const;
  /// Replaces that gradient by g's numbers; a history of g is dropped. An undefined g clears it.
  /// Throws Error when this is no leaf (a frozen one is), or when g is defined and has another
  /// shape.
  void set_grad(const Tensor& g, SourceLoc loc = SourceLoc::here()) const;
  void zero_grad() const;

  /// Gives a leaf, which may be frozen, a name for messages and printed graphs. Throws Error for
  /// any other tensor: a computed one is named by its op and line.
  Tensor& set_name(const std::string& name, SourceLoc loc = SourceLoc::here());

  /// Calls `f` with the whole gradient of this tensor in every backward pass that computes it,
  /// before the gradient is used or stored; a defined tensor of the same shape that f returns takes
  /// its place. Hooks run in the order in which they were added and live as long as the tensor's
  /// node. A hook may start a backward pass of its own; if that frees the graph which this pass
  /// still has to walk, this pass throws an Error. Hooks that a hook adds or removes count from the
  /// node's next gradient on. Returns a number for remove_hook(). Throws Error when the tensor
  /// requires no gradient.
  ///
  /// A hook must not capture the tensor that it is added to, nor anything computed from it: the
  /// node would own itself and never be freed. Capture detach() instead.
  int64_t add_hook(std::function<Tensor(const Tensor& g)> f,
                   SourceLoc loc = SourceLoc::here()) const;
  /// Throws Error when there is no hook of that number.
  void remove_hook(int64_t hook, SourceLoc loc = SourceLoc::here()) const;

  /// The same numbers without a history.
  [[nodiscard]] Tensor detach() const;
  /// A copy with storage of its own and without a history.
  [[nodiscard]] Tensor clone(SourceLoc loc = SourceLoc::here()) const;

  /// "[2, 3] {{1, 2, 3}, {4, 5, 6}}", large tensors abridged.
  [[nodiscard]] std::string str() const;

  /// The record of how the tensor was made; a leaf has one, too.
  const Ref<Node>& node() const { return node_; }
  const Ref<Storage>& storage() const { return storage_; }
  /// A tensor on existing storage; ops use it.
  Tensor(Ref<Storage> storage, const Shape& shape, Ref<Node> node = {});

 private:
  [[noreturn]] static void throw_undefined(const char* op, SourceLoc loc = call_site());

  Ref<Storage> storage_;
  Shape shape_;
  Ref<Node> node_;
};

/// Writes str().
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace forger
