// Tests tutorials/common/animation.h: which pictures of a run become an animation.
#include "tutorials/common/animation.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "nn/data/image.h"
#include "nn/file.h"
#include "temp_folder.h"
#include "tutorials/common/run_folder.h"

namespace forger {
namespace {

namespace fs = std::filesystem;

nn::Image picture(int64_t side, int64_t channels, int64_t level) {
  return {.width = side,
          .height = side,
          .channels = channels,
          .pixels = std::vector<uint8_t>(static_cast<size_t>(side * side * channels),
                                         static_cast<uint8_t>(level))};
}

void save(const TempFolder& folder, int64_t step, const nn::Image& image) {
  nn::make_folder(folder / "samples");
  std::ofstream(folder / "samples" / (tutorials::step_name(step) + ".png"), std::ios::binary)
      << nn::encode_png(image);  // without the fsync of write_png(), which is slow
}

std::string animate(const TempFolder& folder) {
  return without_folder(tutorials::write_animation(folder.path()), folder);
}

/// What stands in the file: the number of frames, from the blocks that give the delays.
int64_t frames_in(const fs::path& gif) {
  const std::string bytes = nn::read_file(gif, 1 << 20);
  int64_t frames = 0;
  for (size_t at = 0; (at = bytes.find("\x21\xf9\x04", at)) != std::string::npos; ++at) ++frames;
  return frames;
}

}  // namespace

TEST_CASE("a run's pictures become samples.gif, at most 100 of them") {
  const TempFolder folder;
  CHECK(animate(folder) == "");  // no pictures, as in a run without images
  save(folder, 0, picture(4, 1, 0));
  CHECK(animate(folder) == "");  // one does not move
  CHECK_FALSE(fs::exists(folder / "samples.gif"));
  for (int64_t step = 1; step < 5; ++step) save(folder, step, picture(4, 1, 10 * step));
  CHECK(animate(folder) == "gif      DIR/samples.gif, 5 pictures\n");
  CHECK(frames_in(folder / "samples.gif") == 5);
  // The colours are in the order of the frames. Their table follows 13 bytes.
  CHECK(nn::read_file(folder / "samples.gif", 1 << 20).substr(13, 9) ==
        std::string("\0\0\0\x0a\x0a\x0a\x14\x14\x14", 9));
  for (int64_t step = 5; step < 130; ++step) save(folder, step, picture(4, 1, step));
  CHECK(animate(folder) == "gif      DIR/samples.gif, 100 pictures\n");
  CHECK(frames_in(folder / "samples.gif") == 100);
}

TEST_CASE("a picture that is damaged or of another size is left out and named") {
  const TempFolder folder;
  save(folder, 0, picture(5, 1, 0));
  save(folder, 1, picture(4, 1, 1));
  save(folder, 2, picture(4, 3, 2));
  std::ofstream(folder / "samples/step_000003.png") << "no picture";
  std::ofstream(folder / "samples/notes.txt") << "no picture either";
  fs::create_directory(folder / "samples/step_000001.5.png");
  CHECK(animate(folder) ==
        "left out of samples.gif: DIR/samples/step_000003.png: not a PNG or JPEG image\n"
        "  it looks like text\n"
        "left out of samples.gif: DIR/samples/step_000000.png: another size than the last picture\n"
        "gif      DIR/samples.gif, 2 pictures\n");
  CHECK(frames_in(folder / "samples.gif") == 2);
  fs::remove(folder / "samples/step_000002.png");
  fs::remove(folder / "samples.gif");
  CHECK(animate(folder) ==
        "left out of samples.gif: DIR/samples/step_000003.png: not a PNG or JPEG image\n"
        "  it looks like text\n"
        "left out of samples.gif: DIR/samples/step_000000.png: another size than the last "
        "picture\n");
  CHECK_FALSE(fs::exists(folder / "samples.gif"));
}

TEST_CASE("without an animation, the text says why and how ffmpeg makes one") {
  const TempFolder folder;
  nn::Image many = picture(20, 3, 0);
  for (size_t i = 0; i < many.pixels.size(); ++i) many.pixels[i] = static_cast<uint8_t>(i * i / 7);
  save(folder, 0, many);
  save(folder, 1, many);
  CHECK(animate(folder) ==
        "gif      none: write_gif: the frames have more than 256 colours, the most that a GIF can "
        "hold\n"
        "  this makes an animation of nearly the same colours from the numbered PNGs:\n"
        "  ffmpeg -y -framerate 100/50 -pattern_type glob -i 'DIR/samples/*.png' -filter_complex "
        "'[0]split[a][b];[a]palettegen[p];[b][p]paletteuse' 'DIR/samples.gif'\n");
  fs::remove_all(folder / "samples");
  save(folder, 0, picture(4, 1, 0));
  save(folder, 1, picture(4, 1, 1));
  fs::create_directory(folder / "samples.gif");
  CHECK(animate(folder) ==
        "gif      none: DIR/samples.gif: not a regular file\n  it is a folder\n");
}

}  // namespace forger
