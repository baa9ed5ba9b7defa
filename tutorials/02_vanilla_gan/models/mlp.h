#pragma once

#include <cstdint>
#include <string>

#include "nn/layers.h"

namespace forger::vanilla {

struct MlpOptions {
  int64_t in, hidden, out;
  bool in_range = false;  // tanh at the end: the output is in (-1, 1), as pixels are
};

/// A multilayer perceptron with two hidden layers and LeakyReLUs of slope 0.2: x [N, in] -> [N,
/// out]. Both players are of this kind. D returns logits, so its probability of "real" is
/// sigmoid(D(x)).
struct Mlp : nn::Module {
  Mlp(std::string name, const MlpOptions& options);
  Tensor forward(const Tensor& x) override { return main(x); }

  nn::Sequential main{*this, "main"};
};

}  // namespace forger::vanilla
