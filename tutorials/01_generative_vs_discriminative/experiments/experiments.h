#pragma once

#include <vector>

#include "tutorials/common/experiment.h"

/// The experiments of chapter 1, one function and one file each: E1.2 is 1_2_NAME.cpp.
namespace forger::generative {

inline std::vector<tutorials::Experiment> experiments() { return {}; }

}  // namespace forger::generative
