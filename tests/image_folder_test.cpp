// Tests image folders as they are in real life: classes, files that are not images, what tools and
// the program itself leave behind, and how skipped files are described.
#include "nn/data/image_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autograd/tensor.h"
#include "filled_image.h"
#include "jpeg_blocks.h"
#include "message.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "temp_folder.h"
#include "unprivileged.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

using Skipped = std::vector<std::pair<std::string, std::string>>;

/// The skipped files and their reasons.
Skipped pairs(const std::vector<SkippedFile>& skipped) {
  Skipped result;
  for (const SkippedFile& file : skipped) result.emplace_back(file.path.string(), file.reason);
  return result;
}

}  // namespace

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
  write_png(folder / "vast.png", filled(4, 4, {9}));
  fs::resize_file(folder / "vast.png", (64 << 20) + 1);  // sparse
  write_file(folder / "film.mov", std::string("\0\0\0\x14"
                                              "ftypqt  ",
                                              12));
  fs::resize_file(folder / "film.mov", (64 << 20) + 1);
  CHECK(::mkfifo((folder / "pipe.png").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", folder / "device.png");
  fs::create_symlink("nowhere", folder / "broken.png");
  fs::create_symlink("itself.png", folder / "itself.png");
  fs::create_directory_symlink("..", folder / "sub/up");
  fs::create_symlink("../good.png", folder / "sub/link.png");
  const ImageFolder read = read_image_folder(folder.path(), 4, 1);
  CHECK(read.images.count == 2);
  CHECK(read.images.labels == std::vector<int>{0, 1});
  CHECK(pairs(read.skipped) ==
        Skipped{{"half.png", "truncated: a PNG image without its end"},
                {"broken.png", "cannot be read; open: No such file or directory"},
                {"device.png", "not a regular file; it is a device"},
                {"empty.png", "not a PNG or JPEG image; it looks like an empty file"},
                {"itself.png", "cannot be read; open: Too many levels of symbolic links"},
                {"page.jpg", "not a PNG or JPEG image; it looks like an HTML or XML page"},
                {"pipe.png", "not a regular file; it is a named pipe"},
                {"vast.png", "too large; found 67108865 bytes, at most 67108864 expected"},
                {"film.mov", "not a PNG or JPEG image; it looks like a video in MP4 or QuickTime"},
                {"notes.txt", "not a PNG or JPEG image; it looks like text"},
                {"sub/up", "a link to a folder that is read already"}});
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
  CHECK(pairs(read.skipped) == Skipped{{"closed1", "cannot be read: Permission denied"},
                                       {"closed2", "cannot be read: Permission denied"},
                                       {"listed/a.png", "cannot be read; open: Permission denied"},
                                       {"locked.png", "cannot be read; open: Permission denied"}});
  CHECK(without_folder(closed, folder) == "DIR/closed1: cannot be read\n  Permission denied");
}

TEST_CASE("a run inside a data folder is left out, and so is every grid") {
  const TempFolder folder;
  write_png(folder / "a.png", filled(4, 4, {9}));
  const Image grid = make_grid(Tensor::zeros({4, 1, 4, 4}), 2);
  make_folder(folder / "run/samples");
  write_file(folder / "run/run.json", "{}");
  write_png(folder / "run/samples/step_000000.png", grid);
  write_png(folder / "run/photo.png", filled(4, 4, {9}));
  make_folder(folder / "samples");  // copied out of a run
  write_png(folder / "samples/step_000000.png", grid);
  make_folder(folder / "generated");
  write_png(folder / "generated/grid.png", grid);
  write_file(folder / "generated/images-idx3-ubyte", std::string("\0\0\x08\3", 4));
  write_png(folder / "interpolation.png", grid);
  fs::create_directory_symlink("run", folder / "newest");
  const ImageFolder read = read_image_folder(folder.path(), 4, 1);
  CHECK(read.images.count == 1);
  CHECK(read.images.labels.empty());
  const std::string run = "left out: the folder of a run, which holds run.json";
  const std::string drawn = "left out: a grid of images, made by forger";
  CHECK(pairs(read.skipped) ==
        Skipped{{"generated/grid.png", drawn},
                {"generated/images-idx3-ubyte",
                 "not a PNG or JPEG image; it looks like an IDX file of images"},
                {"interpolation.png", drawn},
                {"newest", run},
                {"run", run},
                {"samples/step_000000.png", drawn}});
  const auto message = [&](const fs::path& path) {
    return without_folder(message_of([&] { read_image_folder(path, 4, 1); }), folder);
  };
  CHECK(message(folder / "run") ==
        "DIR/run: the folder of a run, not of images\n  it holds run.json");
  CHECK(message(folder / "samples") ==
        "DIR/samples: no PNG or JPEG image in this folder\n  found 1 other files or folders\n"
        "  step_000000.png: " +
            drawn);
}

TEST_CASE("pictures of another size are listed as skipped if they are not to be scaled") {
  const TempFolder folder;
  write_png(folder / "a.png", filled(4, 4, {9}));
  write_png(folder / "b.png", filled(8, 4, {9}));
  write_png(folder / "c.png", filled(8, 8, {9}));
  CHECK(read_image_folder(folder.path(), 4, 1).images.count == 3);
  const ImageFolder read = read_image_folder(folder.path(), 4, 1, OtherSizes::kSkipped);
  CHECK(read.images.count == 1);
  CHECK(pairs(read.skipped) ==
        Skipped{{"b.png", "a picture of another size; found 8 x 4, expected 4 x 4"},
                {"c.png", "a picture of another size; found 8 x 8, expected 4 x 4"}});
  const ImageFolder none = read_image_folder(folder.path(), 5, 1, OtherSizes::kSkipped);
  CHECK(none.images.count == 0);
  CHECK(none.skipped.size() == 3);
}

TEST_CASE("hidden files and folders, and those that tools leave behind, are left out") {
  const TempFolder folder;
  const std::vector<std::string> leftovers = {"#recycle", "$RECYCLE.BIN", "@Recycle",  "@eaDir",
                                              "__MACOSX", "__pycache__",  "lost+found"};
  const std::vector<std::string> hidden = {".Trash-1000", ".git", ".ipynb_checkpoints"};
  for (const std::string class_name : {"cats", "dogs"}) {
    make_folder(folder / class_name);
    write_png(folder / class_name / "1.png", filled(4, 4, {9}));
    write_png(folder / class_name / ".2.png.Xy12ab", filled(4, 4, {9}));  // of rsync
    make_folder(folder / class_name / "@eaDir");
    write_png(folder / class_name / "@eaDir" / "thumb.png", filled(4, 4, {9}));
  }
  for (const auto& names : {leftovers, hidden}) {
    for (const std::string& name : names) {
      make_folder(folder / name);
      write_png(folder / name / "1.png", filled(4, 4, {9}));
    }
  }
  const ImageFolder read = read_image_folder(folder.path(), 4, 1);
  CHECK(read.images.count == 2);
  CHECK(read.images.class_names == std::vector<std::string>{"cats", "dogs"});
  Skipped expected;
  const std::string left = "left out: a folder that other programs leave behind";
  for (const std::string& name : leftovers) expected.emplace_back(name, left);
  for (const std::string& name : hidden) expected.emplace_back(name, "left out: a hidden folder");
  for (const std::string class_name : {"cats", "dogs"}) {
    expected.emplace_back(class_name + "/.2.png.Xy12ab", "left out: a hidden file");
    expected.emplace_back(class_name + "/@eaDir", left);
  }
  std::sort(expected.begin(), expected.end());
  CHECK(pairs(read.skipped) == expected);
  // A hidden folder that is named itself is read.
  CHECK(read_image_folder(folder / ".git", 4, 1).images.count == 1);
}

TEST_CASE("skipped files are grouped by reason, and no damaged picture is hidden") {
  const TempFolder folder;
  write_png(folder / "good.png", filled(4, 4, {9}));
  const std::string png = encode_png(filled(4, 4, {9}));
  for (int i = 10; i < 40; ++i) {
    write_file(folder / ("._p" + std::to_string(i) + ".jpg"), std::string("\0\5\x16\7", 4));
  }
  write_file(folder / "z.png", png.substr(0, 40));
  write_file(folder / "vast1.png", png);
  write_file(folder / "vast2.png", png);
  fs::resize_file(folder / "vast1.png", (64 << 20) + 1);
  fs::resize_file(folder / "vast2.png", (64 << 20) + 2);
  write_file(folder / "cmyk.jpg",
             jpeg_of({.channels = 4, .values = {4, 5, 40, 255}, .segments = {}}));
  write_file(folder / "photo.JPG", std::string("\0\0\0\x18"
                                               "ftypheic",
                                               12));
  write_file(folder / "animation.jpg", "GIF89a");
  write_file(folder / "b.webp", "RIFF1234WEBPVP8 ");
  write_file(folder / "a\nb\xff.txt", "text");
  write_file(folder / "Thumbs.db", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
  const std::vector<SkippedFile> skipped = read_image_folder(folder.path(), 4, 1).skipped;
  CHECK(skipped.size() == 39);
  const std::vector<std::string> all = {
      "z.png: truncated: a PNG image without its end",
      "animation.jpg: not a PNG or JPEG image; it looks like a GIF image",
      "b.webp: not a PNG or JPEG image; it looks like a WebP image",
      "cmyk.jpg: a JPEG image of 4 channels whose colours are not known; found no Adobe "
      "marker, expected Adobe's transform 0 (CMYK) or 2 (YCCK)",
      "photo.JPG: not a PNG or JPEG image; it looks like a HEIC image",
      "vast1.png and 1 more: too large; found 67108865 bytes, at most 67108864 expected",
      "._p10.jpg and 29 more: left out: a hidden file",
      "Thumbs.db: not a PNG or JPEG image; it looks like an OLE file, such as Thumbs.db of Windows",
      "a\\x0ab\\xff.txt: not a PNG or JPEG image; it looks like text"};
  CHECK(describe_skipped(skipped, 9) == all);
  CHECK(describe_skipped(skipped, 8).back() == "and 1 more, for 1 other reason");
  const std::vector<std::string> few = describe_skipped(skipped, 5);
  CHECK(few.size() == 6);
  CHECK(few.back() == "and 34 more, for 4 other reasons");
  CHECK(describe_skipped({}, 5).empty());
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
        "DIR/a.zip: not a folder\n  it is a file that looks like a zip archive: unpack it");
  write_file(folder / "a.tar.gz", "\x1f\x8b\x08");
  CHECK(message(folder / "a.tar.gz", 4, 1) ==
        "DIR/a.tar.gz: not a folder\n  it is a file that looks like gzip data: unpack it");
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
