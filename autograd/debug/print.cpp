#include <sstream>

#include "autograd/tensor.h"

namespace forger {
namespace {

constexpr int64_t kShownPerAxis = 8;

/// Prints the block of `shape`'s axes from `axis` on that begins at `data`.
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

std::string Tensor::str() const {
  if (!defined()) return "undefined";
  std::ostringstream out;
  out << shape_.str() << " ";
  print(out, shape_, 0, data());
  return out.str();
}

}  // namespace forger
