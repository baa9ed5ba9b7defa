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

/// Reads every PNG and JPEG in a folder and the folders below it, in the order of the paths' bytes.
/// square_image() makes each size x size, with 1 or 3 channels. The folders of the first level are
/// the classes. Images beside these folders are of class "."; without folders there are no labels.
/// Files and folders that cannot be read are skipped, and listed with the reason. Throws Error when
/// the folder itself cannot be read, when no image is left, or for more than 4 GiB of pixels.
ImageFolder read_image_folder(const std::filesystem::path& folder, int64_t size, int64_t channels,
                              SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
