// Tests images: decoding, scaling, and grids.
#include "nn/data/image.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "filled_image.h"
#include "message.h"
#include "nn/data/image_check.h"
#include "nn/file.h"
#include "png_chunk.h"
#include "temp_folder.h"

// The project writes no JPEG files. The tests do, with stb's writer.
extern "C" int stbi_write_jpg_to_func(void (*write)(void*, void*, int), void* context, int width,
                                      int height, int channels, const void* pixels, int quality);

namespace forger::nn {
namespace {

Image grey(int64_t width, int64_t height, const std::vector<uint8_t>& pixels) {
  return {.width = width, .height = height, .channels = 1, .pixels = pixels};
}

std::string jpeg(const Image& image) {
  std::string bytes;
  const auto append = [](void* out, void* data, int size) {
    static_cast<std::string*>(out)->append(static_cast<const char*>(data),
                                           static_cast<size_t>(size));
  };
  stbi_write_jpg_to_func(append, &bytes, static_cast<int>(image.width),
                         static_cast<int>(image.height), static_cast<int>(image.channels),
                         image.pixels.data(), 90);
  return bytes;
}

std::string message_for(const std::string& bytes) {
  return message_of([&] { decode_image(bytes, 3, "a"); });
}

void put_word(std::string& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i) & 255);
}

/// Corrects the checksum of the chunk that begins at `at` and has `length` bytes.
void put_checksum(std::string& png, size_t at, uint32_t length) {
  const auto* data = reinterpret_cast<const Bytef*>(png.data()) + at + 4;
  put_word(png, at + 8 + length, static_cast<uint32_t>(crc32(0, data, length + 4)));
}

/// A PNG's bytes with another width and height in the header, and a checksum that fits.
std::string with_size(std::string png, uint32_t width, uint32_t height) {
  put_word(png, 16, width);
  put_word(png, 20, height);
  put_checksum(png, 8, 13);
  return png;
}

}  // namespace

TEST_CASE("a PNG is encoded and decoded without loss, and channels are converted") {
  const Image colour{.width = 2, .height = 1, .channels = 3, .pixels = {255, 0, 0, 10, 200, 30}};
  CHECK(decode_image(encode_png(colour), 3, "a").pixels == colour.pixels);
  // 0.299 r + 0.587 g + 0.114 b, rounded
  CHECK(decode_image(encode_png(colour), 1, "a").pixels == std::vector<uint8_t>{76, 124});
  const Image shades = grey(2, 2, {0, 1, 128, 255});
  const Image read = decode_image(encode_png(shades), 1, "a");
  CHECK(read.width == 2);
  CHECK(read.height == 2);
  CHECK(read.pixels == shades.pixels);
  CHECK(decode_image(encode_png(shades), 3, "a").pixels ==
        std::vector<uint8_t>{0, 0, 0, 1, 1, 1, 128, 128, 128, 255, 255, 255});
}

TEST_CASE("transparent pixels are blended over white") {
  const Image colour{
      .width = 3, .height = 1, .channels = 4, .pixels = {9, 8, 7, 255, 9, 8, 7, 0, 0, 0, 0, 51}};
  CHECK(decode_image(encode_png(colour), 3, "a").pixels ==
        std::vector<uint8_t>{9, 8, 7, 255, 255, 255, 204, 204, 204});
  const Image shades{.width = 1, .height = 1, .channels = 2, .pixels = {100, 0}};
  CHECK(decode_image(encode_png(shades), 1, "a").pixels == std::vector<uint8_t>{255});
}

TEST_CASE("PNGs of every depth and kind of colour are decoded") {
  // A row of two pixels: a filter byte, then the pixels.
  const auto chunk = [](const std::string& type, const std::string& bytes) {
    return with_chunk(std::string(33, ' '), type, bytes).substr(33);
  };
  const auto png = [&](int depth, int colour, const std::string& row, const std::string& chunks) {
    uLongf size = compressBound(row.size());
    std::string packed(size, '\0');
    compress(reinterpret_cast<Bytef*>(packed.data()), &size,
             reinterpret_cast<const Bytef*>(row.data()), row.size());
    packed.resize(size);
    std::string header("\0\0\0\2\0\0\0\1..\0\0\0", 13);
    header[8] = static_cast<char>(depth);
    header[9] = static_cast<char>(colour);
    return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunks + chunk("IDAT", packed) +
           chunk("IEND", "");
  };
  const auto pixels = [&](int depth, int colour, const std::string& row,
                          const std::string& chunks = "") {
    return decode_image(png(depth, colour, row, chunks), 3, "a").pixels;
  };
  using Bytes = std::vector<uint8_t>;
  const std::string palette = chunk("PLTE", "\1\2\3\4\5\6");
  CHECK(pixels(1, 0, std::string("\0\x40", 2)) == Bytes{0, 0, 0, 255, 255, 255});
  CHECK(pixels(4, 0, std::string("\0\x3f", 2)) == Bytes{51, 51, 51, 255, 255, 255});
  CHECK(pixels(16, 0, std::string("\0\7\xff\x80\0", 5)) == Bytes{7, 7, 7, 128, 128, 128});
  CHECK(pixels(16, 2, std::string("\0\1\0\2\0\3\0\4\0\5\0\6\0", 13)) == Bytes{1, 2, 3, 4, 5, 6});
  CHECK(pixels(8, 3, std::string("\0\1\0", 3), palette) == Bytes{4, 5, 6, 1, 2, 3});
  CHECK(pixels(1, 3, std::string("\0\x80", 2), palette) == Bytes{4, 5, 6, 1, 2, 3});
  // transparent pixels: of a palette, of one grey value, of an alpha channel
  CHECK(pixels(8, 3, std::string("\0\1\0", 3), palette + chunk("tRNS", std::string("\xff\0", 2))) ==
        Bytes{255, 255, 255, 1, 2, 3});
  CHECK(pixels(8, 0, std::string("\0\x09\x0a", 3), chunk("tRNS", std::string("\0\x09", 2))) ==
        Bytes{255, 255, 255, 10, 10, 10});
  CHECK(pixels(16, 4, std::string("\0\x09\0\0\0\x0a\0\xff\xff", 9)) ==
        Bytes{255, 255, 255, 10, 10, 10});
}

TEST_CASE("a PNG of an iPhone's app, whose red and blue are swapped, is an error") {
  const std::string png = encode_png(filled(2, 2, {1, 2, 3}));
  CHECK(message_for(with_chunk(png, "CgBI", "\x50 \x20\2")) ==
        "a: a PNG image with an unknown chunk\n  chunk \"CgBI\"");
}

TEST_CASE("a JPEG decodes to nearly the original pixels") {
  const Image image = decode_image(jpeg(filled(9, 5, {200, 100, 50})), 3, "a");
  CHECK(image.width == 9);
  CHECK(image.height == 5);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    const int expected[] = {200, 100, 50};
    CHECK(std::abs(image.pixels[i] - expected[i % 3]) <= 4);  // quantisation at quality 90
  }
}

TEST_CASE("other formats, oversized images and damaged files are errors") {
  CHECK(message_for("") == "a: not a PNG or JPEG image\n  it looks like an empty file");
  CHECK(message_for("<html>") == "a: not a PNG or JPEG image\n  it looks like an HTML or XML page");
  CHECK(message_for("GIF89a") == "a: not a PNG or JPEG image\n  it looks like a GIF image");
  CHECK(message_for("BM\x36\x01    ") == "a: not a PNG or JPEG image\n  it looks like a BMP image");
  CHECK(message_for("RIFF1234WEBPVP8 ") ==
        "a: not a PNG or JPEG image\n  it looks like a WebP image");
  CHECK(message_for(std::string("\0\1\2", 3)) ==
        "a: not a PNG or JPEG image\n  it looks like an unknown format");
  const std::string png = encode_png(filled(8, 8, {1, 2, 3}));
  CHECK(message_for(png) == "");
  for (size_t size = 8; size < png.size(); ++size) {
    CHECK(message_for(png.substr(0, size)) == "a: truncated: a PNG image without its end");
  }
  std::string damaged = png;
  damaged[45] ^= 1;
  CHECK(message_for(damaged) == "a: damaged: a PNG image with a wrong checksum\n  chunk \"IDAT\"");
  damaged = png;
  damaged[37] = 'X';
  put_checksum(damaged, 33, static_cast<uint32_t>(png.size() - 33 - 12 - 12));
  CHECK(message_for(damaged) == "a: a PNG image with an unknown chunk\n  chunk \"XDAT\"");
  damaged = png;
  damaged[24] = 99;  // bits per channel
  put_checksum(damaged, 8, 13);
  CHECK(message_for(damaged) ==
        "a: damaged: a PNG image that cannot be decoded\n  stb_image: 1/2/4/8/16-bit only");
  CHECK(message_for(with_size(png, 8193, 1)) ==
        "a: too large\n  expected at most 8192 x 8192 pixels");
  CHECK(message_for(with_size(png, 1, 0x7fffffff)) ==
        "a: too large\n  expected at most 8192 x 8192 pixels");
  CHECK(message_for(with_size(png, 0, 8)) ==
        "a: damaged: a PNG image that cannot be decoded\n  stb_image: 0-pixel image");
  const std::string photo = jpeg(filled(64, 64, {1, 2, 3}));
  CHECK(message_for(photo) == "");
  CHECK(message_for(photo.substr(0, photo.size() - 2)) ==
        "a: truncated: a JPEG image without its end");
  CHECK(message_for(std::string((64 << 20) + 1, ' ')) ==
        "a: too large\n  found 67108865 bytes, at most 67108864 expected");
  CHECK(message_of([&] { decode_image(png, 2, "a"); }) ==
        "decode_image: channels must be 1 or 3\n  found 2");
}

TEST_CASE("a JPEG is checked for what stb does not check") {
  const auto message = [](const std::string& segments) {
    return message_of([&] { check_jpeg("\xff\xd8" + segments, "a"); });
  };
  const auto tables = [](const std::string& bytes) {
    const auto length = static_cast<uint32_t>(bytes.size() + 2);
    std::string segment = "\xff\xc4__" + bytes + "\xff\xd9";
    segment[2] = static_cast<char>(length >> 8);
    segment[3] = static_cast<char>(length & 255);
    return segment;
  };
  // a table of `codes` codes, at most 510
  const auto table = [](size_t codes) {
    std::string bytes(17 + codes, '\0');
    bytes[1] = static_cast<char>(std::min<size_t>(codes, 255));
    bytes[2] = static_cast<char>(codes - std::min<size_t>(codes, 255));
    return bytes;
  };
  const std::string impossible = "a: damaged: a JPEG image with an impossible Huffman table";
  CHECK(message(tables(table(256))) == "");
  CHECK(message(tables(table(0) + table(12))) == "");
  CHECK(message(tables(table(257))) == impossible);
  CHECK(message(tables(table(3) + table(300))) == impossible);
  CHECK(message(tables(table(12).substr(0, 28))) == impossible);
  CHECK(message(tables("short")) == impossible);
  const std::string truncated = "a: truncated: a JPEG image without its end";
  CHECK(message("\xff\xd9") == "");
  CHECK(message("data\xff\xd0"
                "data\xff\xff\xd9") == "");
  CHECK(message(std::string("data\xff\0data\xff\xd9", 12)) == "");
  CHECK(message("") == truncated);
  CHECK(message("\xff") == truncated);
  CHECK(message("\xff\xe0") == truncated);
  CHECK(message(std::string("\xff\xe0\0\1\xff\xd9", 6)) == truncated);
  CHECK(message(std::string("\xff\xe0\0\6\xff\xd9..", 8)) == truncated);  // the end of a thumbnail
}

TEST_CASE("decoding a file with a changed byte gives an image or an Error") {
  Image image = filled(12, 10, {0, 0, 0});
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(i * 37);
  for (const std::string& good : {encode_png(image), jpeg(image)}) {
    for (size_t size = 0; size < good.size(); ++size) message_for(good.substr(0, size));
    for (size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(~bad[i]);
      const std::string message = message_for(bad);
      CHECK((message.empty() || message.starts_with("a: ")));
    }
  }
}

TEST_CASE("shrinking averages the area that each pixel covers") {
  const Image four = grey(4, 4, {0, 4, 10, 10, 8, 12, 10, 10, 1, 1, 100, 0, 1, 1, 0, 100});
  CHECK(square_image(four, 2).pixels == std::vector<uint8_t>{6, 10, 1, 50});
  CHECK(square_image(four, 4).pixels == four.pixels);
  // 3 to 2: shares 1 and 1/2 of 3/2 pixels
  CHECK(square_image(grey(3, 3, {0, 90, 180, 0, 90, 180, 0, 90, 180}), 2).pixels ==
        std::vector<uint8_t>{30, 150, 30, 150});
}

TEST_CASE("enlarging interpolates between pixel centres") {
  CHECK(square_image(grey(2, 2, {0, 80, 0, 80}), 4).pixels ==
        std::vector<uint8_t>{0, 20, 60, 80, 0, 20, 60, 80, 0, 20, 60, 80, 0, 20, 60, 80});
  CHECK(square_image(grey(1, 1, {7}), 3).pixels == std::vector<uint8_t>(9, 7));
}

TEST_CASE("a uniform image stays uniform, and a long image is cropped to its centre") {
  for (const int64_t size : {1, 2, 3, 7, 16, 28, 64, 101}) {
    CAPTURE(size);
    CHECK(square_image(filled(37, 53, {255, 128, 1}), size).pixels ==
          filled(size, size, {255, 128, 1}).pixels);
  }
  CHECK(square_image(grey(4, 2, {1, 2, 3, 4, 5, 6, 7, 8}), 2).pixels ==
        std::vector<uint8_t>{2, 3, 6, 7});
  CHECK(square_image(grey(1, 3, {1, 2, 3}), 1).pixels == std::vector<uint8_t>{2});
  CHECK(message_of([] { square_image(grey(1, 1, {0}), 0); }) ==
        "square_image: size must be 1 to 16384\n  found 0");
}

TEST_CASE("a grid arranges images in rows and columns") {
  const Tensor images = Tensor::from({3, 1, 1, 2}, {-1, 0, 1, 0.5, -2, 2});
  const Image grid = make_grid(images, 2, 1, 1);
  CHECK(grid.width == 7);
  CHECK(grid.height == 5);
  CHECK(grid.pixels == std::vector<uint8_t>{0, 0, 0,   0, 0,   0,   0,  //
                                            0, 0, 128, 0, 255, 191, 0,  //
                                            0, 0, 0,   0, 0,   0,   0,  //
                                            0, 0, 255, 0, 0,   0,   0,  //
                                            0, 0, 0,   0, 0,   0,   0});
  const Image large = make_grid(images, 2, 1, 3);
  CHECK(large.width == 21);
  CHECK(large.height == 15);
  for (int64_t y = 0; y < 15; ++y) {
    for (int64_t x = 0; x < 21; ++x) {
      CHECK(large.pixels[static_cast<size_t>(y * 21 + x)] ==
            grid.pixels[static_cast<size_t>(y / 3 * 7 + x / 3)]);
    }
  }
  const Image read = decode_image(encode_png(grid), 1, "a");
  CHECK(read.pixels == grid.pixels);
  CHECK(is_grid_png(encode_png(grid)));
  CHECK_FALSE(is_grid_png(encode_png(read)));
  CHECK_FALSE(is_grid_png(""));
  const Image colour = make_grid(Tensor::from({1, 3, 1, 2}, {-1, 1, 0, 0, 1, -1}), 9, 0, 1);
  CHECK(colour.width == 2);
  CHECK(colour.pixels == std::vector<uint8_t>{0, 128, 255, 255, 128, 0});
}

TEST_CASE("grids report invalid arguments") {
  const Tensor images = Tensor::zeros({2, 1, 4, 4});
  CHECK(message_of([] {
          make_grid(Tensor::zeros({2, 2, 4, 4}), 1);
        }) == "make_grid: images of 1 or 3 channels expected\n  images [2, 2, 4, 4]  (N, C, H, W)");
  CHECK(message_of([] {
          make_grid(Tensor::zeros({4, 4}), 1);
        }) == "make_grid: images of 1 or 3 channels expected\n  images [4, 4]  (N, C, H, W)");
  CHECK(message_of([&] { make_grid(images, 0); }) ==
        "make_grid: columns and upscale must be positive, padding not negative, the last two at "
        "most 16384\n  columns 0, padding 2, upscale 1");
  CHECK(message_of([&] { make_grid(images, 1, INT64_MAX); }) ==
        "make_grid: columns and upscale must be positive, padding not negative, the last two at "
        "most 16384\n  columns 1, padding 9223372036854775807, upscale 1");
  CHECK(message_of([&] { make_grid(images, 1, 0, INT64_MAX); }) ==
        "make_grid: columns and upscale must be positive, padding not negative, the last two at "
        "most 16384\n  columns 1, padding 0, upscale 9223372036854775807");
  CHECK(message_of([&] { make_grid(images, 1, 0, 4096); }) ==
        "make_grid: the picture would be too large\n"
        "  found 16384 x 32768 pixels, at most 16384 a side expected");
}

TEST_CASE("an image whose size and pixel count disagree is an error") {
  const TempFolder folder;
  Image image = filled(4, 2, {1, 2, 3});
  const auto message = [&](const std::string& op) {
    return op + ": the picture's size and its pixels do not fit together\n  width " +
           std::to_string(image.width) + ", height " + std::to_string(image.height) +
           ", channels " + std::to_string(image.channels) +
           ", 24 bytes\n  expected sides of 1 to 16384, 1 to 4 channels, and a byte for each";
  };
  const auto refused = [&] {
    CHECK(message_of([&] { square_image(image, 2); }) == message("square_image"));
    CHECK(message_of([&] { encode_png(image); }) == message("encode_png"));
    CHECK(message_of([&] { write_png(folder / "a", image); }) == message("encode_png"));
  };
  image.height = 3;
  refused();
  image.height = 0;
  refused();
  image.height = INT64_MAX / 2;  // the product overflows
  refused();
  image = filled(4, 2, {1, 2, 3});
  image.channels = -3;
  refused();
  image = filled(4, 2, {1, 2, 3});
  CHECK(message_of([&] { square_image(image, INT64_MAX); }) ==
        "square_image: size must be 1 to 16384\n  found 9223372036854775807");
}

}  // namespace forger::nn
