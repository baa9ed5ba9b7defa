#pragma once

#include <string>
#include <vector>

#include "autograd/debug/gradcheck.h"

namespace forger {

/// One case of the gradient checks: an op with fixed options, and the inputs to try it on.
struct OpCase {
  std::string op;  // its name in ops.h
  std::string sample;
  TensorFunction f;
  std::vector<Shape> shapes;
  double low = -1, high = 1;  // the inputs are uniform in [low, high)
  double zeros = 0.3;         // the share of derivatives that may be exactly 0; more proves nothing
  bool distinct = false;      // no two inputs are close to each other: for ops that compare them
};

/// Every case of every op, family by family.
std::vector<OpCase> all_op_cases();
std::vector<OpCase> basic_cases();   // arithmetic, unary, activations, sums, matmul, conv, losses
std::vector<OpCase> select_cases();  // maxima, powers, choices, softmax
std::vector<OpCase> layout_cases();  // axes and indices
std::vector<OpCase> image_cases();   // pooling and resampling
std::vector<OpCase> layer_cases();   // norms, the later activations and losses

/// Inputs for a case that require gradients. Those of ops with a kink keep away from 0, where a
/// finite difference would see both sides.
std::vector<Tensor> make_inputs(const OpCase& c, uint64_t seed);

}  // namespace forger
