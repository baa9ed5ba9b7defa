#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "autograd/source_loc.h"
#include "nn/data/image.h"

namespace forger::nn {

/// Writes an animation that repeats for ever, through write_file(). Every frame is shown for
/// `delay` hundredths of a second and the last for `last_delay`. The pixels are exact. Frames have
/// 1 or 3 channels. Throws Error
/// - unless there are frames, all of one size, with sides of 1 to 8192 pixels;
/// - for a delay outside 2 to 65535: browsers replace shorter ones;
/// - for more than 256 different colours in all frames together, which the format cannot hold. The
///   message then ends with ffmpeg_line().
void write_gif(const std::filesystem::path& path, const std::vector<Image>& frames, int delay = 10,
               int last_delay = 200, SourceLoc loc = SourceLoc::here());
/// Returns the bytes of that file. The path is for errors.
std::string encode_gif(const std::filesystem::path& path, const std::vector<Image>& frames,
                       int delay = 10, int last_delay = 200, SourceLoc loc = SourceLoc::here());

/// Returns a command line that makes an animation of any colours from the PNG files in the folder
/// beside `path` that has its name without .gif: RUN/samples.gif from RUN/samples/*.png.
std::string ffmpeg_line(const std::filesystem::path& path, int delay = 10);

}  // namespace forger::nn
