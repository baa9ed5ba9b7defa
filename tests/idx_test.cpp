// Tests IDX files: what is read, and the exact message for each kind of invalid file.
#include "nn/data/idx.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include "message.h"
#include "nn/file.h"
#include "temp_folder.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

std::string word(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

/// A header of unsigned bytes with these extents.
std::string header(const std::vector<uint32_t>& extents) {
  std::string bytes("\0\0\x08", 3);
  bytes += static_cast<char>(extents.size());
  for (const uint32_t extent : extents) bytes += word(extent);
  return bytes;
}

/// Two images of 2 x 3 pixels, 0 to 11.
std::string small_images() {
  std::string bytes = header({2, 2, 3});
  for (char pixel = 0; pixel < 12; ++pixel) bytes += pixel;
  return bytes;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

/// What read_idx() says about these bytes as a file DIR/a of images.
std::string message_for(const std::string& bytes) {
  const TempFolder folder;
  write_file(folder / "a", bytes);
  return without_folder(message_of([&] { read_idx(folder / "a"); }), folder);
}

/// What read_idx() says about these labels for two good images.
std::string message_for_labels(const std::string& bytes) {
  const TempFolder folder;
  write_file(folder / "a", small_images());
  write_file(folder / "b", bytes);
  return without_folder(message_of([&] { read_idx(folder / "a", folder / "b"); }), folder);
}

}  // namespace

TEST_CASE("read_idx reads images and labels, plain and compressed, under any name") {
  const TempFolder folder;
  const std::string labels = header({2}) + "\x07\x02";
  for (const bool compressed : {false, true}) {
    write_file(folder / "a", compressed ? gzip(small_images()) : small_images());
    write_file(folder / "b.gz", compressed ? gzip(labels) : labels);
    const ImageSet images = read_idx(folder / "a", folder / "b.gz");
    CHECK(images.count == 2);
    CHECK(images.channels == 1);
    CHECK(images.height == 2);
    CHECK(images.width == 3);
    CHECK(images.pixels == std::vector<uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    CHECK(images.labels == std::vector<int>{7, 2});
    CHECK(images.class_names.size() == 8);
    CHECK(images.class_names[7] == "7");
    CHECK(images.source == (folder / "a").string());
    CHECK(read_idx(folder / "a").labels.empty());
  }
}

TEST_CASE("IDX files that are written are read back unchanged") {
  const TempFolder folder;
  for (const int64_t channels : {1, 3}) {
    ImageSet images{.count = 2,
                    .channels = channels,
                    .height = 2,
                    .width = 3,
                    .pixels = {},
                    .labels = {0, 255},
                    .class_names = {},
                    .source = "test"};
    for (int64_t i = 0; i < 12 * channels; ++i)
      images.pixels.push_back(static_cast<uint8_t>(7 * i));
    write_idx_images(folder / "a", images);
    write_idx_labels(folder / "b", images.labels);
    const ImageSet read = read_idx(folder / "a", folder / "b");
    CHECK(read.channels == channels);
    CHECK(read.pixels == images.pixels);
    CHECK(read.labels == images.labels);
  }
  ImageSet images = read_idx(folder / "a");
  images.count = 3;
  CHECK(message_of([&] { write_idx_images(folder / "a", images); }).find("not as many pixels") !=
        std::string::npos);
  CHECK(without_folder(message_of([&] {
                         write_idx_labels(folder / "b", {1, 256});
                       }),
                       folder) == "DIR/b: a label does not fit a byte\n  found 256");
  CHECK(without_folder(message_of([&] { write_idx_labels(folder / "b", {-1}); }), folder) ==
        "DIR/b: a label does not fit a byte\n  found -1");
  CHECK(without_folder(message_of([&] { write_idx_labels(folder / "b", {}); }), folder) ==
        "DIR/b: there are no images or labels to write");
  images.pixels.assign((size_t{1} << 30) + 1, 0);
  images.count = (int64_t{1} << 30) + 1;
  images.channels = images.height = images.width = 1;
  CHECK(without_folder(message_of([&] { write_idx_images(folder / "a", images); }), folder) ==
        "DIR/a: more than an IDX file should hold\n"
        "  found 1073741825 bytes, at most 1073741824 expected");
}

TEST_CASE("read_idx_folder finds the files of a folder") {
  const TempFolder folder;
  const auto message = [&](const fs::path& path, IdxPart part) {
    return without_folder(message_of([&] { read_idx_folder(path, part); }), folder);
  };
  write_file(folder / "train-images-idx3-ubyte.gz", gzip(small_images()));
  CHECK(!find_idx(folder.path()));
  CHECK(message(folder.path(), IdxPart::kTrain) ==
        "DIR: the IDX file of the labels is missing\n"
        "  found    train-images-idx3-ubyte.gz\n"
        "  expected train-labels-idx1-ubyte beside it, plain or with .gz");
  write_file(folder / "train-labels-idx1-ubyte", header({2}) + "\x01\x02");
  CHECK(find_idx(folder.path())->images == folder / "train-images-idx3-ubyte.gz");
  CHECK(read_idx_folder(folder.path()).labels == std::vector<int>{1, 2});
  CHECK(message(folder.path(), IdxPart::kTest) ==
        "DIR: no IDX files of the expected names\n"
        "  found    train-images-idx3-ubyte.gz, train-labels-idx1-ubyte\n"
        "  expected t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,\n"
        "  each plain or with .gz");
  write_file(folder / "t10k-images-idx3-ubyte", small_images());
  write_file(folder / "t10k-labels-idx1-ubyte.gz", gzip(header({2}) + "\x03\x04"));
  CHECK(read_idx_folder(folder.path(), IdxPart::kTest).labels == std::vector<int>{3, 4});
  CHECK(message(folder / "no", IdxPart::kTrain) == "DIR/no: no such folder");
  CHECK(message(folder / "train-labels-idx1-ubyte", IdxPart::kTrain) ==
        "DIR/train-labels-idx1-ubyte: not a folder\n"
        "  it is a file that looks like an IDX file of labels");
  // a broken or circular link is an error
  const TempFolder links;
  write_file(links / "train-labels-idx1-ubyte", header({2}) + "\x01\x02");
  fs::create_symlink("nowhere", links / "train-images-idx3-ubyte");
  CHECK(without_folder(message_of([&] { read_idx_folder(links.path()); }), links) ==
        "DIR/train-images-idx3-ubyte: cannot be read\n  open: No such file or directory");
  fs::remove(links / "train-images-idx3-ubyte");
  fs::create_symlink("train-images-idx3-ubyte", links / "train-images-idx3-ubyte");
  CHECK(without_folder(message_of([&] { read_idx_folder(links.path()); }), links) ==
        "DIR/train-images-idx3-ubyte: cannot be read\n  open: Too many levels of symbolic links");
}

TEST_CASE("read_idx_folder takes names with a dot, and names what is similar or elsewhere") {
  const std::string labels = header({2}) + "\x01\x02";
  const auto message = [&](const TempFolder& folder, const std::string& name) {
    return without_folder(message_of([&] { read_idx_folder(folder / name); }), folder);
  };
  const std::string expected =
      "\n  expected train-images-idx3-ubyte and train-labels-idx1-ubyte,\n"
      "  each plain or with .gz";
  {  // as Kaggle's archive is unpacked: also a folder with the name of the file
    const TempFolder folder;
    make_folder(folder / "train-images-idx3-ubyte");
    CHECK(message(folder, "") ==
          "DIR/: no IDX files of the expected names\n  found    train-images-idx3-ubyte/" +
              expected);
    write_file(folder / "train-images.idx3-ubyte", small_images());
    CHECK(message(folder, "") ==
          "DIR/: the IDX file of the labels is missing\n  found    train-images.idx3-ubyte\n"
          "  expected train-labels-idx1-ubyte beside it, plain or with .gz");
    write_file(folder / "train-labels.idx1-ubyte.gz", gzip(labels));
    CHECK(read_idx_folder(folder.path()).labels == std::vector<int>{1, 2});
    // the usual name comes first, and the plain file before the compressed one
    write_file(folder / "train-labels-idx1-ubyte.gz", gzip(header({2}) + "\x05\x06"));
    CHECK(read_idx_folder(folder.path()).labels == std::vector<int>{5, 6});
    write_file(folder / "train-labels.idx1-ubyte", header({2}) + "\x07\x08");
    CHECK(read_idx_folder(folder.path()).labels == std::vector<int>{7, 8});
    fs::remove(folder / "train-images.idx3-ubyte");
    CHECK(message(folder, "") ==
          "DIR/: the IDX file of the images is missing\n  found    train-labels.idx1-ubyte\n"
          "  expected train-images-idx3-ubyte beside it, plain or with .gz");
  }
  {  // one level too high and one too low, as torchvision unpacks
    const TempFolder folder;
    make_folder(folder / "raw/inner");
    write_file(folder / "raw/train-images-idx3-ubyte", small_images());
    write_file(folder / "raw/train-labels-idx1-ubyte", labels);
    write_file(folder / "readme.txt", "text");
    CHECK(message(folder, "raw") == "");
    CHECK(message(folder, "") == "DIR/: no IDX files in this folder\n  found    raw/, readme.txt" +
                                     expected + "\n  both are in DIR/raw/");
    for (const std::string name : {"raw/inner", "raw/inner/"}) {
      CHECK(message(folder, name) == "DIR/" + name + ": no IDX files in this folder" + expected +
                                         "\n  both are in DIR/raw/");
    }
  }
  const TempFolder folder;
  for (const char* name : {"Train-Images-IDX3-ubyte", "train-labels-idx1-ubyte (1).gz",
                           "emnist-letters-train-images-idx3-ubyte", "t10k-images-idx3-ubyte",
                           "t10k-labels-idx1-ubyte", "notes.txt"}) {
    write_file(folder / name, "x");
  }
  CHECK(message(folder, "") ==
        "DIR/: no IDX files of the expected names\n"
        "  found    Train-Images-IDX3-ubyte, emnist-letters-train-images-idx3-ubyte, "
        "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte and 1 more" +
            expected);
}

TEST_CASE("Fashion-MNIST is read if it is installed") {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (!find_idx(folder, IdxPart::kTest)) return;
  const ImageSet images = read_idx_folder(folder, IdxPart::kTest);
  CHECK(images.count == 10000);
  CHECK(images.image_bytes() == 28 * 28);
  CHECK(images.class_names.size() == fashion_mnist_classes().size());
  CHECK(std::vector<int>(images.labels.begin(), images.labels.begin() + 4) ==
        std::vector<int>{9, 2, 1, 1});
  CHECK(fashion_mnist_classes()[9] == "Ankle boot");
}

TEST_CASE("files of other formats are named by their first bytes") {
  const auto wrong = [](const std::string& found) {
    return "DIR/a: not an IDX file\n  found    " + found +
           "\n  expected 00 00 08, the number of axes, and the extents";
  };
  CHECK(message_for("<!DOCTYPE html>\n<html>not found</html>") ==
        wrong("an HTML or XML page, beginning \"<!DOCTYPE html>\""));
  CHECK(message_for("\n <?xml version='1.0'?>") == wrong("an HTML or XML page, beginning \"\""));
  CHECK(message_for(gzip("<html>moved</html>")) ==
        wrong("an HTML or XML page inside gzip, beginning \"<html>moved</htm\""));
  CHECK(message_for("version https://git-lfs.github.com/spec/v1\n") ==
        wrong("a Git LFS pointer: `git lfs pull` gets the file, beginning \"version https://\""));
  CHECK(message_for("\x89PNG\r\n\x1a\nabcdef") ==
        wrong("a PNG image, beginning 89 50 4e 47 0d 0a 1a 0a"));
  CHECK(message_for("PK\x03\x04zip") == wrong("a zip archive, beginning 50 4b 03 04 7a 69 70"));
  CHECK(message_for("\xfd"
                    "7zXZ" +
                    std::string(4, '\0')) == wrong("xz data, beginning fd 37 7a 58 5a 00 00 00"));
  CHECK(message_for("BZh91AY&SY\xb1") == wrong("bzip2 data, beginning 42 5a 68 39 31 41 59 26"));
  CHECK(message_for("\x03\x08" + word(0)) ==
        wrong("an unknown format, beginning 03 08 00 00 00 00"));
  std::string tar(512, 'x');
  tar.replace(257, 5, "ustar");
  CHECK(message_for(tar) == wrong("a tar archive, beginning \"xxxxxxxxxxxxxxxx\""));
  CHECK(message_for(gzip(tar)) ==
        wrong("a tar archive inside gzip, beginning \"xxxxxxxxxxxxxxxx\""));
  CHECK(message_for(gzip(gzip(small_images()))) == "DIR/a: compressed twice: gzip inside gzip");
  CHECK(message_for("") == "DIR/a: the file is empty");
  CHECK(message_for(gzip("")) == wrong("an empty file inside gzip, beginning \"\""));
  CHECK(message_for("x") == wrong("text, beginning \"x\""));
}

TEST_CASE("IDX headers of another type or number of axes are errors") {
  std::string floats = small_images();
  floats[2] = 0x0d;
  CHECK(message_for(floats) ==
        "DIR/a: elements of another type\n  found    0x0d (float)\n"
        "  expected 0x08 (unsigned byte)");
  floats[2] = 0x42;
  CHECK(message_for(floats) ==
        "DIR/a: not an IDX file\n  found    an unknown format, beginning 00 00 42 03 00 00 00 02\n"
        "  expected 00 00 08, the number of axes, and the extents");
  CHECK(message_for(std::string("\0\0\0\x1c", 4) + "ftypavif" + std::string(20, '\0')) ==
        "DIR/a: not an IDX file\n  found    an AVIF image, beginning 00 00 00 1c 66 74 79 70\n"
        "  expected 00 00 08, the number of axes, and the extents");
  CHECK(message_for(header({2}) + "ab") ==
        "DIR/a: not an IDX file of images\n  found    1 axis\n"
        "  expected 3 axes (count, height, width) or 4 (count, channels, height, width)");
  CHECK(message_for(std::string("\0\0\x08\0", 4)).find("found    0 axes") != std::string::npos);
  CHECK(message_for(std::string("\0\0\x08\xff", 4)).find("found    255 axes") != std::string::npos);
  CHECK(message_for_labels(small_images()) ==
        "DIR/b: not an IDX file of labels\n  found    3 axes\n  expected 1 axis (count)");
  CHECK(message_for(header({0, 28, 28})) ==
        "DIR/a: there are no images or labels\n  the header declares 0 x 28 x 28");
  CHECK(message_for(header({1, 0, 28})) ==
        "DIR/a: there are no images or labels\n  the header declares 1 x 0 x 28");
  CHECK(message_for_labels(header({0})) ==
        "DIR/b: there are no images or labels\n  the header declares 0");
}

TEST_CASE("a size larger than the file is rejected before memory is allocated") {
  const uint32_t most = 0xffffffff;
  CHECK(message_for(header({most, most, most})) ==
        "DIR/a: too large\n  the header declares 4294967295 x 4294967295 x 4294967295 bytes, "
        "at most 1073741824 expected");
  // products that are 0 in 64 or 32 bits
  CHECK(message_for(header({1u << 31, 1u << 31, 4})).find("too large") != std::string::npos);
  CHECK(message_for(header({1u << 31, 2, 1u << 31, 2})).find("too large") != std::string::npos);
  CHECK(message_for(header({1u << 16, 1u << 16, 1})).find("too large") != std::string::npos);
  // an extent of 0 after a product that overflows
  CHECK(message_for(header({1u << 31, 1u << 31, 0})).find("too large") != std::string::npos);
  CHECK(message_for(header({60000, 28, 28}) + "pixels") ==
        "DIR/a: shorter than its header declares\n"
        "  the header declares 60000 x 28 x 28 = 47040000 bytes\n"
        "  found 6 bytes behind the header");
  const std::string small = gzip(header({1u << 20, 28, 28}) + "pixels");
  CHECK(message_for(small) ==
        "DIR/a: shorter than its header declares\n"
        "  the header declares 1048576 x 28 x 28 = 822083584 bytes\n"
        "  the file has " +
            std::to_string(small.size()) + " bytes, which gzip cannot have made of them");
}

TEST_CASE("truncated, oversized and damaged IDX files are errors") {
  const std::string good = small_images(), good_gzip = gzip(good);
  CHECK(message_for(good) == "");
  CHECK(message_for(good_gzip) == "");
  CHECK(message_for(good.substr(0, 10)) == "DIR/a: truncated within the header");
  CHECK(message_for(good.substr(0, 27)) ==
        "DIR/a: shorter than its header declares\n  the header declares 2 x 2 x 3 = 12 bytes\n"
        "  found 11 bytes behind the header");
  CHECK(message_for(gzip(good.substr(0, 27))) ==
        "DIR/a: truncated\n  found 11 of 12 bytes (2 x 2 x 3)");
  CHECK(message_for(good + "x") == "DIR/a: there are more bytes than the header declares");
  CHECK(message_for(gzip(good + "x")) == "DIR/a: there are more bytes than the header declares");
  CHECK(message_for(good_gzip + "x") == "DIR/a: there are bytes behind the gzip data");
  CHECK(message_for(good_gzip.substr(0, good_gzip.size() - 1)) ==
        "DIR/a: truncated: the gzip data end before their checksum");
  CHECK(message_for(good_gzip.substr(0, 11)) ==
        "DIR/a: truncated: the gzip data end before the IDX header");
  std::string damaged = good_gzip;
  damaged[damaged.size() - 5] ^= 1;  // in the checksum
  CHECK(message_for(damaged) == "DIR/a: the gzip data are damaged\n  zlib: incorrect data check");
  damaged = good_gzip;
  damaged[2] = 7;
  CHECK(message_for(damaged) ==
        "DIR/a: the gzip data are damaged\n  zlib: unknown compression method");
  CHECK(message_for_labels(header({3}) + "abc") ==
        "DIR/b: the counts of labels and images differ\n  found    3 labels\n"
        "  expected 2, the images in DIR/a");
}

TEST_CASE("paths that are not regular files are errors") {
  const TempFolder folder;
  const auto message = [&](const fs::path& path) {
    return without_folder(message_of([&] { read_idx(path); }), folder);
  };
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(message(folder / "a") == "DIR/a: cannot be read\n  open: No such file or directory");
  CHECK(message(folder.path()) == "DIR: not a regular file\n  it is a folder");
  CHECK(message(folder / "pipe") == "DIR/pipe: not a regular file\n  it is a named pipe");
}

TEST_CASE("every truncated IDX file is an error, and a flipped bit is an error or harmless") {
  const std::string good = small_images(), good_gzip = gzip(good);
  for (size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(message_for(good.substr(0, size)) != "");
  }
  for (size_t size = 0; size < good_gzip.size(); ++size) {
    CAPTURE(size);
    CHECK(message_for(good_gzip.substr(0, size)) != "");
  }
  const TempFolder folder;
  int readable = 0;
  for (size_t i = 0; i < good_gzip.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(i);
      CAPTURE(bit);
      std::string damaged = good_gzip;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      write_file(folder / "a", damaged);
      // Only changes of flags and date in gzip's header remain readable.
      ImageSet images;
      if (message_of([&] { images = read_idx(folder / "a"); }) == "") {
        ++readable;
        CHECK(images.pixels.size() == 12);
        CHECK(images.pixels[11] == 11);
      }
    }
  }
  CHECK(readable > 40);  // 6 bytes of date, extra flags and system
  CHECK(readable < 60);
}

TEST_CASE("a compressed file larger than the buffers is read completely") {
  const TempFolder folder;
  std::string bytes = header({100, 50, 60});
  uint32_t state = 1;
  for (int i = 0; i < 100 * 50 * 60; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  write_file(folder / "a", bytes);
  write_file(folder / "b", gzip(bytes));
  CHECK(read_idx(folder / "a").pixels == read_idx(folder / "b").pixels);
  write_file(folder / "a", gzip(header({1000, 100, 100}) + std::string(10'000'000, '\0')));
  CHECK(read_idx(folder / "a").pixels.size() == 10'000'000);  // near the ratio of 1032
}

}  // namespace forger::nn
