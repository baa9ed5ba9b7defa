// Tests images: decoding, scaling, grids, and folders with files that are not images.
#include "nn/data/image.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "message.h"
#include "nn/data/image_check.h"
#include "nn/data/image_folder.h"
#include "nn/file.h"
#include "temp_folder.h"
#include "unprivileged.h"

// The project writes no JPEG files. The tests do, with stb's writer.
extern "C" int stbi_write_jpg_to_func(void (*write)(void*, void*, int), void* context, int width,
                                      int height, int channels, const void* pixels, int quality);

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

Image filled(int64_t width, int64_t height, const std::vector<uint8_t>& colour) {
  Image image{.width = width,
              .height = height,
              .channels = static_cast<int64_t>(colour.size()),
              .pixels = {}};
  for (int64_t i = 0; i < width * height; ++i) {
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  }
  return image;
}

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

TEST_CASE("subfolders of an image folder become classes") {
  const TempFolder folder;
  make_folder(folder / "cats/old");
  make_folder(folder / "dogs");
  make_folder(folder / "empty");
  write_png(folder / "dogs/1.png", filled(8, 8, {30, 30, 30}));
  write_png(folder / "cats/old/2.png", filled(6, 8, {20, 20, 20}));
  write_png(folder / "cats/1", filled(8, 5, {10}));
  write_file(folder / "dogs/3.jpg", encode_png(filled(4, 4, {40})));
  const ImageFolder read = read_image_folder(folder.path(), 4, 1);
  CHECK(read.skipped.empty());
  CHECK(read.images.count == 4);
  CHECK(read.images.class_names == std::vector<std::string>{"cats", "dogs"});
  CHECK(read.images.labels == std::vector<int>{0, 0, 1, 1});
  for (size_t i = 0; i < 4; ++i) CHECK(read.images.pixels[16 * i] == 10 * (i + 1));
  write_png(folder / "0.png", filled(4, 4, {50}));
  const ImageFolder mixed = read_image_folder(folder.path(), 4, 1);
  CHECK(mixed.images.class_names == std::vector<std::string>{".", "cats", "dogs"});
  CHECK(mixed.images.labels == std::vector<int>{0, 1, 1, 2, 2});
}

TEST_CASE("an image folder without subfolders has no labels, and its pixels are planar") {
  const TempFolder folder;
  write_png(folder / "b.png", filled(4, 4, {1, 2, 3}));
  write_png(folder / "a.png", filled(4, 4, {4, 5, 6}));
  const ImageSet images = read_image_folder(folder.path(), 2, 3).images;
  CHECK(images.labels.empty());
  CHECK(images.pixels == std::vector<uint8_t>{4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6,
                                              1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3});
}

TEST_CASE("files that are not images are skipped and named, and no special file blocks") {
  const TempFolder folder;
  make_folder(folder / "sub");
  write_png(folder / "good.png", filled(4, 4, {9}));
  write_file(folder / "empty.png", "");
  write_file(folder / "half.png", encode_png(filled(4, 4, {9})).substr(0, 40));
  write_file(folder / "notes.txt", "notes");
  write_file(folder / "page.jpg", "<html>");
  write_file(folder / "vast.png", "x");
  fs::resize_file(folder / "vast.png", (64 << 20) + 1);  // sparse
  CHECK(::mkfifo((folder / "pipe.png").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", folder / "device.png");
  fs::create_symlink("nowhere", folder / "broken.png");
  fs::create_symlink("itself.png", folder / "itself.png");
  fs::create_directory_symlink("..", folder / "sub/up");
  fs::create_symlink("../good.png", folder / "sub/link.png");
  const ImageFolder read = read_image_folder(folder.path(), 4, 1);
  CHECK(read.images.count == 2);
  CHECK(read.images.labels == std::vector<int>{0, 1});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"broken.png", "cannot be read; open: No such file or directory"},
      {"device.png", "not a regular file; it is a device"},
      {"empty.png", "not a PNG or JPEG image; it looks like an empty file"},
      {"half.png", "truncated: a PNG image without its end"},
      {"itself.png", "cannot be read; open: Too many levels of symbolic links"},
      {"notes.txt", "not a PNG or JPEG image; it looks like text"},
      {"page.jpg", "not a PNG or JPEG image; it looks like an HTML or XML page"},
      {"pipe.png", "not a regular file; it is a named pipe"},
      {"sub/up", "a link to a folder that is read already"},
      {"vast.png", "too large; found 67108865 bytes, at most 67108864 expected"}};
  REQUIRE(read.skipped.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(read.skipped[i].path.string() == expected[i].first);
    CHECK(read.skipped[i].reason == expected[i].second);
  }
}

TEST_CASE("every unreadable file and folder is named with the reason") {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms(0755));
  write_png(folder / "good.png", filled(4, 4, {9}));
  write_png(folder / "locked.png", filled(4, 4, {9}));
  for (const char* name : {"closed1", "closed2", "listed"}) {
    make_folder(folder / name);
    write_png(folder / name / "a.png", filled(4, 4, {9}));
  }
  fs::permissions(folder / "locked.png", fs::perms::none);
  fs::permissions(folder / "closed1", fs::perms::none);
  fs::permissions(folder / "closed2", fs::perms::none);
  fs::permissions(folder / "listed", fs::perms(0444));  // names can be listed, files not opened
  ImageFolder read;
  std::string closed;
  {
    const Unprivileged unprivileged;
    read = read_image_folder(folder.path(), 4, 1);
    closed = message_of([&] { read_image_folder(folder / "closed1", 4, 1); });
  }
  for (const char* name : {"closed1", "closed2", "listed"}) {
    fs::permissions(folder / name, fs::perms::owner_all);
  }
  CHECK(read.images.count == 1);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"closed1", "cannot be read: Permission denied"},
      {"closed2", "cannot be read: Permission denied"},
      {"listed/a.png", "cannot be read; open: Permission denied"},
      {"locked.png", "cannot be read; open: Permission denied"}};
  REQUIRE(read.skipped.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(read.skipped[i].path.string() == expected[i].first);
    CHECK(read.skipped[i].reason == expected[i].second);
  }
  CHECK(without_folder(closed, folder) == "DIR/closed1: cannot be read\n  Permission denied");
}

TEST_CASE("image folders with paths longer than PATH_MAX are read through links") {
  const TempFolder folder;
  // Each name is 200 bytes long. The system takes paths of up to 4095 bytes.
  const auto deep = [](fs::path path, int levels) {
    for (int i = 0; i < levels; ++i) path /= std::string(199, 'd');
    return path;
  };
  make_folder(deep(folder.path(), 10));
  fs::create_directory_symlink(deep(folder.path(), 10), folder / "half");
  make_folder(deep(folder / "half", 11));
  for (const int levels : {10, 11}) {  // within the limit without the last name, and beyond
    CAPTURE(levels);
    const fs::path link = folder / ("link" + std::to_string(levels));
    fs::create_directory_symlink(deep(folder / "half", levels), link);
    for (const std::string name : {"a", "b"}) {
      const std::string longer = name + std::string(150, '_');
      make_folder(link / longer);
      write_png(link / longer / "1.png", filled(4, 4, {9}));
    }
    const ImageFolder read = read_image_folder(link, 4, 1);
    CHECK(read.images.count == 2);
    for (const SkippedFile& skipped : read.skipped) FAIL_CHECK(skipped.reason);
  }
}

TEST_CASE("a folder without images is an error") {
  const TempFolder folder;
  const auto message = [&](const fs::path& path, int64_t size, int64_t channels) {
    return without_folder(message_of([&] { read_image_folder(path, size, channels); }), folder);
  };
  CHECK(message(folder.path(), 4, 1) ==
        "DIR: no PNG or JPEG image in this folder\n  found 0 other files or folders");
  write_file(folder / "a.txt", "text");
  CHECK(message(folder.path(), 4, 1) ==
        "DIR: no PNG or JPEG image in this folder\n  found 1 other files or folders\n"
        "  a.txt: not a PNG or JPEG image; it looks like text");
  CHECK(message(folder / "a.txt", 4, 1) ==
        "DIR/a.txt: not a folder\n  it is a file that looks like text");
  write_file(folder / "a.zip", std::string("PK\x03\x04\x14\0", 6));
  CHECK(message(folder / "a.zip", 4, 1) ==
        "DIR/a.zip: not a folder\n  it is a file that looks like a zip archive");
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(message(folder / "pipe", 4, 1) == "DIR/pipe: not a regular file\n  it is a named pipe");
  fs::create_symlink("nowhere", folder / "broken");
  CHECK(message(folder / "broken", 4, 1) == "DIR/broken: a link that leads nowhere");
  fs::create_symlink("itself", folder / "itself");
  CHECK(message(folder / "itself", 4, 1) ==
        "DIR/itself: cannot be read\n  Too many levels of symbolic links");
  CHECK(message(folder / "no", 4, 1) == "DIR/no: no such folder");
  CHECK(message(folder.path(), 0, 1) ==
        "read_image_folder: size must be 1 to 1024, channels 1 or 3\n  size 0, channels 1");
  CHECK(message(folder.path(), 4, 4) ==
        "read_image_folder: size must be 1 to 1024, channels 1 or 3\n  size 4, channels 4");
}

}  // namespace forger::nn
