#include "nn/data/gif.h"

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <unordered_map>

#include "autograd/error.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

constexpr int64_t kMaxSide = 8192;
constexpr size_t kMaxColours = 256;

struct CloseGif {
  void operator()(GifFileType* gif) const { EGifCloseFile(gif, nullptr); }
};
struct FreeMap {
  void operator()(ColorMapObject* map) const { GifFreeMapObject(map); }
};

/// Red, green and blue of a pixel in one number.
uint32_t colour_of(const uint8_t* pixel, int64_t channels) {
  const uint8_t* last = pixel + channels - 1;
  return uint32_t{pixel[0]} << 16 | uint32_t{pixel[channels / 2]} << 8 | *last;
}

/// The colours of all frames, numbered by their first pixel.
class Colours {
 public:
  /// Returns the number of a colour; new ones get the next number. Returns -1 if that is 256.
  int number(uint32_t colour) {
    if (colour == last_colour_) return last_;  // as of most pixels
    const auto [entry, is_new] = numbers_.try_emplace(colour, static_cast<int>(numbers_.size()));
    if (entry->second >= static_cast<int>(kMaxColours)) return -1;
    if (is_new) {
      map_[static_cast<size_t>(entry->second)] = {static_cast<GifByteType>(colour >> 16),
                                                  static_cast<GifByteType>(colour >> 8 & 255),
                                                  static_cast<GifByteType>(colour & 255)};
    }
    last_colour_ = colour;
    return last_ = entry->second;
  }

  /// Returns the colours as a table of 2, 4, ... or 256 entries.
  std::unique_ptr<ColorMapObject, FreeMap> map() const {
    int entries = 2;
    while (entries < static_cast<int>(numbers_.size())) entries *= 2;
    return std::unique_ptr<ColorMapObject, FreeMap>(GifMakeMapObject(entries, map_.data()));
  }

 private:
  std::unordered_map<uint32_t, int> numbers_;
  std::array<GifColorType, kMaxColours> map_{};
  uint32_t last_colour_ = 0xffffffff;  // of no pixel
  int last_ = 0;
};

void check_frames(const std::vector<Image>& frames, int delay, int last_delay, SourceLoc loc) {
  for (const int value : {delay, last_delay}) {
    if (value >= 2 && value <= 65535) continue;
    fail("write_gif", "a delay must be 2 to 65535 hundredths of a second",
         {"found " + std::to_string(value)}, loc);
  }
  if (frames.empty()) fail("write_gif", "there are no frames", {}, loc);
  const int64_t width = frames[0].width, height = frames[0].height;
  for (size_t i = 0; i < frames.size(); ++i) {
    const Image& frame = frames[i];
    const std::string name = "frame " + std::to_string(i) + "  " + std::to_string(frame.width) +
                             " x " + std::to_string(frame.height) + ", " +
                             std::to_string(frame.channels) + " channels, " +
                             std::to_string(frame.pixels.size()) + " bytes";
    if (frame.width < 1 || frame.width > kMaxSide || frame.height < 1 || frame.height > kMaxSide ||
        (frame.channels != 1 && frame.channels != 3) ||
        frame.pixels.size() != static_cast<size_t>(frame.width * frame.height * frame.channels)) {
      fail("write_gif", "frames have sides of 1 to 8192 pixels, 1 or 3 channels, a byte for each",
           {name}, loc);
    }
    if (frame.width != width || frame.height != height) {
      fail("write_gif", "the frames have different sizes",
           {"frame 0  " + std::to_string(width) + " x " + std::to_string(height), name}, loc);
    }
  }
}

/// Returns the frames' pixels as numbers of colours, [frames, height, width].
std::vector<GifPixelType> indexed(const std::filesystem::path& path,
                                  const std::vector<Image>& frames, int delay, Colours& colours,
                                  SourceLoc loc) {
  std::vector<GifPixelType> indices;
  indices.reserve(frames.size() * static_cast<size_t>(frames[0].width * frames[0].height));
  for (const Image& frame : frames) {
    const auto channels = static_cast<size_t>(frame.channels);
    for (size_t at = 0; at < frame.pixels.size(); at += channels) {
      const int number = colours.number(colour_of(frame.pixels.data() + at, frame.channels));
      if (number < 0) {
        fail("write_gif", "the frames have more than 256 colours, the most that a GIF can hold",
             {"this makes an animation of nearly the same colours from the numbered PNGs:",
              ffmpeg_line(path, delay)},
             loc);
      }
      indices.push_back(static_cast<GifPixelType>(number));
    }
  }
  return indices;
}

/// Returns 0 if memory is short: an exception must not pass through giflib, which is C.
int append_bytes(GifFileType* gif, const GifByteType* bytes, int count) try {
  static_cast<std::string*>(gif->UserData)
      ->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
  return count;
} catch (const std::bad_alloc&) {
  return 0;
}

/// Quotes a word for the shell.
std::string quoted(std::string word) {
  for (size_t at = 0; (at = word.find('\'', at)) != std::string::npos; at += 4) {
    word.replace(at, 1, "'\\''");
  }
  return "'" + word + "'";
}

}  // namespace

std::string ffmpeg_line(const std::filesystem::path& path, int delay) {
  std::string pictures = path.parent_path() / path.stem() / "*.png";
  std::string rate = "100/" + std::to_string(delay);
  return "ffmpeg -y -framerate " + rate + " -pattern_type glob -i " + quoted(pictures) +
         " -filter_complex '[0]split[a][b];[a]palettegen[p];[b][p]paletteuse' " +
         quoted(path.string());
}

void write_gif(const std::filesystem::path& path, const std::vector<Image>& frames, int delay,
               int last_delay, SourceLoc loc) {
  write_file(path, encode_gif(path, frames, delay, last_delay, loc));
}

std::string encode_gif(const std::filesystem::path& path, const std::vector<Image>& frames,
                       int delay, int last_delay, SourceLoc loc) {
  check_frames(frames, delay, last_delay, loc);
  Colours colours;
  std::vector<GifPixelType> indices = indexed(path, frames, delay, colours, loc);
  const auto width = static_cast<int>(frames[0].width), height = static_cast<int>(frames[0].height);

  std::string bytes;
  int error = 0;
  const auto check = [&](bool ok) {
    if (!ok) throw Error(path.string() + ": giflib: out of memory");  // nothing else can fail here
  };
  std::unique_ptr<GifFileType, CloseGif> gif(EGifOpen(&bytes, append_bytes, &error));
  const std::unique_ptr<ColorMapObject, FreeMap> map = colours.map();
  check(gif && map);
  EGifSetGifVersion(gif.get(), true);
  check(EGifPutScreenDesc(gif.get(), width, height, 8, 0, map.get()) == GIF_OK);
  const std::string_view netscape = "NETSCAPE2.0";
  const GifByteType for_ever[3] = {1, 0, 0};
  check(EGifPutExtensionLeader(gif.get(), APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
        EGifPutExtensionBlock(gif.get(), static_cast<int>(netscape.size()), netscape.data()) ==
            GIF_OK &&
        EGifPutExtensionBlock(gif.get(), sizeof for_ever, for_ever) == GIF_OK &&
        EGifPutExtensionTrailer(gif.get()) == GIF_OK);
  GifPixelType* line = indices.data();
  for (size_t i = 0; i < frames.size(); ++i) {
    const GraphicsControlBlock control = {.DisposalMode = DISPOSE_DO_NOT,
                                          .UserInputFlag = false,
                                          .DelayTime = i + 1 == frames.size() ? last_delay : delay,
                                          .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType extension[4];
    EGifGCBToExtension(&control, extension);
    check(EGifPutExtension(gif.get(), GRAPHICS_EXT_FUNC_CODE, sizeof extension, extension) ==
              GIF_OK &&
          EGifPutImageDesc(gif.get(), 0, 0, width, height, false, nullptr) == GIF_OK);
    for (int y = 0; y < height; ++y, line += width) {
      check(EGifPutLine(gif.get(), line, width) == GIF_OK);
    }
  }
  check(EGifCloseFile(gif.release(), &error) == GIF_OK);
  return bytes;
}

}  // namespace forger::nn
