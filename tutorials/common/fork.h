#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Forks: runs that continue a checkpoint of another run in a folder of their own. The other run is
/// only read, and its lock is not taken: a checkpoint is replaced whole, and up to its step neither
/// metrics.csv nor samples/ changes any more. A run in progress can therefore be forked as well.
namespace forger::tutorials {

/// An option that a fork gave another value. All texts are escaped (nn/escape.h).
struct Change {
  std::string option, before, after;
};

/// What a fork changed, and from where it began.
struct Fork {
  std::string run;  // the other run's folder, escaped
  int64_t step;
  std::vector<Change> changes;
};

/// "step 500 of /home/a/out/dcgan: lr 0.0002 -> 0.0001", or "...: nothing changed".
std::string describe_fork(const Fork& fork);

/// Throws UsageError unless `folder` is a name for a new folder outside of the run's.
void check_fork(const std::filesystem::path& run, const std::filesystem::path& folder);

/// Returns the checkpoint of that step: one that --keep-every kept, or the last one. Throws
/// UsageError that lists the steps that there are.
std::filesystem::path find_checkpoint(const std::filesystem::path& run, int64_t step);

/// Creates the folder of a fork, in which everything that follows is new. Throws UsageError if
/// another program has created it in the meantime.
void create_fork(const std::filesystem::path& folder);

/// Copies metrics.csv and samples/ up to that step.
void copy_history(const std::filesystem::path& run, const std::filesystem::path& folder,
                  int64_t step);

}  // namespace forger::tutorials
