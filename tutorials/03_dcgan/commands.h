#pragma once

#include <filesystem>

#include "autograd/tensor.h"
#include "options.h"

/// The commands other than train. Each returns the exit status.
namespace forger::dcgan {

/// Writes images as an IDX file, the format of the data that G learnt from, and a grid of the first
/// ones.
int generate(GenerateOptions& options);

/// Writes a picture whose rows each lead from one random vector to another.
int interpolate(InterpolateOptions& options);

/// Prints what is in the data.
int inspect_data(InspectOptions& options);

/// Writes images side by side as a PNG, each pixel large enough to be seen.
void write_grid(const std::filesystem::path& path, const Tensor& images, int64_t columns);

}  // namespace forger::dcgan
