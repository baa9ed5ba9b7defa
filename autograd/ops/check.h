#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// Checks of arguments, shared by many ops. Each throws an Error that names `op`.
namespace forger {

/// Bounds of arguments. No sum or product of arguments within them overflows, and no memory holds
/// larger tensors.
constexpr int64_t kLargestOption = int64_t{1} << 20;  // strides, paddings, dilations, sizes
constexpr int64_t kLargestAxis = int64_t{1} << 26;    // axes for which an op allocates a table
constexpr int64_t kLargestExtent = int64_t{1} << 40;  // axes in sums with other arguments

/// A tensor and its name in the op's declaration.
struct Argument {
  const char* name;
  const Tensor& tensor;
};

/// Throws the Error of check_defined() for the arguments [begin, end).
[[noreturn]] void fail_undefined(const char* op, const Argument* begin, const Argument* end,
                                 SourceLoc loc);

/// Throws Error if an argument is undefined. The error lists all arguments.
inline void check_defined(const char* op, std::initializer_list<Argument> arguments,
                          SourceLoc loc) {
  for (const Argument& argument : arguments) {
    if (!argument.tensor.defined()) fail_undefined(op, arguments.begin(), arguments.end(), loc);
  }
}

/// Throws Error unless a and b are defined and have the same shape.
void check_same_shape(const char* op, const Argument& a, const Argument& b, SourceLoc loc);

/// Throws Error if `parts` is empty or contains an undefined tensor.
void check_parts(const char* op, const std::vector<Tensor>& parts, SourceLoc loc);

/// Throws Error unless eps is at least 0. The caller adds eps to a variance.
void check_eps(const char* op, double eps, SourceLoc loc);

/// Returns the product of factors that are at least 0, or INT64_MAX if it overflows. No shape
/// accepts an extent of INT64_MAX.
int64_t saturating_product(std::initializer_list<int64_t> factors);

}  // namespace forger
