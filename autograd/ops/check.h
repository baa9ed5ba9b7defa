#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// Checks of arguments that many ops share. Each throws Error under the name of `op`.
namespace forger {

/// A tensor as the user knows it: under its name in the op's declaration.
struct Argument {
  const char* name;
  const Tensor& tensor;
};

[[noreturn]] void fail_undefined(const char* op, const Argument* begin, const Argument* end,
                                 SourceLoc loc);

/// Throws Error, which shows all of the arguments, if one is undefined.
inline void check_defined(const char* op, std::initializer_list<Argument> arguments,
                          SourceLoc loc) {
  for (const Argument& argument : arguments) {
    if (!argument.tensor.defined()) fail_undefined(op, arguments.begin(), arguments.end(), loc);
  }
}

/// Throws Error unless both are defined and have one shape.
void check_same_shape(const char* op, const Argument& a, const Argument& b, SourceLoc loc);

/// Throws Error if there are no parts or one is undefined.
void check_parts(const char* op, const std::vector<Tensor>& parts, SourceLoc loc);

/// Throws Error unless eps, which is added to a variance, is at least 0.
void check_eps(const char* op, double eps, SourceLoc loc);

/// The product of factors that are at least 0, or INT64_MAX, of which no shape can be made.
int64_t saturating_product(std::initializer_list<int64_t> factors);

}  // namespace forger
