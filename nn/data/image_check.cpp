#include "nn/data/image_check.h"

#include <zlib.h>

#include <cstddef>
#include <cstdint>

#include "autograd/error.h"
#include "nn/content.h"

namespace forger::nn {
namespace {

using namespace std::string_view_literals;

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

/// True if a marker begins a JPEG's frame header.
bool is_frame(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/// Throws Error for a frame that stb_image does not decode. stb_image itself would report damage.
void check_frame(uint32_t marker, std::string_view frame, const std::string& source) {
  std::string found;
  if (marker == 0xc3) {
    found = "lossless coding";
  } else if (marker >= 0xc9) {
    found = "arithmetic coding";
  } else if (marker >= 0xc5) {
    found = "hierarchical coding";
  } else if (frame.size() >= 6 && frame[0] == 12) {
    found = "12 bits per channel";
  } else if (frame.size() >= 6 && frame[5] == 2) {
    found = "2 channels";
  }
  if (found.empty()) return;
  fail(source, "a JPEG image of a rare kind, which is not read",
       {"found " + found + ", expected Huffman coding of 1, 3 or 4 channels with 8 bits"}, {});
}

/// Returns the colour transform in Adobe's segment APP14, or -1. stb_image reads it likewise.
int adobe_transform(std::string_view segment) {
  const bool adobe = segment.starts_with("Adobe\0"sv) && segment.size() >= 12;
  return adobe ? static_cast<uint8_t>(segment[11]) : -1;
}

/// Throws Error if the colours of a JPEG with 4 channels are not known. Without Adobe's marker,
/// some decoders take the channels for CMYK and others for its inverse; stb_image ignores black.
void check_four_channels(int transform, const std::string& source) {
  if (transform == 0 || transform == 2) return;
  const std::string found =
      transform < 0 ? "no Adobe marker" : "Adobe's transform " + std::to_string(transform);
  fail(source, "a JPEG image of 4 channels whose colours are not known",
       {"found " + found + ", expected Adobe's transform 0 (CMYK) or 2 (YCCK)"}, {});
}

}  // namespace

std::string_view check_png(std::string_view bytes, const std::string& source) {
  std::string_view exif;
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
    if (type == "IEND") return exif;
    if (type == "eXIf" && exif.empty()) exif = body.substr(4);
    // Among the unknown ones is CgBI, of apps for iPhones, whose red and blue are swapped.
    const bool critical = type[0] >= 'A' && type[0] <= 'Z';  // by the format
    if (critical && type != "IHDR" && type != "PLTE" && type != "IDAT") {
      fail(source, "a PNG image with an unknown chunk", {"chunk " + show_bytes(type)}, {});
    }
    at += 12 + length;
  }
}

std::string_view check_jpeg(std::string_view bytes, const std::string& source) {
  std::string_view exif;
  bool four_channels = false;
  int transform = -1;
  size_t at = 2;  // behind the start marker
  for (;;) {
    at = bytes.find('\xff', at);
    if (at == std::string_view::npos || bytes.size() < at + 2) break;
    const uint32_t marker = number(bytes, at + 1, 1);
    if (marker == 0xff) {  // padding
      ++at;
    } else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {  // within a scan's data
      at += 2;
    } else if (marker == 0xd9) {
      if (four_channels) check_four_channels(transform, source);
      return exif;
    } else {
      if (bytes.size() < at + 4) break;
      const size_t length = number(bytes, at + 2, 2);  // counts itself
      if (length < 2 || bytes.size() < at + 2 + length) break;
      const std::string_view segment = bytes.substr(at + 4, length - 2);
      if (marker == 0xc4 && !huffman_tables_fit(segment)) {
        fail(source, "damaged: a JPEG image with an impossible Huffman table", {}, {});
      }
      if (is_frame(marker)) {
        check_frame(marker, segment, source);
        four_channels = segment.size() >= 6 && segment[5] == 4;
      }
      if (marker == 0xee && adobe_transform(segment) >= 0) transform = adobe_transform(segment);
      if (marker == 0xe1 && exif.empty() && segment.starts_with("Exif\0\0"sv)) {
        exif = segment.substr(6);
      }
      at += 2 + length;
    }
  }
  fail(source, "truncated: a JPEG image without its end", {}, {});
}

}  // namespace forger::nn
