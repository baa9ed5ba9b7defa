#include "nn/data/exif.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace forger::nn {

using namespace std::string_view_literals;

int exif_orientation(std::string_view block) {
  const bool little_endian = block.starts_with("II*\0"sv);
  if (!little_endian && !block.starts_with("MM\0*"sv)) return 1;
  // The number in `count` bytes. Bytes behind the end count as 0, so no offset can do harm.
  const auto number = [&](size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      const size_t from = little_endian ? at + count - 1 - i : at + i;
      value = value << 8 | (from < block.size() ? static_cast<uint8_t>(block[from]) : 0u);
    }
    return value;
  };
  const size_t directory = number(4, 4), entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * i;  // tag, type, count, value
    if (entry + 12 > block.size()) break;
    if (number(entry, 2) != 0x0112) continue;
    const uint32_t type = number(entry + 2, 2);
    const size_t bytes = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;  // BYTE, SHORT, LONG
    const uint32_t value = number(entry + 8, bytes);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image turn_upright(Image image, int orientation) {
  if (orientation == 1) return image;
  // The orientation names the sides where row 0 and column 0 belong. From 5 on, rows and columns
  // are swapped.
  const bool transposed = orientation >= 5;
  const bool from_right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image upright = image;
  if (transposed) std::swap(upright.width, upright.height);
  uint8_t* out = upright.pixels.data();
  for (int64_t row = 0; row < upright.height; ++row) {
    for (int64_t column = 0; column < upright.width; ++column) {
      const int64_t x = transposed ? row : column, y = transposed ? column : row;
      const int64_t stored_x = from_right ? image.width - 1 - x : x;
      const int64_t stored_y = from_bottom ? image.height - 1 - y : y;
      const int64_t pixel = stored_y * image.width + stored_x;
      out = std::copy_n(image.pixels.data() + pixel * image.channels, image.channels, out);
    }
  }
  return upright;
}

}  // namespace forger::nn
