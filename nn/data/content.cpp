#include "nn/data/content.h"

#include <algorithm>
#include <array>

namespace forger::nn {
namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t offset;
  std::string_view bytes;
  const char* name;
};

constexpr std::array kSignatures = {
    Signature{0, "\x89PNG\r\n\x1a\n"sv, "a PNG image"},
    Signature{0, "\xff\xd8\xff"sv, "a JPEG image"},
    Signature{0, "GIF8"sv, "a GIF image"},
    Signature{8, "WEBP"sv, "a WebP image"},
    Signature{4, "ftypavif"sv, "an AVIF image"},
    Signature{4, "ftyphei"sv, "a HEIC image"},
    Signature{0, "BM"sv, "a BMP image"},
    Signature{0, "II*\0"sv, "a TIFF image"},
    Signature{0, "MM\0*"sv, "a TIFF image"},
    Signature{0, "\x1f\x8b"sv, "gzip data"},
    Signature{0, "PK\x03\x04"sv, "a zip archive"},
    Signature{0,
              "\xfd"
              "7zXZ\0"sv,
              "xz data"},
    Signature{0, "BZh"sv, "bzip2 data"},
    Signature{0, "\x28\xb5\x2f\xfd"sv, "zstd data"},
    Signature{257, "ustar"sv, "a tar archive"},
    Signature{0, "\x93NUMPY"sv, "a NumPy array"},
    Signature{0, "%PDF"sv, "a PDF document"},
    Signature{0, "\0\0\x08\x01"sv, "an IDX file of labels"},
    Signature{0, "\0\0\x08\x03"sv, "an IDX file of images"},
};

bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

std::string describe_content(std::string_view first_bytes) {
  if (first_bytes.empty()) return "an empty file";
  for (const Signature& signature : kSignatures) {
    if (first_bytes.size() > signature.offset &&
        first_bytes.substr(signature.offset).starts_with(signature.bytes)) {
      return signature.name;
    }
  }
  if (!is_text(first_bytes)) return "an unknown format";
  const size_t start = first_bytes.find_first_not_of(" \t\r\n");
  const bool markup = start != std::string_view::npos && first_bytes[start] == '<';
  return markup ? "an HTML or XML page" : "text";
}

std::string show_bytes(std::string_view first_bytes) {
  first_bytes = first_bytes.substr(0, 16);
  if (is_text(first_bytes)) {
    const std::string line(first_bytes.substr(0, first_bytes.find_first_of("\r\n")));
    return '"' + line + '"';
  }
  constexpr const char* kHex = "0123456789abcdef";
  std::string text;
  for (const char c : first_bytes.substr(0, 8)) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ' ';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace forger::nn
