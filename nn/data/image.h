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
  bool is_grid = false;         // made by make_grid()
};

/// Returns "a PNG image" or "a JPEG image". Throws Error, naming `source`, if the first bytes are
/// of another format.
std::string image_format(std::string_view first_bytes, const std::string& source);

/// Decodes a PNG or JPEG to 1 or 3 channels. Grey is the luma of ITU-R BT.601; transparent pixels
/// are laid over white. The picture is turned upright by the orientation in its EXIF block, which a
/// JPEG has in a segment APP1 and a PNG in a chunk eXIf. Throws Error, naming `source`, for any
/// other format, for damaged data, for a JPEG of 4 channels whose colours are not known, above
/// 64 MiB, or for a side above 8192 pixels.
Image decode_image(std::string_view bytes, int64_t channels, const std::string& source);

/// Returns the largest centred square of a picture, scaled to size x size. Shrinking averages over
/// areas, enlarging is bilinear.
Image square_image(const Image& image, int64_t size, SourceLoc loc = SourceLoc::here());

/// Returns the bytes of a PNG file. A comment in the file marks a grid. Throws Error unless size
/// and pixels fit together.
std::string encode_png(const Image& image, SourceLoc loc = SourceLoc::here());
/// True if the bytes are those of a grid from encode_png().
bool is_grid_png(std::string_view bytes);
/// Writes a PNG file through write_file().
void write_png(const std::filesystem::path& path, const Image& image,
               SourceLoc loc = SourceLoc::here());

/// Arranges images [n, c, h, w] in [-1, 1], c = 1 or 3, in rows of `columns`. Each has `padding`
/// black pixels around it. All is enlarged `upscale` times so that single pixels can be seen. A
/// grid that is written as a PNG into an image folder is not read as a training image.
Image make_grid(const Tensor& images, int64_t columns, int64_t padding = 2, int64_t upscale = 1,
                SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
