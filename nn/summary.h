#pragma once

#include <string>

#include "autograd/error.h"
#include "nn/module.h"

namespace forger::nn {

/// A table of all layers in the order in which a call on x of this shape (batch included) reaches
/// them: what each is, its output's shape, parameters, and multiply-adds. The call runs in
/// evaluation mode on zeros and leaves the module as it was. Throws Error where the shape does not
/// fit, naming the layer.
[[nodiscard]] std::string summary(Module& module, const Shape& x,
                                  SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
