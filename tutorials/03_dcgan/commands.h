#pragma once

#include "tutorials/common/draw_options.h"

/// The commands that draw. Each returns the exit status.
namespace forger::dcgan {

/// Writes images as an IDX file, the format of the data that G learnt from, and a grid of the first
/// ones.
int generate(tutorials::GenerateOptions& options);

/// Writes a picture whose rows each lead from one random vector to another.
int interpolate(tutorials::InterpolateOptions& options);

}  // namespace forger::dcgan
