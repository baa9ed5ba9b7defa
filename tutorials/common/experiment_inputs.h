#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// The files that an experiment's numbers depend on. `./forger book` measures again if one changed.
namespace forger::tutorials {

struct Inputs {
  std::vector<std::string> files;  // relative to the checkout, sorted
  std::string checksum;
};

/// Returns `source`, `files`, and what `source` includes below tutorials/, directly or through
/// another file. With a header X.h comes its X.cpp. Comments and white space do not count. Left out
/// are the files that only print and store, a chapter's list experiments.h, and the engine (nn/ and
/// autograd/): its tests fix what it computes up to the last bits, and each of its changes would
/// make every result stale.
///
/// `source` is tutorials/NN_name/experiments/FILE.cpp in the checkout, `files` are relative to the
/// checkout. Throws Error if one of these cannot be read.
Inputs experiment_inputs(const std::filesystem::path& source,
                         const std::vector<std::string>& files);

}  // namespace forger::tutorials
