#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nn/state.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

namespace forger::tutorials {

/// The checkpoint of a run, for the commands that use what was trained.
struct Trained {
  std::filesystem::path path;
  nn::Checkpoint checkpoint;
  Position position;

  /// "out/dcgan/checkpoint.safetensors, after step 1,200"
  std::string str() const;
};

/// Loads the checkpoint `given`, or if that is empty the chapter's newest, and reads its options
/// into the variables of `table`. Throws Error if it is none of this chapter.
Trained load_trained(const std::string& given, const Chapter& chapter,
                     const std::vector<Option>& table);

}  // namespace forger::tutorials
