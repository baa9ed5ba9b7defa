#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tutorials/common/data.h"
#include "tutorials/common/options.h"

/// The command inspect-data of every chapter.
namespace forger::tutorials {

struct InspectOptions {
  DataOptions data;
  int64_t seed = 0;
  std::string out;
};
std::vector<Option> inspect_options(InspectOptions& options);

/// Prints what is in the data, and writes a grid of images if --out is given. Returns the exit
/// status.
int inspect_data(InspectOptions& options);

}  // namespace forger::tutorials
