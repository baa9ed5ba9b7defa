// Tests the escapes of file names that are not text.
#include "nn/escape.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace forger::nn {

TEST_CASE("bytes that are not printable UTF-8 are escaped, and everything else is unchanged") {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"/home/ann/faces 2", "/home/ann/faces 2"},
      {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"caf\xe9", "caf\\xe9"},         // Latin-1
      {"a\\b\\x41", "a\\\\b\\\\x41"},  // backslashes
      {"two\nlines\x1b[2J\x7f", "two\\x0alines\\x1b[2J\\x7f"},
      {"\xc2\x9b", "\\xc2\\x9b"},  // a control character of two bytes
      {"\xc0\xaf", "\\xc0\\xaf"},  // longer than needed
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
      {"\xe2\x82", "\\xe2\\x82"},  // cut off
      {"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
      {std::string("nul\0", 4), "nul\\x00"}};
  for (const auto& entry : cases) {
    CAPTURE(entry.second);
    CHECK(escape(entry.first) == entry.second);
    CHECK(unescape(entry.second) == entry.first);
  }
}

TEST_CASE("every pair of bytes is read back, and JSON takes what escape() returns") {
  for (int i = 0; i < 65536; ++i) {
    const std::string bytes = {static_cast<char>(i >> 8), static_cast<char>(i & 255)};
    const std::string text = escape(bytes);
    const bool same = unescape(text) == bytes;
    if (!same) FAIL_CHECK(i);
    nlohmann::json(text).dump();  // throws for what is not UTF-8
  }
}

TEST_CASE("a backslash that begins no escape stays") {
  for (const std::string text : {"C:\\faces", "\\", "\\x", "\\x4", "\\xg0", "\\xE9", "a\\x4"}) {
    CHECK(unescape(text) == text);
  }
}

}  // namespace forger::nn
