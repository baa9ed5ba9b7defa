// Tests JPEG files of every kind of colour, of kinds that are not read, and the orientation in
// EXIF blocks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "jpeg_blocks.h"
#include "message.h"
#include "nn/data/exif.h"
#include "nn/data/image.h"
#include "nn/data/image_check.h"
#include "png_chunk.h"

namespace forger::nn {
namespace {

using Bytes = std::vector<uint8_t>;

/// One block of this colour, decoded to `channels`: its first pixel, or the message of the Error.
std::string decoded(const JpegBlocks& image, int64_t channels = 3) {
  std::string text;
  const std::string message = message_of([&] {
    const Image read = decode_image(jpeg_of(image), channels, "a");
    CHECK(read.width == 8 * image.columns);
    CHECK(read.height == 8 * image.rows);
    for (int64_t c = 0; c < channels; ++c) {
      text += (c == 0 ? "" : " ") + std::to_string(read.pixels[static_cast<size_t>(c)]);
    }
  });
  return message + text;
}

/// A number in a TIFF block.
std::string number(uint32_t value, int bytes, bool little_endian) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (little_endian ? i : bytes - 1 - i);
    text += static_cast<char>(value >> shift & 255);
  }
  return text;
}

/// An EXIF block with three tags, of which the second is the orientation.
std::string exif(uint32_t orientation, bool little_endian = true, uint32_t type = 3) {
  const auto n = [&](uint32_t value, int bytes) { return number(value, bytes, little_endian); };
  const int bytes = type == 1 ? 1 : type == 3 ? 2 : 4;
  const std::string value =
      n(orientation, bytes) + std::string(static_cast<size_t>(4 - bytes), '\0');
  return (little_endian ? "II" : "MM") + n(42, 2) + n(10, 4) + "  " + n(3, 2) +  //
         n(0x010f, 2) + n(2, 2) + n(4, 4) + "cam" + '\0' +                       // the maker
         n(0x0112, 2) + n(type, 2) + n(1, 4) + value +                           //
         n(0x0128, 2) + n(3, 2) + n(1, 4) + n(2, 2) + n(0, 2) +                  // a unit
         n(0, 4);
}

std::string exif_segment(const std::string& block) {
  return jpeg_segment(0xe1, std::string("Exif\0\0", 6) + block);
}

/// Six blocks, stored as abc above def.
JpegBlocks letters() {
  return {.columns = 3,
          .rows = 2,
          .channels = 1,
          .values = {'a', 'b', 'c', 'd', 'e', 'f'},
          .segments = {}};
}

/// The rows of blocks of a picture: "abc/def".
std::string rows_of(const Image& image) {
  std::string text;
  for (int64_t y = 4; y < image.height; y += 8) {
    if (y > 4) text += '/';
    for (int64_t x = 4; x < image.width; x += 8) {
      text += static_cast<char>(image.pixels[static_cast<size_t>(y * image.width + x)]);
    }
  }
  return text;
}

/// letters() with these bytes behind the start marker, as decode_image() shows it.
std::string letters_with(const std::string& segments) {
  JpegBlocks image = letters();
  image.segments = segments;
  return rows_of(decode_image(jpeg_of(image), 1, "a"));
}

// What EXIF's orientations 1 to 8 make of the letters.
const char* const kTurned[] = {"abc/def",  "cba/fed",  "fed/cba",  "def/abc",
                               "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};

}  // namespace

TEST_CASE("JPEGs of 1, 3 and 4 channels decode to the right colours, also progressive ones") {
  for (const bool progressive : {false, true}) {
    CAPTURE(progressive);
    JpegBlocks image{.channels = 1, .values = {77}, .segments = {}, .progressive = progressive};
    CHECK(decoded(image) == "77 77 77");
    image.channels = 3;
    image.values = {60, 128, 128};  // Y Cb Cr
    CHECK(decoded(image) == "60 60 60");
    image.values = {76, 85, 255};  // red (255, 0, 0) up to the rounding of three bytes
    CHECK(decoded(image) == "254 0 0");
    image.segments = adobe_segment(0);
    image.values = {4, 5, 40};  // R G B
    CHECK(decoded(image) == "4 5 40");
    // Adobe stores the ink's inverse: 255 is no ink.
    image.channels = 4;
    image.values = {4, 5, 40, 255};  // C M Y K
    CHECK(decoded(image) == "4 5 40");
    CHECK(decoded(image, 1) == "9");    // 0.299 r + 0.587 g + 0.114 b
    image.values = {200, 100, 50, 51};  // a fifth of the light is left by the black
    CHECK(decoded(image) == "40 20 10");
    image.segments = adobe_segment(2);
    image.values = {55, 128, 128, 255};  // Y Cb Cr K of the inverse
    CHECK(decoded(image) == "200 200 200");
    image.values = {76, 85, 255, 255};  // the inverse of red is cyan
    CHECK(decoded(image) == "1 255 255");
  }
}

TEST_CASE("a JPEG of 4 channels is an error unless Adobe's marker tells its colours") {
  JpegBlocks image{.channels = 4, .values = {4, 5, 40, 255}, .segments = {}};
  const auto wrong = [](const std::string& found) {
    return "a: a JPEG image of 4 channels whose colours are not known\n  found " + found +
           ", expected Adobe's transform 0 (CMYK) or 2 (YCCK)";
  };
  for (const bool progressive : {false, true}) {
    image.progressive = progressive;
    image.segments = "";
    CHECK(decoded(image) == wrong("no Adobe marker"));
    image.segments = jpeg_segment(0xe0, std::string("JFIF\0\1\1\0\0\1\0\1\0\0", 14));
    CHECK(decoded(image) == wrong("no Adobe marker"));
    image.segments = jpeg_segment(0xee, "Adobe");
    CHECK(decoded(image) == wrong("no Adobe marker"));
    image.segments = adobe_segment(1);
    CHECK(decoded(image) == wrong("Adobe's transform 1"));
  }
}

TEST_CASE("a JPEG of a kind that is not read is named and not called damaged") {
  const std::string good = jpeg_of({.values = {77}, .segments = {}});
  const size_t frame = good.find("\xff\xc0");
  const auto message = [&](size_t at, char value) {
    std::string bytes = good;
    bytes[frame + at] = value;
    return message_of([&] { decode_image(bytes, 3, "a"); });
  };
  const auto rare = [](const std::string& found) {
    return "a: a JPEG image of a rare kind, which is not read\n  found " + found +
           ", expected Huffman coding of 1, 3 or 4 channels with 8 bits";
  };
  CHECK(message(1, '\xc0') == "");
  CHECK(message(1, '\xc1') == "");
  CHECK(message(1, '\xc3') == rare("lossless coding"));
  CHECK(message(1, '\xc5') == rare("hierarchical coding"));
  CHECK(message(1, '\xc9') == rare("arithmetic coding"));
  CHECK(message(1, '\xca') == rare("arithmetic coding"));
  CHECK(message(4, 12) == rare("12 bits per channel"));
  CHECK(message(9, 2) == rare("2 channels"));
  CHECK(message(9, 5).starts_with("a: damaged: a JPEG image that cannot be decoded\n"));
}

TEST_CASE("a JPEG is turned upright by each of EXIF's 8 orientations") {
  CHECK(letters_with("") == "abc/def");
  for (uint32_t orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    for (const bool little_endian : {false, true}) {
      for (const uint32_t type : {1u, 3u, 4u}) {  // BYTE, SHORT, LONG
        const std::string block = exif(orientation, little_endian, type);
        CHECK(exif_orientation(block) == static_cast<int>(orientation));
        CHECK(letters_with(exif_segment(block)) == kTurned[orientation - 1]);
      }
    }
  }
  // behind another segment, and with a second block, which does not count
  CHECK(letters_with(jpeg_segment(0xe1, "http://ns.adobe.com/xap/1.0/") + exif_segment(exif(6)) +
                     exif_segment(exif(3))) == kTurned[5]);
}

TEST_CASE("a PNG is turned upright by the orientation in its chunk eXIf") {
  const Image stored = decode_image(jpeg_of(letters()), 1, "a");
  const std::string png = encode_png(stored);
  CHECK(rows_of(decode_image(png, 1, "a")) == "abc/def");
  for (uint32_t orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string turned = with_chunk(png, "eXIf", exif(orientation, false));
    CHECK(rows_of(decode_image(turned, 1, "a")) == kTurned[orientation - 1]);
  }
}

TEST_CASE("turning a picture keeps the channels of a pixel together") {
  const Image image{.width = 2, .height = 1, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}};
  const Image turned = turn_upright(image, 8);
  CHECK(turned.width == 1);
  CHECK(turned.height == 2);
  CHECK(turned.pixels == Bytes{4, 5, 6, 1, 2, 3});
}

TEST_CASE("an EXIF block without a valid orientation leaves the picture as it is") {
  for (const uint32_t value : {0u, 9u, 255u, 65535u}) CHECK(exif_orientation(exif(value)) == 1);
  CHECK(exif_orientation(exif(6, true, 2)) == 1);        // ASCII
  CHECK(exif_orientation(exif(6, true, 0)) == 1);        // no such type
  CHECK(exif_orientation(exif(0x60000, true, 4)) == 1);  // beyond 16 bits
  CHECK(exif_orientation("") == 1);
  CHECK(exif_orientation("II") == 1);
  CHECK(exif_orientation("XX" + exif(6).substr(2)) == 1);
  CHECK(letters_with(exif_segment("")) == "abc/def");
  CHECK(letters_with(jpeg_segment(0xe1, "Exif")) == "abc/def");
}

TEST_CASE("truncated and hostile EXIF blocks give an orientation and never read outside") {
  for (const bool little_endian : {false, true}) {
    const std::string good = exif(6, little_endian);
    const auto check = [](const std::string& block) {
      const std::vector<char> exact(block.begin(), block.end());  // for the address sanitizer
      const int orientation = exif_orientation({exact.data(), exact.size()});
      CHECK(orientation >= 1);
      CHECK(orientation <= 8);
      return orientation;
    };
    for (size_t size = 0; size < good.size(); ++size) {
      CAPTURE(size);
      // the entry of the orientation ends 24 bytes behind the number of entries
      CHECK(check(good.substr(0, size)) == (size >= 12 + 24 ? 6 : 1));
    }
    for (size_t at = 0; at < good.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string bad = good;
        bad[at] = static_cast<char>(value);
        check(bad);
      }
    }
    // the directory at every place, also within the header and behind the end
    for (const uint32_t place :
         {0u, 1u, 4u, 8u, 11u, 30u, 52u, 53u, 65535u, 0x7fffffffu, 0xfffffff0u, 0xffffffffu}) {
      std::string bad = good;
      bad.replace(4, 4, number(place, 4, little_endian));
      check(bad);
      bad.replace(10, 2, "\xff\xff");  // 65,535 entries
      check(bad);
    }
    // as many entries as a segment holds, none of which is the orientation
    std::string long_block = good.substr(0, 10) + std::string(65000, '\xff');
    CHECK(check(long_block) == 1);
  }
}

TEST_CASE("a JPEG with a damaged EXIF segment gives an image or an Error") {
  JpegBlocks image = letters();
  image.segments = exif_segment(exif(6));
  const std::string good = jpeg_of(image);
  for (size_t i = 2; i < 2 + image.segments.size(); ++i) {
    for (const char value : {'\0', '\1', '\x7f', '\xff'}) {
      std::string bad = good;
      bad[i] = value;
      const std::string message = message_of([&] {
        const Image read = decode_image(bad, 1, "a");
        CHECK(read.width * read.height == 24 * 16);
        CHECK(read.pixels.size() == 24 * 16);
      });
      CHECK((message.empty() || message.starts_with("a: ")));
    }
  }
}

}  // namespace forger::nn
