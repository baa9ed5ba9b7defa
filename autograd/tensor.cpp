#include "autograd/tensor.h"

#include <algorithm>
#include <new>
#include <ostream>
#include <sstream>

#include "autograd/graph.h"
#include "autograd/memory.h"
#include "autograd/scope.h"

namespace forger {
namespace {

constexpr size_t kDataOffset = 64;  // the numbers begin one cache line behind their header
static_assert(sizeof(Storage) <= kDataOffset);

constexpr int64_t kShownPerAxis = 8;

/// Prints the part of an array that begins at `data` and spans the axes of `shape` from `axis` on.
void print(std::ostringstream& out, const Shape& shape, int axis, const Scalar* data) {
  if (axis == shape.rank()) {
    out << *data;
    return;
  }
  int64_t step = 1;
  for (int i = axis + 1; i < shape.rank(); ++i) step *= shape[i];
  const int64_t extent = shape[axis];
  out << "{";
  for (int64_t i = 0; i < extent; ++i) {
    if (i > 0) out << ", ";
    if (extent > kShownPerAxis && i == kShownPerAxis / 2) {
      out << "..., ";
      i = extent - kShownPerAxis / 2;
    }
    print(out, shape, axis + 1, data + i * step);
  }
  out << "}";
}

}  // namespace

void retain(Storage* storage) noexcept { storage->refs.fetch_add(1, std::memory_order_relaxed); }

void release(Storage* storage) noexcept {
  if (storage->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) memory::release(storage);
}

Tensor::Tensor(Ref<Storage> storage, const Shape& shape, Ref<Node> node)
    : storage_(std::move(storage)), shape_(shape), node_(std::move(node)) {}

Tensor Tensor::empty(const Shape& shape) {
  const size_t bytes = static_cast<size_t>(shape.numel()) * sizeof(Scalar);
  auto* storage = new (memory::acquire(kDataOffset + bytes)) Storage;
  storage->numel = shape.numel();
  storage->data = reinterpret_cast<Scalar*>(reinterpret_cast<char*>(storage) + kDataOffset);
  return Tensor(Ref<Storage>(storage), shape);
}

Tensor Tensor::full(const Shape& shape, Scalar value) {
  Tensor y = empty(shape);
  std::fill_n(y.storage_->data, y.numel(), value);
  return y;
}

Tensor Tensor::zeros(const Shape& shape) { return full(shape, 0); }
Tensor Tensor::ones(const Shape& shape) { return full(shape, 1); }
Tensor Tensor::scalar(Scalar value) { return full({}, value); }

Tensor Tensor::from(const Shape& shape, const std::vector<Scalar>& values, SourceLoc loc) {
  if (static_cast<int64_t>(values.size()) != shape.numel()) {
    fail("Tensor::from", "as many values as elements expected",
         {"shape  " + shape.str() + ", " + std::to_string(shape.numel()) + " elements",
          "values " + std::to_string(values.size())},
         loc);
  }
  Tensor y = empty(shape);
  std::copy(values.begin(), values.end(), y.storage_->data);
  return y;
}

void Tensor::throw_undefined(const char* op, SourceLoc loc) {
  fail(op, "the tensor is undefined",
       {"a gradient is undefined until a backward pass has reached it"}, loc);
}

Scalar* Tensor::mutable_data(SourceLoc loc) const {
  if (!storage_) throw_undefined("mutable_data", loc);
  ++storage_->version;
  storage_->changed_at = Composite::user_line(loc);
  return storage_->data;
}

Scalar Tensor::item(SourceLoc loc) const {
  if (!defined()) throw_undefined("item", loc);
  if (numel() != 1) fail("item", "one element expected", {"found " + shape_.str()}, loc);
  return *data();
}

Scalar Tensor::at(std::initializer_list<int64_t> index, SourceLoc loc) const {
  if (!defined()) throw_undefined("at", loc);
  const auto refuse = [&](const char* what) {
    std::string text;
    for (const int64_t i : index) text += (text.empty() ? "" : ", ") + std::to_string(i);
    fail("at", what, {"x      " + shape_.str(), "index  [" + text + "]"}, loc);
  };
  if (index.size() != static_cast<size_t>(rank())) refuse("one index per axis expected");
  int64_t offset = 0;
  const int64_t* extent = shape_.begin();
  for (const int64_t i : index) {
    if (i < 0 || i >= *extent) refuse("index out of range");
    offset = offset * *extent++ + i;
  }
  return data()[offset];
}

std::vector<Scalar> Tensor::to_vector(SourceLoc loc) const {
  if (!defined()) throw_undefined("to_vector", loc);
  return {data(), data() + numel()};
}

bool Tensor::requires_grad() const { return node_ && node_->requires_grad; }

Tensor& Tensor::set_requires_grad(bool on, SourceLoc loc) {
  if (!defined()) throw_undefined("set_requires_grad", loc);
  if (node_ && !node_->is_leaf()) {
    fail("set_requires_grad", "not a leaf: this tensor was computed",
         {"by " + node_->str(), "detach() gives a leaf with the same numbers"}, loc);
  }
  if (on && !node_) node_ = make_leaf(shape_, loc);
  if (node_) node_->requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const { return node_ && node_->grad ? *node_->grad : Tensor(); }

void Tensor::set_grad(const Tensor& g, SourceLoc loc) const {
  if (!node_ || !node_->is_leaf()) {
    fail("set_grad", "a leaf that requires a gradient expected",
         {node_ ? "found " + node_->str() : "found a tensor without a history"}, loc);
  }
  if (g.defined() && g.shape() != shape_) {
    fail("set_grad", "a gradient needs its tensor's shape",
         {"x  " + shape_.str(), "g  " + g.shape().str()}, loc);
  }
  node_->grad = g.defined() ? std::make_unique<Tensor>(g.detach()) : nullptr;
}

void Tensor::zero_grad() const {
  if (node_) node_->grad.reset();
}

Tensor& Tensor::set_name(const std::string& name, SourceLoc loc) {
  if (!node_ || !node_->is_leaf()) {
    fail("set_name", "a leaf that requires a gradient expected",
         {node_ ? "found " + node_->str() : "found a tensor without a history"}, loc);
  }
  node_->module = intern(name);
  return *this;
}

int64_t Tensor::add_hook(std::function<Tensor(const Tensor& g)> f, SourceLoc loc) const {
  if (!defined()) fail("add_hook", "the tensor is undefined", {}, loc);
  if (!requires_grad()) {
    fail("add_hook", "the tensor requires no gradient, so none will come", {"x  " + shape_.str()},
         loc);
  }
  if (!f) fail("add_hook", "a function expected", {"found an empty one"}, loc);
  static std::atomic<int64_t> last_hook{0};
  if (!node_->hooks) node_->hooks = std::make_unique<std::vector<Hook>>();
  node_->hooks->push_back({++last_hook, std::make_shared<const Hook::Function>(std::move(f)), loc});
  return node_->hooks->back().id;
}

void Tensor::remove_hook(int64_t hook, SourceLoc loc) const {
  const auto has_id = [hook](const Hook& h) { return h.id == hook; };
  if (!node_ || !node_->hooks || std::erase_if(*node_->hooks, has_id) == 0) {
    fail("remove_hook", "this tensor has no such hook", {"hook " + std::to_string(hook)}, loc);
  }
}

Tensor Tensor::detach() const { return Tensor(storage_, shape_); }

Tensor Tensor::clone(SourceLoc loc) const {
  if (!defined()) throw_undefined("clone", loc);
  Tensor y = empty(shape_);
  std::copy_n(data(), numel(), y.storage_->data);
  return y;
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << x.str(); }

// Defined here because a debugger can call only what the linker kept.
std::string Tensor::str() const {
  if (!defined()) return "undefined";
  std::ostringstream out;
  out << shape_.str() << " ";
  print(out, shape_, 0, data());
  return out.str();
}

}  // namespace forger
