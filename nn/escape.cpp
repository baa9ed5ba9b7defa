#include "nn/escape.h"

#include <cstddef>

namespace forger::nn {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// Returns the length of the UTF-8 character that begins the text, by table 3-7 of the Unicode
/// standard. Returns 0 if there is none or if it is a control character.
size_t printable_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](size_t i) { return byte(i) >> 6 == 0b10; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return first >= ' ' && first != 0x7f ? 1 : 0;
  if (first < 0xc2 || first > 0xf4 || !continues(1)) return 0;
  if (first < 0xe0) return first == 0xc2 && second < 0xa0 ? 0 : 2;  // U+0080 to U+009F are controls
  if (!continues(2)) return 0;
  if (first == 0xe0 && second < 0xa0) return 0;   // has a shorter form
  if (first == 0xed && second >= 0xa0) return 0;  // a surrogate
  if (first < 0xf0) return 3;
  if (!continues(3)) return 0;
  if (first == 0xf0 && second < 0x90) return 0;   // has a shorter form
  if (first == 0xf4 && second >= 0x90) return 0;  // above U+10FFFF
  return 4;
}

}  // namespace

std::string escape(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t length = printable_length(bytes);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (bytes[0] == '\\') text += '\\';
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::string unescape(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    size_t length = 1;
    if (text.starts_with("\\\\")) {
      length = 2;
      bytes += '\\';
    } else if (text.starts_with("\\x") && text.size() >= 4 && kHex.find(text[2]) != kHex.npos &&
               kHex.find(text[3]) != kHex.npos) {
      length = 4;
      bytes += static_cast<char>(kHex.find(text[2]) << 4 | kHex.find(text[3]));
    } else {
      bytes += text[0];
    }
    text.remove_prefix(length);
  }
  return bytes;
}

}  // namespace forger::nn
