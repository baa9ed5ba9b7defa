#pragma once

#include <string>
#include <string_view>

/// What stb_image takes on trust in the files that it decodes. Version 2.27, which Debian and
/// Ubuntu ship, ignores checksums, fills up truncated pictures, and writes behind a buffer when a
/// JPEG's Huffman table has more than 256 codes (nothings/stb issue 1291).
namespace forger::nn {

/// Throws Error unless the bytes behind a PNG's signature are whole chunks with the right checksums
/// up to the end, and none that a decoder must know is unknown.
void check_png(std::string_view bytes, const std::string& source);

/// Throws Error unless a JPEG's segments are whole up to its end and its Huffman tables can be.
void check_jpeg(std::string_view bytes, const std::string& source);

}  // namespace forger::nn
