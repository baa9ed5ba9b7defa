#include "tutorials/common/sample_grids.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/file.h"
#include "tutorials/common/run_folder.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kPadding = 2;  // of nn::make_grid()
constexpr int64_t kMostUpscale = 64;

/// True if the picture consists of squares of one colour with sides of `upscale` pixels.
bool is_upscaled(const nn::Image& grid, int64_t upscale) {
  for (int64_t y = 0; y < grid.height; ++y) {
    const uint8_t* line = &grid.pixels[static_cast<size_t>(y * grid.width)];
    const uint8_t* first = &grid.pixels[static_cast<size_t>((y - y % upscale) * grid.width)];
    for (int64_t x = 0; x < grid.width; ++x) {
      if (line[x] != first[x - x % upscale]) return false;
    }
  }
  return true;
}

/// True if the columns of padding are black.
bool has_padding(const nn::Image& grid, int64_t columns, int64_t pitch, int64_t padding) {
  for (int64_t y = 0; y < grid.height; ++y) {
    for (int64_t column = 0; column <= columns; ++column) {
      const uint8_t* begin = &grid.pixels[static_cast<size_t>(y * grid.width + column * pitch)];
      if (std::any_of(begin, begin + padding, [](uint8_t level) { return level != 0; })) {
        return false;
      }
    }
  }
  return true;
}

/// Returns by how much nn::make_grid() has enlarged a grid of that many columns, or 0 if it has not
/// drawn it.
int64_t find_upscale(const nn::Image& grid, int64_t columns) {
  for (int64_t upscale = kMostUpscale; upscale > 0; --upscale) {
    if (grid.width % upscale != 0 || grid.height % upscale != 0) continue;
    const int64_t width = grid.width / upscale - kPadding;
    if (width <= 0 || width % columns != 0 || !is_upscaled(grid, upscale)) continue;
    const int64_t pitch = width / columns * upscale;
    if (has_padding(grid, columns, pitch, kPadding * upscale)) return upscale;
  }
  return 0;
}

double spread_of(const SampleFile& file, const std::string& png, int64_t columns) {
  static std::map<std::tuple<fs::path, size_t, int64_t>, double> known;
  const auto [entry, is_new] = known.try_emplace({file.path, png.size(), columns}, 0);
  if (is_new) {
    try {
      entry->second = grid_spread(nn::decode_image(png, 1, file.path.string()), columns);
    } catch (...) {
      known.erase(entry);
      throw;
    }
  }
  return entry->second;
}

}  // namespace

std::vector<SampleFile> list_samples(const fs::path& samples) {
  nn::check_folder(samples);
  std::vector<SampleFile> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(samples)) {
    const fs::path& path = entry.path();
    const int64_t step = path.extension() == ".png" ? step_in_name(path.stem().string()) : -1;
    std::error_code unknown;
    const uint64_t bytes = step < 0 ? 0 : entry.file_size(unknown);
    if (step >= 0) files.push_back({step, path, unknown ? 0 : bytes});
  }
  std::sort(files.begin(), files.end(),
            [](const SampleFile& a, const SampleFile& b) { return a.step < b.step; });
  return files;
}

std::vector<SampleFile> thinned(const std::vector<SampleFile>& files, size_t count) {
  if (files.size() <= count) return files;
  std::vector<SampleFile> kept;
  for (size_t i = 0; i < count; ++i) {
    kept.push_back(files[(i * (files.size() - 1) + (count - 1) / 2) / (count - 1)]);
  }
  return kept;
}

double grid_spread(const nn::Image& grid, int64_t columns) {
  const int64_t upscale = columns < 2 || grid.channels != 1 ? 0 : find_upscale(grid, columns);
  if (upscale == 0) return std::numeric_limits<double>::quiet_NaN();
  const int64_t pitch = (grid.width - kPadding * upscale) / columns;  // from image to image
  const int64_t rows = (grid.height - kPadding * upscale) / pitch;    // images are square
  double variance = 0;
  int64_t pixels = 0;
  for (int64_t y = kPadding * upscale; y < pitch; y += upscale) {
    for (int64_t x = kPadding * upscale; x < pitch; x += upscale, ++pixels) {
      double sum = 0, squares = 0;
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t column = 0; column < columns; ++column) {
          const int64_t at = (row * pitch + y) * grid.width + column * pitch + x;
          const double level = grid.pixels[static_cast<size_t>(at)];
          sum += level;
          squares += level * level;
        }
      }
      const auto images = static_cast<double>(rows * columns);
      variance += squares / images - sum / images * (sum / images);
    }
  }
  return std::sqrt(variance / static_cast<double>(pixels));
}

std::vector<SampleGrid> read_sample_grids(const fs::path& folder, int64_t columns,
                                          uint64_t most_grids, uint64_t most_bytes,
                                          std::vector<std::string>& notes) {
  const std::vector<SampleFile> files = list_samples(folder);
  uint64_t bytes = 1;
  for (const SampleFile& file : files) bytes += file.bytes;
  const uint64_t count = std::clamp<uint64_t>(most_bytes * files.size() / bytes, 2, most_grids);
  std::vector<SampleGrid> grids;
  for (const SampleFile& file : thinned(files, count)) {
    try {
      SampleGrid grid{file.step, nn::read_file(file.path, kMaxPngBytes), 0};
      grid.spread = spread_of(file, grid.png, columns);
      grids.push_back(std::move(grid));
    } catch (const std::exception& error) {
      notes.push_back(error.what());
    }
  }
  return grids;
}

}  // namespace forger::tutorials
