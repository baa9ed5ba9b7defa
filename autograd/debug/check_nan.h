#pragma once

#include <span>
#include <string>
#include <vector>

#include "autograd/tensor.h"

/// Finds the op or rule that computes the first NaN or infinity.
namespace forger {

/// Switches the check on or off for all threads. Until the first call, the environment variable
/// FORGER_CHECK_NAN decides: 1 is on; 0, empty or unset is off; any other value is an Error.
void set_check_nan(bool on);
/// True if the check is on.
bool check_nan();

/// Throws Error unless all numbers of y, the result of `op`, are finite. The message names the
/// first that is not, describes the inputs, and names the node whose rule was running, if any.
/// Inside a composite op the message names the step that failed, and then the composite op.
void check_finite(const char* op, const Tensor& y,
                  std::span<const std::reference_wrapper<const Tensor>> inputs, SourceLoc loc);

}  // namespace forger
