#pragma once

#include <string>
#include <string_view>

/// Checks that stb_image leaves out. Version 2.27, which Debian 12 ships, ignores checksums and
/// fills up truncated pictures. It writes past a buffer if a JPEG's Huffman table has more than 256
/// codes (nothings/stb issue 1291). It decodes some pictures to wrong colours without an error.
namespace forger::nn {

/// Throws Error unless a PNG's signature is followed by whole chunks with right checksums up to the
/// end chunk, and every critical chunk is of a known type. Returns the EXIF block, or nothing.
std::string_view check_png(std::string_view bytes, const std::string& source);

/// Throws Error unless a JPEG's segments are whole up to its end marker, its Huffman tables are
/// possible, and it is of a kind that stb_image decodes to the right colours. Returns the EXIF
/// block, or nothing.
std::string_view check_jpeg(std::string_view bytes, const std::string& source);

}  // namespace forger::nn
