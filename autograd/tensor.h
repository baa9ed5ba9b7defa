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

/// The numbers of one or more tensors (reshape shares them) and a count of their changes.
struct Storage {
  std::atomic<int64_t> refs{0};
  int64_t numel = 0;
  uint64_t version = 0;  // number of calls of mutable_data()
  SourceLoc changed_at;  // line of the last such call
  Scalar* data = nullptr;
};
void retain(Storage* storage) noexcept;
void release(Storage* storage) noexcept;

/// A handle to an n-dimensional array: a shape, shared storage (dense, row-major) and a node. The
/// node is null unless the tensor is a leaf or was computed from one. Copies are cheap and share
/// the numbers. A tensor belongs to one thread at a time.
class Tensor {
 public:
  /// Makes an undefined tensor: no shape, no storage.
  Tensor() = default;

  [[nodiscard]] static Tensor empty(const Shape& shape);  // contents undefined
  [[nodiscard]] static Tensor zeros(const Shape& shape);
  [[nodiscard]] static Tensor ones(const Shape& shape);
  [[nodiscard]] static Tensor full(const Shape& shape, Scalar value);
  [[nodiscard]] static Tensor scalar(Scalar value);  // rank 0
  /// Copies row-major values. Throws Error unless there are shape.numel() of them.
  [[nodiscard]] static Tensor from(const Shape& shape, const std::vector<Scalar>& values,
                                   SourceLoc loc = SourceLoc::here());

  [[nodiscard]] bool defined() const { return static_cast<bool>(storage_); }
  /// Returns [] for an undefined tensor.
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] int rank() const { return shape_.rank(); }
  /// Returns 0 for an undefined tensor.
  [[nodiscard]] int64_t numel() const { return storage_ ? shape_.numel() : 0; }

  /// Returns the numbers in row-major order. Throws Error if the tensor is undefined.
  [[nodiscard]] const Scalar* data() const {
    if (!storage_) throw_undefined("data");
    return storage_->data;
  }
  /// Returns the numbers for writing. Every handle to this storage sees the change. A backward pass
  /// that needs the old values names this line in its error.
  Scalar* mutable_data(SourceLoc loc = SourceLoc::here()) const;
  /// Returns the element of a tensor that has one. Throws Error otherwise.
  [[nodiscard]] Scalar item(SourceLoc loc = SourceLoc::here()) const;
  /// Returns the element at one index per axis, each from 0 to the extent - 1. Throws Error for
  /// any other index.
  [[nodiscard]] Scalar at(std::initializer_list<int64_t> index,
                          SourceLoc loc = SourceLoc::here()) const;
  [[nodiscard]] std::vector<Scalar> to_vector(SourceLoc loc = SourceLoc::here()) const;

  /// True if gradients flow to or through this tensor.
  [[nodiscard]] bool requires_grad() const;
  /// Turns a tensor that was not computed into a leaf, which collects gradients. `false` freezes a
  /// leaf: ops no longer record it, and no backward pass computes its gradient. `true` thaws it. A
  /// frozen leaf keeps its name, its gradient and its hooks. Every handle to the leaf sees the
  /// change: a module's own, an optimizer's, a copy. An op that has nothing to do, such as dropout
  /// with p = 0 or broadcast_to the same shape, returns such a copy. A handle does not see it if it
  /// was copied before the tensor first became a leaf, or made by detach(). Throws Error for a
  /// computed or undefined tensor.
  Tensor& set_requires_grad(bool on = true, SourceLoc loc = SourceLoc::here());
  /// Returns the gradient that backward() left in this leaf. It is undefined before the first pass
  /// and after zero_grad(). It may share its numbers with another leaf's gradient: change it by
  /// set_grad(), not in place.
  [[nodiscard]] Tensor grad() const;
  /// Replaces that gradient by g's numbers without g's history. An undefined g clears it. Throws
  /// Error if this is not a leaf (a frozen one is), or if g is defined and has another shape.
  void set_grad(const Tensor& g, SourceLoc loc = SourceLoc::here()) const;
  /// Clears that gradient.
  void zero_grad() const;

  /// Gives a leaf, which may be frozen, a name for messages and printed graphs. Throws Error for
  /// any other tensor: a computed one is named by its op and line.
  Tensor& set_name(const std::string& name, SourceLoc loc = SourceLoc::here());

  /// Calls `f` with the complete gradient of this tensor in every backward pass that computes it,
  /// before the gradient is used or stored. If f returns a defined tensor, which must have the same
  /// shape, that tensor replaces the gradient. Hooks run in the order in which they were added and
  /// live as long as the tensor's node. A hook may start a backward pass. If that pass frees nodes
  /// that the outer pass still has to visit, the outer pass throws Error. If a hook adds or removes
  /// hooks, the change applies from the node's next gradient on. Returns a number for
  /// remove_hook(). Throws Error if the tensor requires no gradient.
  ///
  /// A hook must not capture the tensor that it is added to, nor anything computed from it: the
  /// node would own itself and never be freed. Capture detach() instead.
  int64_t add_hook(std::function<Tensor(const Tensor& g)> f,
                   SourceLoc loc = SourceLoc::here()) const;
  /// Throws Error if this tensor has no hook of that number.
  void remove_hook(int64_t hook, SourceLoc loc = SourceLoc::here()) const;

  /// Returns a tensor that shares the numbers and has no history.
  [[nodiscard]] Tensor detach() const;
  /// Returns a copy with storage of its own and without a history.
  [[nodiscard]] Tensor clone(SourceLoc loc = SourceLoc::here()) const;

  /// Returns "[2, 3] {{1, 2, 3}, {4, 5, 6}}". Large tensors are abridged.
  [[nodiscard]] std::string str() const;

  /// Returns the record of how the tensor was computed. A leaf has one, too.
  const Ref<Node>& node() const { return node_; }
  const Ref<Storage>& storage() const { return storage_; }
  /// Makes a tensor on existing storage, for ops.
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
