// Tests nn/data/gif.h: giflib reads the same pixels and delays that were written.
#include "nn/data/gif.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autograd/random.h"
#include "failing_calls.h"
#include "gif_frames.h"
#include "message.h"
#include "nn/data/image.h"
#include "temp_folder.h"

namespace forger {
namespace {

using namespace nn;

/// A picture with random pixels out of `colours`.
Image make_frame(int64_t width, int64_t height, const std::vector<uint32_t>& colours,
                 int64_t channels, Random& random) {
  Image frame{.width = width, .height = height, .channels = channels, .pixels = {}};
  for (int64_t i = 0; i < width * height; ++i) {
    const uint32_t colour =
        colours[static_cast<size_t>(random.below(static_cast<int64_t>(colours.size())))];
    for (int64_t c = 0; c < channels; ++c) {
      frame.pixels.push_back(static_cast<uint8_t>(colour >> (8 * (channels - 1 - c)) & 255));
    }
  }
  return frame;
}

/// The picture with 3 channels.
Image coloured(const Image& image) {
  if (image.channels == 3) return image;
  Image colours{.width = image.width, .height = image.height, .channels = 3, .pixels = {}};
  for (const uint8_t level : image.pixels) {
    colours.pixels.insert(colours.pixels.end(), {level, level, level});
  }
  return colours;
}

void check_round_trip(const TempFolder& folder, const std::vector<Image>& frames) {
  write_gif(folder / "a.gif", frames, 7, 300);
  const DecodedGif decoded = decode_gif(folder / "a.gif");
  CHECK(decoded.loops == 0);
  REQUIRE(decoded.frames.size() == frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    CAPTURE(i);
    CHECK(decoded.delays[i] == (i + 1 == frames.size() ? 300 : 7));
    CHECK(decoded.frames[i].width == frames[i].width);
    CHECK(decoded.frames[i].height == frames[i].height);
    const bool same = decoded.frames[i].pixels == coloured(frames[i]).pixels;
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("a GIF has the pixels and delays that were written, and repeats for ever") {
  const TempFolder folder;
  Random random(1);
  for (const int64_t count : {1, 2, 3, 4, 5, 16, 17, 255, 256}) {
    CAPTURE(count);
    std::vector<uint32_t> colours;
    for (int64_t i = 0; i < count; ++i) colours.push_back(static_cast<uint32_t>(i * 65793 / 2));
    std::vector<Image> frames;
    for (int i = 0; i < 3; ++i) frames.push_back(make_frame(61, 47, colours, 3, random));
    check_round_trip(folder, frames);
  }
  // all grey levels, and a grey picture beside one in colour
  std::vector<uint32_t> levels;
  for (uint32_t i = 0; i < 256; ++i) levels.push_back(i);
  check_round_trip(folder, {make_frame(40, 40, levels, 1, random)});
  check_round_trip(folder, {make_frame(9, 4, {3, 200}, 1, random),
                            make_frame(9, 4, {0xff0000, 0x030303}, 3, random)});
}

TEST_CASE("a frame may be 1 x 1, and 8192 pixels long") {
  const TempFolder folder;
  Random random(2);
  check_round_trip(folder, {make_frame(1, 1, {7}, 1, random)});
  check_round_trip(folder, {make_frame(8192, 2, {7, 8, 9}, 1, random)});
  check_round_trip(folder, {make_frame(2, 8192, {7, 8, 9}, 1, random)});
}

TEST_CASE("frames that make no GIF are an Error, and no file is written") {
  const TempFolder folder;
  Random random(3);
  const auto error = [&](const std::vector<Image>& frames, int delay = 10, int last_delay = 10) {
    const std::string text = without_folder(
        message_of([&] { write_gif(folder / "a'b/samples.gif", frames, delay, last_delay); }),
        folder);
    CHECK(std::filesystem::is_empty(folder.path()));
    return text;
  };
  const Image one = make_frame(4, 3, {0}, 1, random);
  CHECK(error({}) == "write_gif: there are no frames");
  CHECK(error({one, make_frame(4, 4, {0}, 1, random)}) ==
        "write_gif: the frames have different sizes\n  frame 0  4 x 3\n"
        "  frame 1  4 x 4, 1 channels, 16 bytes");
  const std::string rule =
      "write_gif: frames have sides of 1 to 8192 pixels, 1 or 3 channels, a byte for each\n";
  CHECK(error({make_frame(8193, 1, {0}, 1, random)}) ==
        rule + "  frame 0  8193 x 1, 1 channels, 8193 bytes");
  CHECK(error({Image{}}) == rule + "  frame 0  0 x 0, 0 channels, 0 bytes");
  CHECK(error({make_frame(2, 2, {0}, 4, random)}) ==
        rule + "  frame 0  2 x 2, 4 channels, 16 bytes");
  Image broken = one;
  broken.pixels.pop_back();
  CHECK(error({broken}) == rule + "  frame 0  4 x 3, 1 channels, 11 bytes");
  CHECK(error({one}, 1) ==
        "write_gif: a delay must be 2 to 65535 hundredths of a second\n  found 1");
  CHECK(error({one}, 2, 65536) ==
        "write_gif: a delay must be 2 to 65535 hundredths of a second\n  found 65536");

  std::vector<uint32_t> colours;
  for (uint32_t i = 0; i < 257; ++i) colours.push_back(i);
  Image all{.width = 257, .height = 1, .channels = 3, .pixels = {}};
  for (int i = 0; i < 257; ++i) {
    all.pixels.insert(all.pixels.end(), {uint8_t(i / 2), uint8_t(i % 2), 0});
  }
  CHECK(error({all}, 8) ==
        "write_gif: the frames have more than 256 colours, the most that a GIF can hold\n"
        "  this makes an animation of nearly the same colours from the numbered PNGs:\n"
        "  ffmpeg -y -framerate 100/8 -pattern_type glob -i 'DIR/a'\\''b/samples/*.png' "
        "-filter_complex '[0]split[a][b];[a]palettegen[p];[b][p]paletteuse' "
        "'DIR/a'\\''b/samples.gif'");
}

TEST_CASE("a GIF is complete or absent") {
  const TempFolder folder;
  Random random(4);
  const Image one = make_frame(4, 3, {0, 1}, 1, random);
  write_gif(folder / "a.gif", {one});
  {
    const FailingCalls calls(1, ENOSPC);  // the write, after open
    CHECK_THROWS_AS(write_gif(folder / "a.gif", {one, one, one, one, one, one, one}), Error);
  }
  CHECK(decode_gif(folder / "a.gif").frames.size() == 1);
  CHECK_FALSE(std::filesystem::exists(folder / "a.gif.tmp"));
}

}  // namespace forger
