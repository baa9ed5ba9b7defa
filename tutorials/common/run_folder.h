#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tutorials/common/options.h"

/// A run lives in a folder of its own: checkpoint.safetensors, metrics.csv, run.json, samples/.
namespace forger::tutorials {

/// Where a new run of a chapter goes when its user did not say: out/<chapter>, or when there is an
/// earlier one, out/<chapter>-2 and so on, one more than the highest number.
std::filesystem::path new_run_folder(const std::string& chapter);

/// The folder of the run with the highest number that holds a checkpoint. Throws Error when
/// there is none; `option` is what asked for it.
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
