#include "nn/data/skipped.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "nn/escape.h"

namespace forger::nn {
namespace {

bool is_named_like_a_picture(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// The place of a file in the order of sort_skipped().
int rank(const SkippedFile& file) {
  const std::string& reason = file.reason;
  if (reason.starts_with("damaged") || reason.starts_with("truncated")) return 0;
  if (reason.starts_with("left out")) return 2;
  const bool is_picture = reason.ends_with(" image") || is_named_like_a_picture(file.path);
  return is_picture || reason.starts_with("cannot be read") ? 1 : 2;
}

}  // namespace

void sort_skipped(std::vector<SkippedFile>& files) {
  std::sort(files.begin(), files.end(), [](const SkippedFile& a, const SkippedFile& b) {
    return std::pair(rank(a), a.path.native()) < std::pair(rank(b), b.path.native());
  });
}

std::vector<std::string> describe_skipped(const std::vector<SkippedFile>& files, size_t most) {
  struct Group {
    const SkippedFile* first;
    size_t count;
  };
  std::vector<Group> groups;
  std::map<std::pair<int, std::string>, size_t> index;
  for (const SkippedFile& file : files) {
    // Sizes and other numbers that were found differ from file to file.
    const std::string kind = file.reason.substr(0, file.reason.find("; found"));
    const auto [entry, is_new] = index.emplace(std::pair(rank(file), kind), groups.size());
    if (is_new) groups.push_back({&file, 0});
    ++groups[entry->second].count;
  }
  std::vector<std::string> lines;
  size_t left = files.size();
  for (const Group& group : groups) {
    if (lines.size() == most) {
      const size_t reasons = groups.size() - most;
      lines.push_back("and " + std::to_string(left) + " more, for " + std::to_string(reasons) +
                      (reasons == 1 ? " other reason" : " other reasons"));
      break;
    }
    const std::string others =
        group.count == 1 ? "" : " and " + std::to_string(group.count - 1) + " more";
    lines.push_back(escape(group.first->path.string()) + others + ": " + group.first->reason);
    left -= group.count;
  }
  return lines;
}

}  // namespace forger::nn
