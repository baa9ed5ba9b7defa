#pragma once

#include <vector>

#include "tutorials/common/experiment.h"

/// The experiments of chapter 1, one function and one file each: E1.2 is 1_2_NAME.cpp.
namespace forger::generative {

using tutorials::about;
using tutorials::at_least;
using tutorials::at_most;
using tutorials::not_predicted;

tutorials::Experiment one_gaussian();       // 1.1
tutorials::Experiment how_many_examples();  // 1.2
tutorials::Experiment sampled_models();     // 1.3
tutorials::Experiment clusters();           // 1.4
tutorials::Experiment missing_pixels();     // 1.5
tutorials::Experiment yardstick();          // 1.6
tutorials::Experiment augmentation();       // 1.7
tutorials::Experiment plane();              // 1.8

inline std::vector<tutorials::Experiment> experiments() {
  return {one_gaussian(),   how_many_examples(), sampled_models(), clusters(),
          missing_pixels(), yardstick(),         augmentation(),   plane()};
}

}  // namespace forger::generative
