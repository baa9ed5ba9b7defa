#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

/// The files and folders of an image folder that were not read.
namespace forger::nn {

struct SkippedFile {
  std::filesystem::path path;  // relative to the image folder
  std::string reason;          // on one line
};

/// Sorts damaged pictures first, then files that look like pictures by name or format and files
/// that cannot be read, then the rest. Within each of the three, paths are in the order of their
/// bytes.
void sort_skipped(std::vector<SkippedFile>& files);

/// Describes sorted files with one line for each reason: "a.txt and 2 more: not a PNG or JPEG
/// image; it looks like text". There are at most `most` such lines, and one that counts the rest.
std::vector<std::string> describe_skipped(const std::vector<SkippedFile>& files, size_t most);

}  // namespace forger::nn
