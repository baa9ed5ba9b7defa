#pragma once

#include <string>

#include "autograd/error.h"
#include "nn/module.h"

namespace forger::nn {

/// Returns a table of all layers, in the order in which a call on an x of this shape (batch
/// included) reaches them: description, output shape, parameters and multiply-adds. The call runs
/// in evaluation mode on zeros and leaves the module unchanged. Throws Error, naming the layer, if
/// the shape does not fit.
[[nodiscard]] std::string summary(Module& module, const Shape& x,
                                  SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
