#include "nn/data/image.h"

#include <algorithm>
#include <cmath>
#include <memory>

#define STBI_NO_STDIO
#include <stb_image.h>
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

#include "autograd/error.h"
#include "nn/content.h"
#include "nn/data/dataset.h"
#include "nn/data/exif.h"
#include "nn/data/image_check.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

using namespace std::string_view_literals;

constexpr size_t kMaxFileBytes = 64 << 20;
constexpr int64_t kMaxPngSide = 16384;  // stb counts the bytes of a PNG with int
constexpr size_t kPngHeaderBytes = 33;  // a PNG's signature and its first chunk, IHDR
// The chunk that marks a grid: length, type, keyword, text, checksum.
constexpr std::string_view kGridChunk =
    "\0\0\0\x28"
    "tEXtComment\0a grid of images, made by forger\xde\x71\x1a\x50"sv;

/// Converts a pixel of 1 to 4 stored channels (grey, grey + alpha, RGB, RGB + alpha) to 1 or 3.
void convert_pixel(const uint8_t* in, int stored, int64_t channels, uint8_t* out) {
  const int alpha = stored % 2 == 0 ? in[stored - 1] : 255;
  const auto over_white = [&](int value) {
    return (value * alpha + 255 * (255 - alpha) + 127) / 255;
  };
  const int r = over_white(in[0]);
  const int g = stored < 3 ? r : over_white(in[1]);
  const int b = stored < 3 ? r : over_white(in[2]);
  if (channels == 1) {
    out[0] = static_cast<uint8_t>((299 * r + 587 * g + 114 * b + 500) / 1000);
  } else {
    out[0] = static_cast<uint8_t>(r);
    out[1] = static_cast<uint8_t>(g);
    out[2] = static_cast<uint8_t>(b);
  }
}

/// The weights with which an output pixel sums input pixels along one axis, from `first` on.
struct Taps {
  int64_t first;
  std::vector<float> weights;  // sum to 1
};

/// Returns the taps that scale `side` pixels to `size`. When shrinking, an output pixel covers
/// side / size input pixels, and each counts by the share that is covered. When enlarging, an
/// output pixel lies between two pixel centres.
std::vector<Taps> scaling_taps(int64_t side, int64_t size) {
  std::vector<Taps> taps;
  const double scale = static_cast<double>(side) / static_cast<double>(size);
  for (int64_t i = 0; i < size; ++i) {
    Taps tap;
    if (side >= size) {
      const double begin = static_cast<double>(i) * scale, end = begin + scale;
      tap.first = static_cast<int64_t>(begin);
      for (int64_t j = tap.first; static_cast<double>(j) < end && j < side; ++j) {
        const auto x = static_cast<double>(j);
        tap.weights.push_back(
            static_cast<float>((std::min(x + 1, end) - std::max(x, begin)) / scale));
      }
    } else {
      const double centre = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0,
                                       static_cast<double>(side - 1));
      tap.first = static_cast<int64_t>(centre);
      const auto fraction = static_cast<float>(centre - static_cast<double>(tap.first));
      tap.weights = {1 - fraction};
      if (fraction > 0) tap.weights.push_back(fraction);
    }
    taps.push_back(std::move(tap));
  }
  return taps;
}

/// Throws Error unless the picture has 1 to 4 channels, sides that PNG and stb can count, and as
/// many bytes as these say.
void check_image(const char* op, const Image& image, SourceLoc loc) {
  const int64_t width = image.width, height = image.height, channels = image.channels;
  const size_t bytes = image.pixels.size();
  const bool size_fits = width >= 1 && width <= kMaxPngSide && height >= 1 &&
                         height <= kMaxPngSide && channels >= 1 && channels <= 4;
  if (size_fits && bytes == static_cast<size_t>(width * height * channels)) return;
  fail(op, "the picture's size and its pixels do not fit together",
       {"width " + std::to_string(width) + ", height " + std::to_string(height) + ", channels " +
            std::to_string(channels) + ", " + std::to_string(bytes) + " bytes",
        "expected sides of 1 to " + std::to_string(kMaxPngSide) +
            ", 1 to 4 channels, and a byte for each"},
       loc);
}

void append_bytes(void* out, void* bytes, int count) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes),
                                         static_cast<size_t>(count));
}

}  // namespace

std::string image_format(std::string_view first_bytes, const std::string& source) {
  const std::string content = describe_content(first_bytes);
  if (content != "a PNG image" && content != "a JPEG image") {
    fail(source, "not a PNG or JPEG image", {"it looks like " + content}, {});
  }
  return content;
}

Image decode_image(std::string_view bytes, int64_t channels, const std::string& source) {
  if (channels != 1 && channels != 3) {
    fail("decode_image", "channels must be 1 or 3", {"found " + std::to_string(channels)}, {});
  }
  if (bytes.size() > kMaxFileBytes) {
    fail(source, "too large",
         {"found " + std::to_string(bytes.size()) + " bytes, at most " +
          std::to_string(kMaxFileBytes) + " expected"},
         {});
  }
  const std::string format = image_format(bytes.substr(0, 512), source);
  const bool jpeg = format == "a JPEG image";
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const auto size = static_cast<int>(bytes.size());
  const std::string_view exif = jpeg ? check_jpeg(bytes, source) : check_png(bytes, source);
  int width = 0, height = 0, stored = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &stored, 0), stbi_image_free);
  if (!pixels) {
    const std::string reason = stbi_failure_reason();
    if (reason == "too large") {
      fail(source, "too large", {"expected at most 8192 x 8192 pixels"}, {});
    }
    fail(source, "damaged: " + format + " that cannot be decoded", {"stb_image: " + reason}, {});
  }

  Image image{.width = width, .height = height, .channels = channels, .pixels = {}};
  const int64_t count = image.width * image.height;
  image.pixels.resize(static_cast<size_t>(count * channels));
  for (int64_t i = 0; i < count; ++i) {
    convert_pixel(pixels.get() + i * stored, stored, channels, image.pixels.data() + i * channels);
  }
  return turn_upright(std::move(image), exif_orientation(exif));
}

Image square_image(const Image& image, int64_t size, SourceLoc loc) {
  check_image("square_image", image, loc);
  if (size < 1 || size > kMaxPngSide) {
    fail("square_image", "size must be 1 to " + std::to_string(kMaxPngSide),
         {"found " + std::to_string(size)}, loc);
  }
  const int64_t side = std::min(image.width, image.height), channels = image.channels;
  const int64_t left = (image.width - side) / 2, top = (image.height - side) / 2;
  const std::vector<Taps> taps = scaling_taps(side, size);

  std::vector<float> rows(static_cast<size_t>(side * size * channels));  // [side, size, channels]
  float* row = rows.data();
  for (int64_t y = 0; y < side; ++y) {
    const uint8_t* in = image.pixels.data() + ((top + y) * image.width + left) * channels;
    for (const Taps& tap : taps) {
      for (int64_t c = 0; c < channels; ++c) {
        float sum = 0;
        const uint8_t* pixel = in + tap.first * channels + c;
        for (const float weight : tap.weights) {
          sum += weight * *pixel;
          pixel += channels;
        }
        *row++ = sum;
      }
    }
  }

  Image square{.width = size, .height = size, .channels = channels, .pixels = {}};
  for (const Taps& tap : taps) {
    for (int64_t i = 0; i < size * channels; ++i) {
      float sum = 0;
      const float* value = rows.data() + tap.first * size * channels + i;
      for (const float weight : tap.weights) {
        sum += weight * *value;
        value += size * channels;
      }
      square.pixels.push_back(static_cast<uint8_t>(std::lround(std::min(sum, 255.0f))));
    }
  }
  return square;
}

std::string encode_png(const Image& image, SourceLoc loc) {
  check_image("encode_png", image, loc);
  std::string bytes;
  const auto width = static_cast<int>(image.width), height = static_cast<int>(image.height);
  const auto channels = static_cast<int>(image.channels);
  if (!stbi_write_png_to_func(append_bytes, &bytes, width, height, channels, image.pixels.data(),
                              width * channels)) {
    throw Error("encode_png: stb_image_write failed");
  }
  if (image.is_grid) bytes.insert(kPngHeaderBytes, kGridChunk);
  return bytes;
}

bool is_grid_png(std::string_view bytes) {
  return bytes.size() > kPngHeaderBytes && bytes.substr(kPngHeaderBytes).starts_with(kGridChunk);
}

void write_png(const std::filesystem::path& path, const Image& image, SourceLoc loc) {
  write_file(path, encode_png(image, loc));
}

Image make_grid(const Tensor& images, int64_t columns, int64_t padding, int64_t upscale,
                SourceLoc loc) {
  const Shape& shape = images.shape();
  if (images.rank() != 4 || images.numel() == 0 || (shape[1] != 1 && shape[1] != 3)) {
    fail("make_grid", "images of 1 or 3 channels expected",
         {"images " + shape.str() + "  (N, C, H, W)"}, loc);
  }
  if (columns < 1 || padding < 0 || upscale < 1 || padding > kMaxPngSide || upscale > kMaxPngSide) {
    fail("make_grid",
         "columns and upscale must be positive, padding not negative, the last two at most " +
             std::to_string(kMaxPngSide),
         {"columns " + std::to_string(columns) + ", padding " + std::to_string(padding) +
          ", upscale " + std::to_string(upscale)},
         loc);
  }
  const int64_t n = shape[0], c = shape[1], h = shape[2], w = shape[3];
  columns = std::min(columns, n);
  const int64_t rows = (n + columns - 1) / columns;
  Image grid{.width = (columns * (w + padding) + padding) * upscale,
             .height = (rows * (h + padding) + padding) * upscale,
             .channels = c,
             .pixels = {},
             .is_grid = true};
  if (grid.width > kMaxPngSide || grid.height > kMaxPngSide) {
    fail("make_grid", "the picture would be too large",
         {"found " + std::to_string(grid.width) + " x " + std::to_string(grid.height) +
          " pixels, at most " + std::to_string(kMaxPngSide) + " a side expected"},
         loc);
  }
  grid.pixels.resize(static_cast<size_t>(grid.width * grid.height * c));
  uint8_t* out = grid.pixels.data();
  for (int64_t y = 0; y < grid.height; ++y) {
    const int64_t line = y / upscale - padding;
    for (int64_t x = 0; x < grid.width; ++x, out += c) {
      const int64_t column = x / upscale - padding;
      if (line < 0 || column < 0 || line % (h + padding) >= h || column % (w + padding) >= w)
        continue;
      const int64_t i = line / (h + padding) * columns + column / (w + padding);
      if (i >= n) continue;
      const int64_t pixel = (i * c * h + line % (h + padding)) * w + column % (w + padding);
      for (int64_t k = 0; k < c; ++k) out[k] = to_byte(images.data()[pixel + k * h * w]);
    }
  }
  return grid;
}

}  // namespace forger::nn
