#pragma once

#include "tutorials/common/draw_options.h"

/// The commands beside the training. Each returns the exit status.
namespace forger::vanilla {

/// Writes what a trained G draws: points.csv in the coordinates of the target, or an IDX file of
/// images.
int generate(const tutorials::GenerateOptions& options);

}  // namespace forger::vanilla
