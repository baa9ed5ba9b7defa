#pragma once

#include <cstdint>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// The metrics take features: a tensor [n, d] with one row per image. They do not know where the
/// features come from. Sizes are limited by time and memory alone.
namespace forger::metrics {

/// Throws Error unless x is [n, d] with n >= least and d >= 1, and every number is between -1e15
/// and 1e15. The errors name `op` and the argument.
void check_features(const char* op, const char* argument, const Tensor& x, int64_t least,
                    SourceLoc loc);

/// Throws Error unless check_features() accepts both and they have the same width d.
void check_features(const char* op, const char* name_a, const Tensor& a, const char* name_b,
                    const Tensor& b, int64_t least, SourceLoc loc);

}  // namespace forger::metrics
