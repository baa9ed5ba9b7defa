#include "nn/data/image_check.h"

#include <zlib.h>

#include <cstddef>
#include <cstdint>

#include "autograd/error.h"
#include "nn/content.h"

namespace forger::nn {
namespace {

/// Returns `count` big-endian bytes as a number.
uint32_t number(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = at; i < at + count; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

/// True if a segment of Huffman tables is well formed. Each table is a byte with its number, 16
/// counts of codes, and the values of the codes.
bool huffman_tables_fit(std::string_view tables) {
  while (!tables.empty()) {
    if (tables.size() < 17) return false;
    uint32_t codes = 0;
    for (size_t i = 1; i <= 16; ++i) codes += number(tables, i, 1);
    if (codes > 256 || tables.size() < 17 + codes) return false;
    tables.remove_prefix(17 + codes);
  }
  return true;
}

}  // namespace

void check_png(std::string_view bytes, const std::string& source) {
  size_t at = 8;  // behind the signature
  for (;;) {
    if (bytes.size() < at + 12 || bytes.size() - at - 12 < number(bytes, at, 4)) {
      fail(source, "truncated: a PNG image without its end", {}, {});
    }
    const size_t length = number(bytes, at, 4);
    const std::string_view type = bytes.substr(at + 4, 4), body = bytes.substr(at + 4, 4 + length);
    const auto checksum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    if (checksum != number(bytes, at + 8 + length, 4)) {
      fail(source, "damaged: a PNG image with a wrong checksum", {"chunk " + show_bytes(type)}, {});
    }
    if (type == "IEND") return;
    const bool critical = type[0] >= 'A' && type[0] <= 'Z';  // by the format
    if (critical && type != "IHDR" && type != "PLTE" && type != "IDAT" && type != "CgBI") {
      fail(source, "a PNG image with an unknown chunk", {"chunk " + show_bytes(type)}, {});
    }
    at += 12 + length;
  }
}

void check_jpeg(std::string_view bytes, const std::string& source) {
  size_t at = 2;  // behind the start marker
  for (;;) {
    at = bytes.find('\xff', at);
    if (at == std::string_view::npos || bytes.size() < at + 2) break;
    const uint32_t marker = number(bytes, at + 1, 1);
    if (marker == 0xff) {  // padding
      ++at;
    } else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {  // within a scan's data
      at += 2;
    } else {
      if (marker == 0xd9) return;
      if (bytes.size() < at + 4) break;
      const size_t length = number(bytes, at + 2, 2);  // counts itself
      if (length < 2 || bytes.size() < at + 2 + length) break;
      if (marker == 0xc4 && !huffman_tables_fit(bytes.substr(at + 4, length - 2))) {
        fail(source, "damaged: a JPEG image with an impossible Huffman table", {}, {});
      }
      at += 2 + length;
    }
  }
  fail(source, "truncated: a JPEG image without its end", {}, {});
}

}  // namespace forger::nn
