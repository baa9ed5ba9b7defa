#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace forger::nn {

/// One picture as PNG and JPEG hold it: channels (1 grey, 3 red, green, blue) side by side.
struct Image {
  int64_t width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;  // [height, width, channels]
};

/// Decodes a PNG or JPEG to 1 or 3 channels: grey by the luma of ITU-R BT.601, transparency over
/// white. Throws Error, naming `source`, for anything else, damaged, above 64 MiB, or with a side
/// above 8192 pixels.
Image decode_image(std::string_view bytes, int64_t channels, const std::string& source);

/// The largest centred square of a picture, scaled to size x size: area average when shrinking,
/// bilinear when enlarging.
Image square_image(const Image& image, int64_t size, SourceLoc loc = SourceLoc::here());

/// A picture as the bytes of a PNG file.
std::string encode_png(const Image& image);
/// encode_png() through write_file().
void write_png(const std::filesystem::path& path, const Image& image);

/// Images [n, c, h, w] in [-1, 1], c = 1 or 3, side by side in rows of `columns`, with `padding`
/// black pixels around each, all enlarged `upscale` times so that each pixel stays visible.
Image make_grid(const Tensor& images, int64_t columns, int64_t padding = 2, int64_t upscale = 1,
                SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
