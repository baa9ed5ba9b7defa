#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

/// The options of the commands that draw with a trained generator.
namespace forger::tutorials {

struct GenerateOptions {
  std::string checkpoint, out;
  int64_t count = 10000, seed = 0;
};
/// `things` are what is drawn and `files` what a call replaces, for the help.
std::vector<Option> generate_options(
    GenerateOptions& options, const Chapter& chapter, const std::string& things = "images",
    const std::string& files = "images-idx3-ubyte, or images-idx4-ubyte for colours, and grid.png");

struct InterpolateOptions {
  std::string checkpoint, out;
  int64_t rows = 8, columns = 10, seed = 0;
};
std::vector<Option> interpolate_options(InterpolateOptions& options, const Chapter& chapter);

}  // namespace forger::tutorials
