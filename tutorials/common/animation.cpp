#include "tutorials/common/animation.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "nn/data/gif.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "tutorials/common/sample_grids.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostFrames = 100, kMostPixels = 64'000'000;
constexpr int64_t kHundredths = 800;  // for all pictures together
constexpr int kLastDelay = 200;

/// Reads a picture with 1 channel if it is grey, otherwise with 3.
nn::Image read_picture(const fs::path& path) {
  const std::string png = nn::read_file(path, kMaxPngBytes);
  constexpr size_t kColourType = 25;  // the place of this byte, which is even and not 2 for grey
  const bool is_grey = png.size() > kColourType && (png[kColourType] & 3) == 0;
  return nn::decode_image(png, is_grey ? 1 : 3, path.string());
}

/// Returns the frames in the order of the steps, and appends lines about pictures that are left out
/// to `notes`.
std::vector<nn::Image> read_frames(std::vector<SampleFile> files, std::string& notes) {
  const auto leave_out = [&](const std::string& why) {
    notes += "left out of samples.gif: " + why + "\n";
  };
  std::vector<nn::Image> frames;
  while (!files.empty() && frames.empty()) {  // the last one, whose size counts
    try {
      frames.push_back(read_picture(files.back().path));
    } catch (const Error& error) {
      leave_out(error.what());
      files.pop_back();
    }
  }
  if (frames.empty()) return frames;
  const int64_t width = frames[0].width, height = frames[0].height;
  files = thinned(files, static_cast<size_t>(
                             std::clamp<int64_t>(kMostPixels / (width * height), 2, kMostFrames)));
  for (size_t i = 0; i + 1 < files.size(); ++i) {
    try {
      nn::Image picture = read_picture(files[i].path);
      if (picture.width == width && picture.height == height) {
        frames.push_back(std::move(picture));
      } else {
        leave_out(files[i].path.string() + ": another size than the last picture");
      }
    } catch (const Error& error) {
      leave_out(error.what());
    }
  }
  std::rotate(frames.begin(), frames.begin() + 1, frames.end());
  return frames;
}

}  // namespace

std::string write_animation(const fs::path& run) noexcept {
  std::string text;
  try {
    std::error_code missing;
    if (!fs::is_directory(run / "samples", missing)) return "";
    const std::vector<nn::Image> frames = read_frames(list_samples(run / "samples"), text);
    if (frames.size() < 2) return text;
    const fs::path gif = run / "samples.gif";
    const auto count = static_cast<int64_t>(frames.size());
    const auto delay = static_cast<int>(std::clamp<int64_t>(kHundredths / count, 8, 50));
    nn::write_gif(gif, frames, delay, delay + kLastDelay, {});
    text += "gif      " + gif.string() + ", " + std::to_string(count) + " pictures\n";
  } catch (const std::exception& error) {
    text += "gif      none: " + std::string(error.what()) + "\n";
  }
  return text;
}

}  // namespace forger::tutorials
