#pragma once

#include <vector>

#include "autograd/tensor.h"

/// The way back through the graph.
namespace forger {

struct GradOptions {
  /// Records the rules themselves, inside a NoGrad too, so that the result can be differentiated.
  bool create_graph = false;
  /// Keeps what the rules saved, for another pass. create_graph implies it.
  bool retain_graph = false;
  /// An input that the outputs do not depend on gives an undefined tensor instead of an Error.
  bool allow_unused = false;
};

/// The gradient of sum_i <outputs[i], cotangents[i]> with respect to each input, which may be a
/// leaf or computed. Only what these inputs need is computed. Without cotangents each output must
/// have one element, and its cotangent is 1. Throws Error when an input is not part of the
/// graph (unless allowed), when a cotangent has another shape than its output, and when the
/// graph was freed by an earlier pass.
[[nodiscard]] std::vector<Tensor> grad(const std::vector<Tensor>& outputs,
                                       const std::vector<Tensor>& inputs,
                                       const std::vector<Tensor>& cotangents = {},
                                       GradOptions options = {}, SourceLoc loc = SourceLoc::here());

struct BackwardOptions {
  /// Keeps what the rules saved, for another pass.
  bool retain_graph = false;
  /// A leaf that the loss does not depend on keeps its grad() as it is instead of an Error.
  bool allow_unused = false;
};

/// Adds the gradient of a loss (one element) to the grad() of each of `leaves`: the parameters to
/// be updated. Nothing else is computed, so a generator's step leaves out the discriminator's
/// weights. Frees the graph unless asked to retain it. Throws Error when one of `leaves` was
/// computed, requires no gradient (a frozen leaf) or is not part of the graph (unless allowed),
/// when the loss has not one element, and when the graph was freed by an earlier pass.
void backward(const Tensor& loss, const std::vector<Tensor>& leaves, BackwardOptions options = {},
              SourceLoc loc = SourceLoc::here());

/// The same for every leaf that the loss depends on and that requires a gradient. Throws Error when
/// there is none, because each was frozen after the loss was computed.
void backward(const Tensor& loss, SourceLoc loc = SourceLoc::here());

}  // namespace forger
