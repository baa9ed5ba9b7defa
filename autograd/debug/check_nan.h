#pragma once

#include <span>
#include <string>
#include <vector>

#include "autograd/tensor.h"

/// Stops in the op or rule that made the first NaN or infinity.
namespace forger {

/// Switches the check on or off for all threads. At the start the environment variable
/// FORGER_CHECK_NAN decides: 1 is on; 0, empty or unset is off; anything else is an Error.
void set_check_nan(bool on);
bool check_nan();

/// Throws Error unless all numbers of y, the result of `op`, are finite. The message says which is
/// not, what the inputs looked like, and which node's rule was running, if any. Inside of a composite op it names the
/// step that failed, because that is what is looked for, and then the composite op.
void check_finite(const char* op, const Tensor& y,
                  std::span<const std::reference_wrapper<const Tensor>> inputs, SourceLoc loc);

}  // namespace forger
