#pragma once

#include <vector>

#include "autograd/tensor.h"

/// Backward passes through the graph.
namespace forger {

struct GradOptions {
  /// Records the rules themselves, inside a NoGrad too, so that the result can be differentiated.
  bool create_graph = false;
  /// Keeps the tensors that the rules saved, for another pass. create_graph implies it.
  bool retain_graph = false;
  /// An input that the outputs do not depend on gives an undefined tensor instead of an Error.
  bool allow_unused = false;
};

/// Returns the gradient of sum_i <outputs[i], cotangents[i]> with respect to each input, which may
/// be a leaf or computed. Rules run only on paths from an output to an input. Without cotangents
/// each output must have one element, and its cotangent is 1. Throws Error if an input is not part
/// of the graph (unless allowed), if a cotangent's shape differs from its output's, and if an
/// earlier pass freed the graph.
[[nodiscard]] std::vector<Tensor> grad(const std::vector<Tensor>& outputs,
                                       const std::vector<Tensor>& inputs,
                                       const std::vector<Tensor>& cotangents = {},
                                       GradOptions options = {}, SourceLoc loc = SourceLoc::here());

struct BackwardOptions {
  /// Keeps the tensors that the rules saved, for another pass.
  bool retain_graph = false;
  /// A leaf that the loss does not depend on keeps its grad() as it is instead of an Error.
  bool allow_unused = false;
};

/// Adds the gradient of a loss (one element) to the grad() of each of `leaves`, which are the
/// parameters to update. No other gradient is stored: a generator's step skips the gradients of the
/// discriminator's weights. Frees the graph unless retain_graph is set. Throws Error if the
/// list is empty or if one of `leaves` was computed, requires no gradient (a frozen leaf) or is not
/// part of the graph (unless allowed). Throws Error, too, if the loss does not have one element,
/// and if an earlier pass freed the graph.
void backward(const Tensor& loss, const std::vector<Tensor>& leaves, BackwardOptions options = {},
              SourceLoc loc = SourceLoc::here());

/// Does the same for every leaf that the loss depends on and that requires a gradient. Throws Error
/// if there is none, because each was frozen after the loss was computed.
void backward(const Tensor& loss, SourceLoc loc = SourceLoc::here());

}  // namespace forger
