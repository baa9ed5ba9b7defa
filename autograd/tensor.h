#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

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

  static Tensor empty(const Shape& shape);  // contents undefined
  static Tensor zeros(const Shape& shape);
  static Tensor ones(const Shape& shape);
  static Tensor full(const Shape& shape, Scalar value);
  static Tensor scalar(Scalar value);  // rank 0
  /// Row-major values. Throws Error unless there are shape.numel() of them.
  static Tensor from(const Shape& shape, const std::vector<Scalar>& values,
                     SourceLoc loc = SourceLoc::here());

  bool defined() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t numel() const { return shape_.numel(); }

  /// Row-major. Throws Error when the tensor is undefined.
  const Scalar* data() const { return storage_ ? storage_->data : throw_undefined(); }
  /// Write access; every handle to this storage sees the change. A backward pass that needs the old
  /// values will name this line in its error.
  Scalar* mutable_data(SourceLoc loc = SourceLoc::here()) const;
  /// The one element of a tensor that has one. Throws Error otherwise.
  Scalar item(SourceLoc loc = SourceLoc::here()) const;
  /// The element at an index per axis. Throws Error when out of range.
  Scalar at(std::initializer_list<int64_t> index, SourceLoc loc = SourceLoc::here()) const;
  std::vector<Scalar> to_vector() const;

  /// Whether gradients flow to or through this tensor.
  bool requires_grad() const { return static_cast<bool>(node_); }
  /// Turns a tensor that was not computed (a leaf) into one that collects gradients, or back.
  /// Throws Error on a computed tensor. Other handles to the same numbers, a module's own among
  /// them, keep what they were: to freeze a layer, leave its parameters out of backward()'s leaves.
  Tensor& set_requires_grad(bool on = true, SourceLoc loc = SourceLoc::here());
  /// The gradient that backward() left in this leaf; undefined before and after zero_grad(). It may
  /// share its numbers with another leaf's: change it by set_grad(), not in place.
  Tensor grad() const;
  /// Puts g in its place. Throws Error when this is no leaf that requires a gradient, or when g is
  /// defined and has another shape.
  void set_grad(const Tensor& g, SourceLoc loc = SourceLoc::here()) const;
  void zero_grad() const;

  /// Gives a leaf that requires a gradient a name, for messages and printed graphs. Throws Error
  /// for any other tensor: a computed one is named by its op and line.
  Tensor& set_name(const std::string& name, SourceLoc loc = SourceLoc::here());

  /// Calls `f` with the whole gradient of this tensor in every backward pass that computes it,
  /// before the gradient is used or stored; a defined tensor of the same shape that f returns takes
  /// its place. Hooks run in the order in which they were added and live as long as the tensor's
  /// node. Returns a number for remove_hook(). Throws Error when the tensor requires no gradient.
  int64_t add_hook(std::function<Tensor(const Tensor& g)> f,
                   SourceLoc loc = SourceLoc::here()) const;
  /// Throws Error when there is no hook of that number.
  void remove_hook(int64_t hook, SourceLoc loc = SourceLoc::here()) const;

  /// The same numbers without a history.
  Tensor detach() const;
  /// A copy with storage of its own and without a history.
  Tensor clone() const;

  /// "[2, 3] {{1, 2, 3}, {4, 5, 6}}", large tensors abridged.
  std::string str() const;

  const Ref<Node>& node() const { return node_; }
  const Ref<Storage>& storage() const { return storage_; }
  /// A tensor on existing storage; ops use it.
  Tensor(Ref<Storage> storage, const Shape& shape, Ref<Node> node = {});

 private:
  [[noreturn]] static const Scalar* throw_undefined(SourceLoc loc = call_site());

  Ref<Storage> storage_;
  Shape shape_;
  Ref<Node> node_;
};

}  // namespace forger
