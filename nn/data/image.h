#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::nn {

/// One picture in the layout of PNG and JPEG: the channels of a pixel are neighbours.
/// 1 channel is grey; 3 are red, green and blue; a fourth, or a second, is opacity.
struct Image {
  int64_t width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;  // [height, width, channels]
};

/// Decodes a PNG or JPEG to 1 or 3 channels. Grey is the luma of ITU-R BT.601; transparent pixels
/// are laid over white. Throws Error, naming `source`, for any other format, for damaged data,
/// above 64 MiB, or for a side above 8192 pixels.
Image decode_image(std::string_view bytes, int64_t channels, const std::string& source);

/// Returns the largest centred square of a picture, scaled to size x size. Shrinking averages over
/// areas, enlarging is bilinear.
Image square_image(const Image& image, int64_t size, SourceLoc loc = SourceLoc::here());

/// Returns the bytes of a PNG file. Throws Error unless size and pixels fit together.
std::string encode_png(const Image& image, SourceLoc loc = SourceLoc::here());
/// Writes a PNG file through write_file().
void write_png(const std::filesystem::path& path, const Image& image,
               SourceLoc loc = SourceLoc::here());

/// Arranges images [n, c, h, w] in [-1, 1], c = 1 or 3, in rows of `columns`. Each has `padding`
/// black pixels around it. All is enlarged `upscale` times so that single pixels can be seen.
Image make_grid(const Tensor& images, int64_t columns, int64_t padding = 2, int64_t upscale = 1,
                SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
