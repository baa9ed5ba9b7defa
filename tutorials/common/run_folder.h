#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tutorials/common/options.h"

/// A run lives in a folder of its own: checkpoint.safetensors, metrics.csv, run.json, samples/.
namespace forger::tutorials {

/// Returns the folder of a new run if the user gave none: out/<chapter>, or out/<chapter>-N, where
/// N is one more than the highest number of an earlier run. Throws Error if out/ cannot be read.
std::filesystem::path new_run_folder(const std::string& chapter);

/// Returns the folder with the highest number among the runs that hold a checkpoint. Throws Error
/// when there is none, naming `option`, or if out/ cannot be read.
std::filesystem::path newest_run_folder(const std::string& chapter, const std::string& option);

std::filesystem::path checkpoint_path(const std::filesystem::path& run_folder);

/// "step_000100.png"
std::string sample_name(int64_t step);

/// Writes run.json: the chapter, every option, and the commit, compiler, kernel set and number of
/// threads that the run was made with.
void write_run_json(const std::filesystem::path& path, const std::string& chapter,
                    const std::vector<Option>& options);

/// "avx2 (AVX2 + FMA), 2 threads"
std::string describe_machine();

}  // namespace forger::tutorials
