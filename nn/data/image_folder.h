#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "autograd/source_loc.h"
#include "nn/data/dataset.h"
#include "nn/data/skipped.h"

namespace forger::nn {

struct ImageFolder {
  ImageSet images;
  std::vector<SkippedFile> skipped;  // sorted by sort_skipped()
};

/// What happens to pictures that are not size x size.
enum class OtherSizes {
  kScaled,   // square_image() makes them size x size
  kSkipped,  // they are listed as skipped
};
/// What the reason of a picture that is skipped for its size begins with. "; found 64 x 28,
/// expected 28 x 28" follows.
inline constexpr const char* kOtherSize = "a picture of another size";

/// Reads every PNG and JPEG in a folder and the folders below it, in the order of the paths' bytes,
/// as size x size pixels with 1 or 3 channels. The folders of the first level are
/// the classes. Images beside these folders are of class "."; without folders there are no labels.
///
/// Left out are hidden files and folders, folders that other programs leave behind (__MACOSX),
/// the folders of runs, and grids from make_grid(): a program's own output never becomes its input.
/// These and all files and folders that cannot be read are listed with the reason. Throws Error
/// when the folder itself cannot be read or is that of a run, when no image is left, or for more
/// than 4 GiB of pixels. If pictures were skipped for their size, the set may be empty.
ImageFolder read_image_folder(const std::filesystem::path& folder, int64_t size, int64_t channels,
                              OtherSizes other_sizes = OtherSizes::kScaled,
                              SourceLoc loc = SourceLoc::here());

/// True for the folder of a chapter's run, which holds run.json.
bool is_run_folder(const std::filesystem::path& folder);

}  // namespace forger::nn
