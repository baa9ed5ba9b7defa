#include "tutorials/common/fork.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/file.h"
#include "nn/state.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_folder.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{1} << 40;
constexpr size_t kMostListed = 20;

/// Returns the files step_NNNNNN in a folder and their steps, in the order of the steps.
std::vector<std::pair<int64_t, fs::path>> list_steps(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  if (!nn::is_there(folder)) return found;
  nn::check_folder(folder);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    const int64_t step = step_in_name(path.stem().string());
    if (step >= 0 && path.extension() != ".tmp") found.emplace_back(step, path);
  }
  if (error) fail(folder.string(), "cannot be read", {error.message()}, {});
  std::sort(found.begin(), found.end());
  return found;
}

/// Returns the steps as text. Of many it names those next to `step`.
std::string list_text(std::vector<int64_t> steps, int64_t step) {
  const size_t all = steps.size();
  const auto distance = [&](int64_t at) { return std::abs(at - step); };
  std::stable_sort(steps.begin(), steps.end(),
                   [&](int64_t a, int64_t b) { return distance(a) < distance(b); });
  steps.resize(std::min(all, kMostListed));
  std::sort(steps.begin(), steps.end());
  std::string text = all > steps.size() ? "one of " + std::to_string(all) + " steps, such as " : "";
  for (size_t i = 0; i < steps.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == steps.size() ? " or " : ", ") + std::to_string(steps[i]);
  }
  return text;
}

}  // namespace

std::string describe_fork(const Fork& fork) {
  std::string text = "step " + std::to_string(fork.step) + " of " + fork.run + ":";
  for (size_t i = 0; i < fork.changes.size(); ++i) {
    const Change& change = fork.changes[i];
    text += (i > 0 ? ", " : " ") + change.option + " " + change.before + " -> " + change.after;
  }
  return fork.changes.empty() ? text + " nothing changed" : text;
}

void check_fork(const fs::path& run, const fs::path& folder) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) {
    fail_option("--fork", "there is a file or folder of this name already", folder.string(),
                "the name of a new folder");
  }
  const fs::path inside =
      fs::weakly_canonical(folder, error).lexically_relative(fs::weakly_canonical(run, error));
  if (!inside.empty() && *inside.begin() != "..") {
    fail_option("--fork", "a folder inside the run to be forked, which stays as it is",
                folder.string(), "a new folder outside of " + run.string());
  }
}

fs::path find_checkpoint(const fs::path& run, int64_t step) {
  std::vector<int64_t> steps;
  for (const auto& [kept, path] : list_steps(run / "checkpoints")) {
    if (path.extension() != ".safetensors") continue;
    if (kept == step) return path;
    steps.push_back(kept);
  }
  const fs::path last = checkpoint_path(run);
  const auto metadata = nn::load_checkpoint(last).metadata;
  const auto found = metadata.find("step");
  if (found != metadata.end()) {
    if (found->second == std::to_string(step)) return last;
    const int64_t last_step = step_in_name("step_" + found->second);
    if (steps.empty() || last_step > steps.back()) steps.push_back(last_step);
  }
  fail_option("--at", "no checkpoint of this step was kept", std::to_string(step),
              list_text(steps, step) + ", in " + run.string());
}

void create_fork(const fs::path& folder) {
  if (folder.has_parent_path()) nn::make_folder(folder.parent_path());
  if (::mkdir(folder.c_str(), 0777) == 0) return;
  const int error = errno;
  if (error == EEXIST) check_fork({}, folder);
  fail(folder.string(), "the folder cannot be made", {std::strerror(error)}, {});
}

void copy_history(const fs::path& run, const fs::path& folder, int64_t step) {
  if (nn::is_there(run / "metrics.csv")) {
    const std::string metrics = nn::read_file(run / "metrics.csv", kMostBytes);
    nn::write_file(folder / "metrics.csv", metrics);
    nn::CsvWriter(folder / "metrics.csv", metrics.substr(0, metrics.find('\n')), step);
  }
  for (const auto& [at, path] : list_steps(run / "samples")) {
    if (at > step) break;
    nn::make_folder(folder / "samples");
    nn::write_file(folder / "samples" / path.filename(), nn::read_file(path, kMostBytes));
  }
}

}  // namespace forger::tutorials
