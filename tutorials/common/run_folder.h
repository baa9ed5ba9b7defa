#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tutorials/common/options.h"

/// A run lives in a folder of its own: checkpoint.safetensors, checkpoints/, metrics.csv, run.json,
/// samples/, samples.gif, report.html, skipped.txt and .lock.
namespace forger::tutorials {

/// Creates the folder of a new run for which the user gave none: out/<chapter>, or out/<chapter>-N,
/// where N is above the numbers of earlier runs. Two programs that call this at the same time get
/// different folders. Throws Error if out/ cannot be read or written.
std::filesystem::path create_run_folder(const std::string& chapter);

/// Throws UsageError if a folder given by --out holds a file or folder that a new run would
/// overwrite.
void check_out(const std::filesystem::path& folder);

/// While it exists, no other program can lock the folder. On a file system without locks it does
/// nothing.
class FolderLock {
 public:
  /// Throws Error if another program holds the lock, or if the folder cannot be written.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

/// Returns the folder with the highest number among the runs that hold a checkpoint. Throws Error
/// when there is none, naming `option`, or if out/ cannot be read.
std::filesystem::path newest_run_folder(const std::string& chapter, const std::string& option);

std::filesystem::path checkpoint_path(const std::filesystem::path& run_folder);

/// "step_000100"
std::string step_name(int64_t step);
/// Returns the step of such a name, or -1 for any other.
int64_t step_in_name(const std::string& name);

/// "avx2 (AVX2 + FMA), 2 threads"
std::string describe_machine();

}  // namespace forger::tutorials
