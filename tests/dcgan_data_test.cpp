// Tests chapter 3's program on folders of images as they are in real life.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "dcgan_program.h"
#include "nn/data/idx.h"
#include "nn/escape.h"
#include "tutorials/common/data.h"

namespace forger {

TEST_CASE("a run inside its data folder does not become training images") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words base = words("--data pictures --channels 1 --sample-every 1") + kTiny;
  dcgan_ok(folder, base + words("--steps 2 --out pictures/run"));
  dcgan_ok(folder, words("generate --checkpoint pictures/run/checkpoint.safetensors --count 3 "
                         "--out pictures/made"));
  dcgan_ok(folder, words("interpolate --checkpoint pictures/run/checkpoint.safetensors "
                         "--out pictures/strips.png"));
  dcgan_ok(folder, words("inspect-data --data pictures --out pictures/grid.png"));
  dcgan_ok(folder, words("--resume --out pictures/run --steps 3"));
  const std::string out = dcgan_ok(folder, words("inspect-data --data pictures --channels 1"));
  CHECK(out.find("\nimages   16 grey images of 32 x 32\n") != std::string::npos);
  CHECK(out.find("classes  none\n") != std::string::npos);
  const std::string skipped = out.substr(out.find("skipped"));
  CHECK(skipped ==
        "skipped  5 files\n"
        "         grid.png and 2 more: left out: a grid of images, made by forger\n"
        "         made/images-idx3-ubyte: not a PNG or JPEG image; it looks like an IDX file of "
        "images\n"
        "         run: left out: the folder of a run, which holds run.json\n");
}

TEST_CASE("--data with anything but a folder of images is a wrong option") {
  const TempFolder folder;
  nn::write_file(folder / "faces.zip", std::string("PK\x03\x04\x14\0", 6));
  nn::write_file(folder / "faces.tar.gz", "\x1f\x8b\x08");
  nn::write_file(folder / "a.txt", "text");
  make_pictures(folder / "run", 3, 1);
  nn::write_file(folder / "run/run.json", "{}");
  nn::make_folder(folder / "mnist");
  nn::ImageSet images{.count = 2,
                      .channels = 1,
                      .height = 16,
                      .width = 16,
                      .pixels = {},
                      .labels = {},
                      .class_names = {},
                      .source = {}};
  images.pixels.assign(512, 9);
  nn::write_idx_images(folder / "mnist/train-images-idx3-ubyte", images);
  nn::write_idx_labels(folder / "mnist/train-labels-idx1-ubyte", {1, 2});
  const std::string expected =
      "\n  expected fashion-mnist, digits, or a folder with PNG and JPEG images\n";
  struct Case {
    std::string data, message;
  };
  const Case cases[] = {
      {"faces.zip",
       "not a folder\n  found    DIR/faces.zip, a file that looks like a zip archive: unpack it" +
           expected},
      {"faces.zip/",
       "not a folder\n  found    DIR/faces.zip, a file that looks like a zip archive: unpack it" +
           expected},
      {"faces.tar.gz",
       "not a folder\n  found    DIR/faces.tar.gz, a file that looks like gzip data: unpack it" +
           expected},
      {"a.txt", "not a folder\n  found    DIR/a.txt, a file that looks like text" + expected},
      {"run", "the folder of a run, which holds run.json\n  found    DIR/run" + expected},
      {"mnist", "a folder of IDX files\n  found    DIR/mnist\n  expected --data-dir DIR/mnist\n"}};
  for (const Case& wrong : cases) {
    CAPTURE(wrong.data);
    const Result result = dcgan(folder, {"inspect-data", "--data", wrong.data});
    CHECK(result.status == 2);
    CHECK(result.err == "--data: " + wrong.message);
    CHECK(result.out == "");
  }
  dcgan_ok(folder, words("inspect-data --data-dir mnist"));
}

TEST_CASE("a folder with a single image is an error about the batch size") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 1, 1);
  const Result result = dcgan(folder, words("--data pictures --channels 1 --out run"));
  CHECK(result.status == 2);
  CHECK(
      result.err.starts_with("--batch-size: more than there are images\n  found    64\n"
                             "  expected at most 1, the images in DIR/pictures"));
  CHECK_FALSE(fs::exists(folder / "run"));
}

TEST_CASE("skipped files are listed whole, damaged pictures first, with their names escaped") {
  tutorials::Data data;
  CHECK(tutorials::describe_skipped(data, "run/skipped.txt") == "");
  CHECK(tutorials::all_skipped(data) == "");
  data.skipped = {{"z.png", "truncated: a PNG image without its end"},
                  {"._a.jpg", "left out: a hidden file"},
                  {"._b\n.jpg", "left out: a hidden file"}};
  const std::string described =
      "skipped  3 files\n         z.png: truncated: a PNG image without its end\n"
      "         ._a.jpg and 1 more: left out: a hidden file\n";
  CHECK(tutorials::describe_skipped(data) == described);
  CHECK(tutorials::describe_skipped(data, "run/skipped.txt") ==
        described + "         all of them: run/skipped.txt\n");
  CHECK(tutorials::all_skipped(data) ==
        "z.png: truncated: a PNG image without its end\n._a.jpg: left out: a hidden file\n"
        "._b\\x0a.jpg: left out: a hidden file\n");
  data.skipped.pop_back();
  CHECK(tutorials::describe_skipped(data, "run/skipped.txt") ==
        "skipped  2 files\n         z.png: truncated: a PNG image without its end\n"
        "         ._a.jpg: left out: a hidden file\n");
}

TEST_CASE("class names with line breaks and other bytes are printed escaped") {
  const TempFolder folder;
  make_pictures(folder / "pictures/two\nlines", 1, 1);
  make_pictures(folder / "pictures/caf\xe9", 1, 1);
  const std::string out = dcgan_ok(folder, words("inspect-data --data pictures"));
  CHECK(out.find("1  caf\\xe9\n") != std::string::npos);
  CHECK(out.find("1  two\\x0alines\n") != std::string::npos);
}

TEST_CASE("a data folder whose name is not UTF-8 is saved and resumed") {
  const TempFolder folder;
  const std::string name = "caf\xe9 \\x41\n";
  make_pictures(folder / name, 16, 1);
  const Words base = Words{"--data", name} + words("--channels 1 --sample-every 1") + kTiny;
  dcgan_ok(folder, base + words("--steps 3 --out whole"));
  dcgan_ok(folder, base + words("--steps 2 --out parts"));
  const auto metadata = nn::load_checkpoint(folder / "parts/checkpoint.safetensors").metadata;
  CHECK(metadata.at("data") == folder.path().string() + "/caf\\xe9 \\\\x41\\x0a");
  dcgan_ok(folder, words("--resume --out parts --steps 3"));
  check_same_files(folder / "whole", folder / "parts");
}

}  // namespace forger
