#pragma once

#include "autograd/tensor.h"
#include "nn/module.h"
#include "nn/optim.h"

/// One step of a game: D and then G are updated once. `real` are numbers [n, 1], z is G's input.
/// D learns to return 1 (a large logit) for real numbers and 0 for G's, and G to make D return 1.
///
/// The stub has one mistake. It compiles, runs and prints sensible losses. Run the check before you
/// read the code: can you tell from what it observes which line is wrong?
void train_step(forger::nn::Module& G, forger::nn::Module& D, forger::nn::Optimizer& opt_g,
                forger::nn::Optimizer& opt_d, const forger::Tensor& real, const forger::Tensor& z);
