#pragma once

#include "options.h"

/// The commands beside the training. Each returns the exit status.
namespace forger::generative {

/// Prints print_test() for a trained classifier.
int test(const TestOptions& options);

/// Writes the weights of a trained classifier alone, without what only a training needs.
int weights(const WeightsOptions& options);

}  // namespace forger::generative
