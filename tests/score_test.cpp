// The program behind ./forger score, on small IDX files of drawn digits.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dcgan_program.h"
#include "filled_image.h"
#include "nn/data/dataset.h"
#include "nn/data/digits.h"
#include "nn/data/idx.h"
#include "nn/data/image.h"
#include "nn/file.h"

namespace forger {
namespace {

constexpr int64_t kTraining = 300, kTest = 120;

/// A folder `data` with training and test digits, and images of the same distribution to score.
struct Files {
  TempFolder folder;
  nn::ImageSet images = nn::make_digits(60, 0, 28, 1000);

  Files() {
    nn::make_folder(folder / "data");
    write("data/train-images-idx3-ubyte", "data/train-labels-idx1-ubyte",
          nn::make_digits(kTraining, 0));
    write("data/t10k-images-idx3-ubyte", "data/t10k-labels-idx1-ubyte",
          nn::make_digits(kTest, 0, 28, kTraining));
    write("images", "labels", images);
  }

  void write(const std::string& images_name, const std::string& labels_name,
             const nn::ImageSet& set) const {
    nn::write_idx_images(folder / images_name, set);
    nn::write_idx_labels(folder / labels_name, set.labels);
  }

  Result score(const Words& words) const {
    return run_program(FORGER_SCORE, folder, words + Words{"--data-dir", "data"});
  }
  std::string ok(const Words& words) const {
    const Result result = score(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
    CHECK(result.err == "");
    return result.out;
  }
  std::string error(const Words& words, int status) const {
    const Result result = score(words);
    CHECK(result.status == status);
    CHECK(result.out == "");
    return result.err;
  }
};

TEST_CASE("score prints a table with real images beside, and the share of labels recognised") {
  const Files files;
  const std::string out = files.ok({"images", "labels", "--json", "numbers.json"});
  CHECK(
      out.starts_with("images     60 in images\n"
                      "real       data: 120 test images, 300 training images\n"));
  const auto numbers =
      nlohmann::json::parse(nn::read_file(files.folder / "numbers.json", kAnySize));
  CHECK(numbers["images_given"] == 60);
  CHECK(numbers["reference"] == "data");  // MNIST comes in files of the same names
  CHECK(numbers["scores"]["n"] == 60);
  CHECK(numbers["scores"]["n_reference"] == 60);
  CHECK(numbers["real_scores"]["n"] == 60);
  for (const char* key : {"frechet", "mmd", "nearest_neighbour_accuracy", "precision", "recall",
                          "density", "coverage", "class_distance", "training_ratio"}) {
    CAPTURE(key);
    CHECK(numbers["scores"][key].is_number());
    CHECK(numbers["real_scores"][key].is_number());
  }
  CHECK(numbers["labelled"] == std::vector<int64_t>(10, 6));
  for (const char* text : {"Frechet distance", "Heusel et al. 2017, section 4", "coverage, k = 5",
                           "60:60", "recognised"}) {
    CAPTURE(text);
    CHECK(out.find(text) != std::string::npos);
  }
}

TEST_CASE("an IDX file, a folder with one and a folder of pictures give the same numbers") {
  const Files files;
  const auto table = [&](const Words& words) {
    const std::string out = files.ok(words);
    return out.substr(out.find("features"));
  };
  nn::make_folder(files.folder / "generated");
  files.write("generated/images-idx3-ubyte", "generated/labels-idx1-ubyte", files.images);
  nn::make_folder(files.folder / "pictures");
  for (int64_t i = 0; i < files.images.count; ++i) {
    const auto begin = files.images.pixels.begin() + i * 784;
    const std::string name = std::to_string(files.images.labels[static_cast<size_t>(i)]);
    nn::make_folder(files.folder / "pictures" / name);
    nn::write_png(files.folder / "pictures" / name / (std::to_string(100 + i) + ".png"),
                  {.width = 28, .height = 28, .channels = 1, .pixels = {begin, begin + 784}});
  }
  const std::string expected = table({"images", "labels"});
  CHECK(table({"generated"}) == expected);
  CHECK(table({"generated/images-idx3-ubyte", "labels"}) == expected);
  CHECK(table({"pictures"}).find(expected.substr(expected.find("all  "))) != std::string::npos);
  fs::rename(files.folder / "pictures/3", files.folder / "pictures/three");  // no class
  CHECK(table({"pictures"}).find("recognised") == std::string::npos);
  CHECK(table({"images"}).find("recognised") == std::string::npos);
}

TEST_CASE("copies of training images have ratio 0, and more images than test images are sampled") {
  const Files files;
  files.write("copies", "copied_labels", nn::make_digits(200, 0));
  const std::string out = files.ok({"copies", "copied_labels", "--json", "numbers.json"});
  CHECK(out.starts_with("images     200 in copies, of which 120 are chosen at random\n"));
  const auto numbers =
      nlohmann::json::parse(nn::read_file(files.folder / "numbers.json", kAnySize));
  CHECK(numbers["images_given"] == 200);
  CHECK(numbers["scores"]["n"] == 120);
  CHECK(numbers["recognised"] == numbers["labelled"]);  // by the nearest training image
  CHECK(numbers["scores"]["training_ratio"] == 0);
  CHECK(numbers["scores"]["training_nearer"] == 1);
  CHECK(numbers["real_scores"]["training_ratio"] > 0.5);
  CHECK(files.ok({"copies"}) == files.ok({"copies", "--seed", "0"}));
  CHECK(files.ok({"copies"}) != files.ok({"copies", "--seed", "1"}));
}

TEST_CASE("images that cannot be scored are errors, and nothing is written") {
  const Files files;
  const fs::path& folder = files.folder.path();
  CHECK(files.error({}, 2) ==
        "IMAGES: missing\n  found    nothing\n"
        "  expected an IDX file of images, or a folder of images\n");
  CHECK(files.error({"nowhere"}, 2) ==
        "IMAGES: no such file or folder\n  found    nowhere\n"
        "  expected an IDX file of images, or a folder of images\n");
  CHECK(files.error({"images", "nowhere"}, 2) ==
        "LABELS: no such file or folder\n  found    nowhere\n  expected an IDX file of labels\n");
  CHECK(files.error({"images", "labels", "more"}, 2) ==
        "more: not expected here\n  found    more\n"
        "  expected no more than score --help lists, and options, which begin with --\n");
  CHECK(files.error({"images", "--data", "digits"}, 2).starts_with("--data-dir: "));

  nn::write_idx_labels(folder / "few", {1, 2, 3});
  CHECK(files.error({"images", "few", "--json", "numbers.json"}, 1) ==
        "few: the counts of labels and images differ\n  found    3 labels\n"
        "  expected 60, the images in images\n");
  nn::write_idx_labels(folder / "high", std::vector<int>(60, 10));
  CHECK(files.error({"images", "high"}, 1) ==
        "images: a label that is no class of the real images\n  found    10, label 0\n"
        "  expected 0 to 9\n");
  nn::write_idx_images(folder / "large", nn::make_digits(20, 0, 32));
  CHECK(files.error({"large"}, 1) ==
        "large: images of a size that chapter 1's classifier does not take\n"
        "  found    32 x 32 with 1 channel\n  expected 28 x 28 with 1 channel\n");
  nn::write_idx_images(folder / "five", nn::make_digits(5, 0));
  CHECK(files.error({"five", "--json", "numbers.json"}, 1) ==
        "five: too few images to measure\n  found    5\n  expected at least 6\n");
  CHECK(files.error({"labels"}, 1).starts_with("labels: not an IDX file of images\n"));

  nn::make_folder(folder / "one");
  nn::write_png(folder / "one/a.png", nn::filled(28, 28, {9}));
  CHECK(files.error({"one"}, 1) ==
        "one: too few images to measure\n  found    1\n  expected at least 6\n");
  CHECK(files.error({"one", "labels"}, 2) ==
        "LABELS: not for a folder of pictures\n  found    labels\n"
        "  expected subfolders that are named as the classes\n");
  nn::write_png(folder / "one/b.png", nn::filled(64, 28, {9}));
  nn::write_png(folder / "one/c.png", nn::filled(32, 32, {9}));
  nn::write_png(folder / "one/d.png", nn::filled(64, 28, {9}));
  const std::string size = ": pictures of a size that chapter 1's classifier does not take\n";
  CHECK(files.error({"one"}, 1) == "one" + size +
                                       "  found    1 of 32 x 32, 2 of 64 x 28, such as b.png\n"
                                       "  expected 28 x 28, as 1 of the pictures are\n");
  fs::remove(folder / "one/a.png");
  CHECK(files.error({"one"}, 1) == "one" + size +
                                       "  found    1 of 32 x 32, 2 of 64 x 28, such as b.png\n"
                                       "  expected 28 x 28\n");
  nn::write_file(folder / "one/run.json", "{}");
  CHECK(files.error({"one"}, 2) ==
        "IMAGES: the folder of a run, not of images\n  found    one\n"
        "  expected what the chapter's command generate writes, as one/generated\n");
  nn::make_folder(folder / "empty");
  CHECK(files.error({"empty"}, 1).starts_with("empty: no PNG or JPEG image in this folder\n"));
  CHECK(!fs::exists(folder / "numbers.json"));
}

TEST_CASE("images that are all test images have no ratio, and 12 test images are the fewest") {
  const Files files;
  // All digits and all test images are one image, so the distance to the nearest is 0.
  nn::ImageSet same = nn::make_digits(20, 0);
  for (size_t i = 0; i < same.pixels.size(); ++i) same.pixels[i] = same.pixels[i % 784];
  files.write("data/t10k-images-idx3-ubyte", "data/t10k-labels-idx1-ubyte", same);
  files.write("same", "same_labels", same);
  const std::string out = files.ok({"same", "--json", "numbers.json"});
  CHECK(out.find("distance to training / test             -            -  Meehan et al.") !=
        std::string::npos);
  const auto numbers =
      nlohmann::json::parse(nn::read_file(files.folder / "numbers.json", kAnySize));
  CHECK(numbers["scores"]["training_ratio"].is_null());
  CHECK(numbers["scores"]["training_nearer"].is_number());

  files.write("data/t10k-images-idx3-ubyte", "data/t10k-labels-idx1-ubyte", nn::make_digits(11, 0));
  CHECK(files.error({"images"}, 1) ==
        "DIR/data/t10k-images-idx3-ubyte: too few test images to measure by\n"
        "  found    11\n  expected at least 12\n");
}

TEST_CASE("score --help explains each metric, without a command's name") {
  const TempFolder folder;
  const Result result = run_program(FORGER_SCORE, folder, {"--help"});
  CHECK(result.status == 0);
  CHECK(result.out.find("Usage: score [OPTIONS] [IMAGES] [LABELS]") != std::string::npos);
  for (const char* text : {"Frechet distance", "1-NN accuracy", "coverage", "--json FILE"}) {
    CHECK(result.out.find(text) != std::string::npos);
  }
  const Result folders = run_program(FORGER_SCORE, folder, {"one", "--data", "."});
  CHECK(folders.status != 0);
}

}  // namespace
}  // namespace forger
