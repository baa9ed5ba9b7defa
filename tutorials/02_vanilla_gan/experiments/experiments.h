#pragma once

#include <vector>

#include "tutorials/common/experiment.h"

/// The experiments of chapter 2, one function and one file each: E2.1 is 2_1_NAME.cpp.
namespace forger::vanilla {

using tutorials::about;
using tutorials::at_least;
using tutorials::at_most;
using tutorials::not_predicted;

tutorials::Experiment best_discriminator();  // 2.1
tutorials::Experiment dirac_gan();           // 2.2
tutorials::Experiment one_dimension();       // 2.3
tutorials::Experiment what_d_tells_g();      // 2.4
tutorials::Experiment lost_modes();          // 2.5
tutorials::Experiment on_images();           // 2.6

inline std::vector<tutorials::Experiment> experiments() {
  return {best_discriminator(), dirac_gan(),  one_dimension(),
          what_d_tells_g(),     lost_modes(), on_images()};
}

}  // namespace forger::vanilla
