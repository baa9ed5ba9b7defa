#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace forger {

/// A PNG's bytes with one more chunk behind the header, IHDR.
inline std::string with_chunk(std::string png, const std::string& type, const std::string& bytes) {
  const std::string body = type + bytes;
  const auto word = [](uint64_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
    return text;
  };
  const auto checksum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return png.insert(33, word(bytes.size()) + body + word(checksum));
}

}  // namespace forger
