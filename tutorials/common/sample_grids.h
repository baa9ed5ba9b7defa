#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nn/data/image.h"

namespace forger::tutorials {

inline constexpr uint64_t kMaxPngBytes = 64 << 20;  // of a picture that is read

/// The file of such a picture.
struct SampleFile {
  int64_t step;
  std::filesystem::path path;
  uint64_t bytes;
};

/// Returns the pictures step_NNNNNN.png in a folder in the order of their steps. Throws Error if it
/// is no folder.
std::vector<SampleFile> list_samples(const std::filesystem::path& folder);
/// Returns `count` of the files, at least 2, at even distances, with the first and the last.
std::vector<SampleFile> thinned(const std::vector<SampleFile>& files, size_t count);

/// The picture samples/step_NNNNNN.png of a run.
struct SampleGrid {
  int64_t step;
  std::string png;  // the bytes of the file
  double spread;    // see below; NaN if the picture is no grid of images
};

/// Returns how much the images of a grid differ, in grey levels of 0 to 255: the standard deviation
/// of a pixel over the images, as the root mean square over all pixels. Returns NaN if the picture
/// is no grid of that many columns as nn::make_grid() draws it.
double grid_spread(const nn::Image& grid, int64_t columns);

/// Returns the grids in a run's folder samples/ in the order of their steps, evenly thinned so that
/// they are at most `most_grids` and have at most `most_bytes` together, if two of them do. The
/// first and the last are kept. What cannot be read is left out and named in `notes`. A grid is
/// decoded once per process, which dominates the time; a file that gets other contents must change
/// its size.
std::vector<SampleGrid> read_sample_grids(const std::filesystem::path& folder, int64_t columns,
                                          uint64_t most_grids, uint64_t most_bytes,
                                          std::vector<std::string>& notes);

}  // namespace forger::tutorials
