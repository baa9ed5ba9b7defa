#include "tutorials/common/run_folder.h"

#include <fcntl.h>
#include <omp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <system_error>

#include "autograd/kernels/kernels.h"
#include "nn/data/folder.h"
#include "nn/file.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRuns = "out";

struct NumberedRun {
  int64_t number;
  fs::path folder;
};

/// Returns 1 for out/<chapter>, 7 for out/<chapter>-7, and 0 for anything else, which is no run.
int64_t run_number(const std::string& name, const std::string& chapter) {
  if (name == chapter) return 1;
  if (!name.starts_with(chapter + "-")) return 0;
  const char* begin = name.data() + chapter.size() + 1;
  const char* end = name.data() + name.size();
  int64_t number = 0;
  const auto parsed = std::from_chars(begin, end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number > 1 ? number : 0;
}

/// Returns the runs of a chapter, the newest first. Throws Error if the folder of runs cannot be
/// read: "no runs" would be wrong then.
std::vector<NumberedRun> list_runs(const std::string& chapter) {
  if (!nn::is_there(kRuns)) return {};
  nn::check_folder(kRuns);
  std::vector<NumberedRun> runs;
  std::error_code error;
  for (fs::directory_iterator entry(kRuns, error), end; !error && entry != end;
       entry.increment(error)) {
    const int64_t number = run_number(entry->path().filename().string(), chapter);
    if (number > 0) runs.push_back({number, entry->path()});
  }
  if (error) fail(kRuns, "cannot be read", {error.message()}, {});
  std::sort(runs.begin(), runs.end(),
            [](const NumberedRun& a, const NumberedRun& b) { return a.number > b.number; });
  return runs;
}

}  // namespace

fs::path create_run_folder(const std::string& chapter) {
  const std::vector<NumberedRun> runs = list_runs(chapter);
  nn::make_folder(kRuns);
  for (int64_t number = runs.empty() ? 1 : runs[0].number + 1;; ++number) {
    const std::string suffix = number == 1 ? "" : "-" + std::to_string(number);
    const fs::path folder = fs::path(kRuns) / (chapter + suffix);
    if (::mkdir(folder.c_str(), 0777) == 0) return folder;
    if (errno != EEXIST) {
      fail(folder.string(), "the folder cannot be made", {std::strerror(errno)}, {});
    }
  }
}

void check_out(const fs::path& folder) {
  for (const char* name : {"checkpoint.safetensors", "metrics.csv", "run.json", "samples",
                           "checkpoints", "skipped.txt", "report.html", "samples.gif"}) {
    std::error_code unreadable;
    const fs::path path = folder / name;
    if (!fs::exists(fs::symlink_status(path, unreadable))) continue;
    if (path == checkpoint_path(folder)) {
      fail_option("--out", "this folder holds an earlier run", path.string(),
                  "another folder, or --resume to continue that run");
    }
    fail_option("--out", "this folder holds what the run would overwrite", path.string(),
                "another folder");
  }
}

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(path.string(), "cannot be written", {std::strerror(errno)}, {});
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(fd_);
  fail(folder.string(), "another run is writing in this folder",
       {"expected another --out, or the end of that run"}, {});
}

FolderLock::~FolderLock() { ::close(fd_); }

fs::path newest_run_folder(const std::string& chapter, const std::string& option) {
  for (const NumberedRun& run : list_runs(chapter)) {
    if (nn::is_there(checkpoint_path(run.folder))) return run.folder;
  }
  const fs::path looked_for = nn::absolute_path(fs::path(kRuns) / chapter);
  fail(option, "there is no earlier run",
       {"looked for " + looked_for.string() + "*/checkpoint.safetensors"}, {});
}

fs::path checkpoint_path(const fs::path& run_folder) {
  return run_folder / "checkpoint.safetensors";
}

std::string step_name(int64_t step) {
  const std::string digits = std::to_string(step);
  return "step_" + std::string(6 - std::min<size_t>(6, digits.size()), '0') + digits;
}

int64_t step_in_name(const std::string& name) {
  constexpr size_t kPrefix = 5;  // "step_"
  const char* end = name.data() + name.size();
  int64_t step = -1;
  if (!name.starts_with("step_")) return -1;
  const auto parsed = std::from_chars(name.data() + kPrefix, end, step);
  return parsed.ec == std::errc() && parsed.ptr == end ? step : -1;
}

std::string describe_machine() {
  const kernels::Kernels& set = kernels::active();
  const int threads = omp_get_max_threads();
  return std::string(set.name) + " (" + set.description + "), " + std::to_string(threads) +
         (threads == 1 ? " thread" : " threads");
}

}  // namespace forger::tutorials
