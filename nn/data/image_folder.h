#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nn/data/dataset.h"

namespace forger::nn {

struct SkippedFile {
  std::filesystem::path path;
  std::string reason;
};

struct ImageFolder {
  ImageSet images;
  std::vector<SkippedFile> skipped;  // in the order of their paths
};

/// Reads every PNG and JPEG in a folder and the folders below it as size x size with 1 or 3
/// channels (see square_image), in the order of the paths' bytes. The classes are the folders of
/// the first level; images beside them are of class "."; without such folders there are no labels.
/// What cannot be read as an image is skipped and named. Throws Error when no image is left, or for
/// more than 4 GiB of them.
ImageFolder read_image_folder(const std::filesystem::path& folder, int64_t size, int64_t channels,
                              SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
