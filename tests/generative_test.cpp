// Tests chapter 1's program as a user runs it, and the common code that it brought: the split of
// the images and the evaluation of a network.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/kernels/kernels.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "dcgan_program.h"
#include "message.h"
#include "nn/data/digits.h"
#include "nn/data/idx.h"
#include "nn/data/loader.h"
#include "nn/file.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "tutorials/common/augment.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/classifier.h"
#include "tutorials/common/evaluate.h"
#include "tutorials/common/splits.h"

namespace forger {
namespace {

Result generative(const TempFolder& folder, const Words& words) {
  return run_program(FORGER_GENERATIVE, folder, words);
}
std::string generative_ok(const TempFolder& folder, const Words& words) {
  return run_program_ok(FORGER_GENERATIVE, folder, words);
}

/// Pictures of two classes, which differ in the place of their bright square.
void make_classes(const TempFolder& folder, int count) {
  make_pictures(folder / "pictures/one", count, 1);
  make_pictures(folder / "pictures/two", count, 1, 50);
}

/// The smallest network on the smallest images.
const Words kTinyClassifier =
    words("--data pictures --channels 1 --image-size 16 --width 2 --features 4 --batch-size 8");

}  // namespace

// A sanitizer needs few steps, after which nothing has been learnt.
#ifdef FORGER_SANITIZED
TEST_CASE("--quick runs: 100 steps") {
  const TempFolder folder;
  generative_ok(folder, words("--quick --steps 100"));
}
#else
TEST_CASE("--quick learns to label images, and its drawings please nobody but itself") {
  const TempFolder folder;
  const std::string out = generative_ok(folder, {"--quick"});
  const fs::path run = folder / "out/generative";
  std::string header;
  const auto rows = rows_of(run / "metrics.csv", header);
  CHECK(header == "step,epoch,loss,accuracy,held-out");
  REQUIRE(rows.size() == 600);
  const auto mean_of = [&](size_t column, size_t begin, size_t end) {
    double sum = 0;
    for (size_t i = begin; i < end; ++i) sum += rows[i][column];
    return sum / static_cast<double>(end - begin);
  };
  CHECK(std::abs(rows[0][2] - std::log(10)) < 1);  // before it has learnt anything
  CHECK(mean_of(2, 500, 600) < 0.6);
  CHECK(mean_of(3, 500, 600) > 0.8);
  const double held_out = mean_of(4, 500, 600);
  CHECK(held_out > 0.8);
  // 10,000 images, and 6,400 of those held out while the weights still changed
  const double test = number_after(out, "\ntest     ");
  CHECK(test > 0.82);
  CHECK(std::abs(test - held_out) < 0.04);
  // It is sure of what it drew, which is noise: neighbouring pixels differ far more than in images.
  CHECK(number_after(out, "\ndrawings their class has probability ") > 0.95);
  const nn::Image before = read_png(run / "samples/step_000000.png", 1);
  const nn::Image after = read_png(run / "samples/step_000600.png", 1);
  CHECK(before.width == after.width);
  CHECK(before.pixels != after.pixels);
  CHECK(contents(run / "report.html").find("\"signs\":[]") != std::string::npos);

  // The same numbers from the checkpoint.
  const std::string again = generative_ok(folder, {"test"});
  CHECK(again == "classifier  out/generative/checkpoint.safetensors, after step 600\n" +
                     out.substr(out.find("test     ")));
}
#endif

TEST_CASE("a classifier's resumed run matches an uninterrupted run byte for byte") {
  const TempFolder folder;
  make_classes(folder, 20);  // 40 images, of which 31 are left to train: 3 batches of 8
  const Words base = kTinyClassifier + words("--sample-every 5");
  generative_ok(folder, base + words("--steps 20 --out whole --threads 2"));
  generative_ok(folder, base + words("--steps 10 --out parts --threads 1"));
  generative_ok(folder, words("--resume --steps 20 --out parts --threads 2"));
  check_same_files(folder / "whole", folder / "parts");
  const std::string out = generative_ok(folder, words("--resume --out parts"));
  CHECK(
      out.starts_with("parts is at its end, step 20; --steps or --epochs takes it further\n"
                      "test     "));
}

TEST_CASE("a classifier learns classes from folders, and is saved alone by weights") {
  const TempFolder folder;
  make_classes(folder, 30);
  const std::string out =
      generative_ok(folder, kTinyClassifier + words("--steps 60 --lr 0.01 --out run"));
  CHECK(number_after(out, "\ntest     ") == 1);
  CHECK(out.find(" of 10 images labelled correctly\n") != std::string::npos);
  CHECK(generative_ok(folder, words("weights --checkpoint run/checkpoint.safetensors")) ==
        "classifier  run/checkpoint.safetensors, after step 60\n"
        "weights     242 numbers in run/classifier.safetensors\n");
  const nn::Checkpoint weights = nn::load_checkpoint(folder / "run/classifier.safetensors");
  CHECK(weights.tensors.size() == 8);
  CHECK(weights.tensors.contains("head.weight"));

  // Other images than those of the run.
  make_pictures(folder / "pictures/three", 1, 1);
  const Result moved = generative(folder, words("test --checkpoint run/checkpoint.safetensors"));
  CHECK(moved.status == 1);
  CHECK(
      moved.err.starts_with("DIR/pictures: not the images with which the run began\n"
                            "  found    61 images, checksum "));
}

TEST_CASE("a run goes on with the labels with which it began, and with no others") {
  const TempFolder folder;
  make_classes(folder, 10);
  generative_ok(folder, kTinyClassifier + words("--steps 2 --out run"));
  const std::string checkpoint = contents(folder / "run/checkpoint.safetensors");
  // The last picture of one class becomes the first of the other: the same images in the same
  // order.
  const fs::path last = folder / "pictures/one/picture9.png";
  fs::rename(last, folder / "pictures/two/a.png");
  const std::string images = "  found    20 images, checksum ", labels = ", of the labels ";
  for (const char* line :
       {"--resume --steps 4 --out run", "test --checkpoint run/checkpoint.safetensors"}) {
    CAPTURE(line);
    const Result result = generative(folder, words(line));
    CHECK(result.status == 1);
    CHECK(
        result.err.starts_with("DIR/pictures: not the labels with which the run began\n" + images));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 3);
    const size_t found = result.err.find(labels), expected = result.err.rfind(labels);
    REQUIRE(found < expected);
    CHECK(result.err.substr(found, 31) != result.err.substr(expected, 31));
  }
  const Result given = generative(folder, words("--resume --steps 4 --out run --data pictures"));
  CHECK(given.status == 2);
  CHECK(given.err.starts_with("--data: not the images with which the run began\n" + images));
  CHECK(contents(folder / "run/checkpoint.safetensors") == checkpoint);
  fs::rename(folder / "pictures/two/a.png", last);
  generative_ok(folder, words("--resume --steps 4 --out run"));
}

TEST_CASE("images that a classifier cannot learn from are wrong options, and nothing is written") {
  const TempFolder folder;
  make_pictures(folder / "flat", 20, 1);
  make_pictures(folder / "single/one", 20, 1);
  make_pictures(folder / "few/one", 1, 1);
  make_pictures(folder / "few/two", 1, 1);
  make_pictures(folder / "small/one", 5, 1);
  make_pictures(folder / "small/two", 5, 1);
  struct Case {
    std::string line, message;
  };
  const std::string no_classes =
      "--data: images without classes, which a classifier needs\n  found    DIR/";
  const std::string folders = "\n  expected a folder with one subfolder of images per class\n";
  const Case cases[] = {{"--data flat --batch-size 4", no_classes + "flat" + folders},
                        {"--data single --batch-size 4", no_classes + "single" + folders},
                        {"--data few --batch-size 1",
                         "--data: too few images\n  found    2 in DIR/few\n"
                         "  expected at least three: to train, to choose and to test\n"},
                        {"--data small --batch-size 10",
                         "--batch-size: more than there are training images\n  found    10\n"
                         "  expected at most 8, the images of DIR/small that are not held out\n"},
                        {"--width 0",
                         "--width: out of range\n  found    0\n"
                         "  expected a whole number from 1 to 1024\n"}};
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result =
        generative(folder, words(wrong.line + " --channels 1 --image-size 16 --out run"));
    CHECK(result.status == 2);
    CHECK(result.err == wrong.message);
    CHECK_FALSE(fs::exists(folder / "run"));
  }
  make_tiny_run(folder);
  const Result other = generative(folder, words("test --checkpoint run/checkpoint.safetensors"));
  CHECK(other.status == 1);
  CHECK(other.err ==
        "run/checkpoint.safetensors: not a checkpoint of this chapter\n"
        "  found    chapter dcgan\n  expected chapter generative\n");
}

TEST_CASE("chapter 1's --help explains the progress table and every option") {
  const TempFolder folder;
  const std::string help = generative_ok(folder, {"train", "--help"});
  for (const char* word :
       {"epoch  ", "step  ", "images/s  ", "ETA  ", "loss  ", "accuracy  ", "held-out  ", "--data ",
        "--epochs ", "--batch-size ", "--lr ", "--decay ", "--width ", "--features ", "--quick "}) {
    CAPTURE(word);
    CHECK(help.find(word) != std::string::npos);
  }
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 82);
  const std::string overview = generative_ok(folder, {"--help"});
  for (const char* command : {"train", "test", "weights", "experiment", "inspect-data"}) {
    CHECK(overview.find(command) != std::string::npos);
  }
}

TEST_CASE("the split holds out a twelfth, and no image is in two sets") {
  tutorials::DataOptions folder{.data = "some/folder", .data_dir = ""};
  nn::ImageSet images = nn::make_digits(120, 3, 16);
  for (int64_t i = 0; i < images.count; ++i) {  // a number in each image, to know it again
    images.pixels[static_cast<size_t>(i * images.image_bytes())] = static_cast<uint8_t>(i);
  }
  const auto numbers = [](const nn::ImageSet& set) {
    std::vector<int> found;
    for (int64_t i = 0; i < set.count; ++i) {
      found.push_back(set.pixels[static_cast<size_t>(i * set.image_bytes())]);
      CHECK(set.labels[static_cast<size_t>(i)] == found.back() % 10);
    }
    return found;
  };
  const tutorials::Splits sets = tutorials::split(images, folder, 0);
  CHECK(sets.train.count == 90);
  CHECK(sets.held_out.count == 10);
  CHECK(sets.test.count == 20);
  std::vector<int> all;
  for (const nn::ImageSet* set : {&sets.train, &sets.held_out, &sets.test}) {
    const std::vector<int> some = numbers(*set);
    all.insert(all.end(), some.begin(), some.end());
    CHECK(std::is_sorted(some.begin(), some.end()));
    CHECK(set->class_names == images.class_names);
  }
  CHECK(std::set<int>(all.begin(), all.end()).size() == 120);
  CHECK(numbers(tutorials::split(images, folder, 7).held_out) == numbers(sets.held_out));
  std::vector<int> first(10);
  for (int i = 0; i < 10; ++i) first[static_cast<size_t>(i)] = i;
  CHECK(numbers(sets.held_out) != first);

  CHECK(message_of([&] { tutorials::subset(images, {120}); }) ==
        "subset: index out of range\n  index 120, images 120");
}

TEST_CASE("test images follow the training digits, or lie beside the training files") {
  const TempFolder folder;
  tutorials::DataOptions digits{.data = "digits", .data_dir = "", .image_size = 16, .channels = 1};
  const nn::ImageSet test = tutorials::load_test_images(digits, 5);
  CHECK(test.count == 10000);
  CHECK(test.pixels == nn::make_digits(10000, 5, 16, 60000).pixels);

  nn::ImageSet images = nn::make_digits(30, 0, 16);
  const auto write = [&](const std::string& name, const nn::ImageSet& set) {
    nn::write_idx_images(folder / (name + "-images-idx3-ubyte"), set);
    nn::write_idx_labels(folder / (name + "-labels-idx1-ubyte"), set.labels);
  };
  write("train", images);
  write("t10k", nn::make_digits(7, 1, 16));
  tutorials::DataOptions files{.data = "", .data_dir = folder.path().string()};
  CHECK(tutorials::load_data(files, 0).images.count == 30);
  CHECK(tutorials::load_test_images(files, 0).count == 7);
  CHECK(tutorials::has_test_images(files));
  write("t10k", nn::make_digits(7, 1, 20));
  CHECK(without_folder(message_of([&] { tutorials::load_test_images(files, 0); }), folder) ==
        "DIR/t10k-images-idx3-ubyte: the test images are of another size than the training "
        "images\n  found    7 grey images of 20 x 20\n  expected 16 x 16 with 1 channel");

  tutorials::DataOptions pictures{.data = "some/folder", .data_dir = ""};
  CHECK_FALSE(tutorials::has_test_images(pictures));
  CHECK(message_of([&] { tutorials::load_test_images(pictures, 0); }) ==
        "some/folder: a folder of images, which has no test set\n"
        "  expected fashion-mnist or digits");
}

TEST_CASE("evaluate gives a row the same bits in any batch, and changes nothing") {
  nn::seed_init(1);
  tutorials::Classifier C({.image_size = 16, .classes = 3, .width = 4, .features = 8});
  const nn::ImageSet images = nn::make_digits(150, 2, 16);
  const std::vector<Scalar> all = tutorials::evaluate(C, images).to_vector();
  CHECK(all.size() == 450);
  CHECK(C.training());
  for (const int64_t i : {0, 63, 64, 149}) {
    CAPTURE(i);
    const Tensor x = images_to_tensor(images, i, i + 1);
    const std::vector<Scalar> row = tutorials::evaluate(C, x).to_vector();
    CHECK(row == std::vector<Scalar>(all.begin() + 3 * i, all.begin() + 3 * (i + 1)));
  }
  CHECK_FALSE(tutorials::evaluate(C, images).requires_grad());
  CHECK(message_of([&] { tutorials::evaluate(C, nn::ImageSet{}); }) ==
        "evaluate: there is nothing to evaluate\n  0 images");
  CHECK(message_of([&] {
          tutorials::evaluate(C, Tensor::zeros({0, 1, 16, 16}));
        }) == "evaluate: there is nothing to evaluate\n  x [0, 1, 16, 16]  (N, ...)");
}

TEST_CASE("accuracy counts the rows whose largest logit is that of the label") {
  const Tensor logits = Tensor::from({4, 3}, {1, 2, 0, 5, 1, 1, 0, 0, 9, 3, 3, 3});
  CHECK(tutorials::accuracy(logits, {1, 0, 2, 0}) == 1);  // the first of equal logits counts
  CHECK(tutorials::accuracy(logits, {1, 0, 1, 2}) == 0.5);
  CHECK(message_of([&] {
          tutorials::accuracy(logits, {1, 0});
        }) ==
        "accuracy: logits and labels do not fit together\n  logits [4, 3]  (N, classes)\n"
        "  labels [2]  (N), at least one");
}

TEST_CASE("balanced images are equally many of each class, and fewer are the first of more") {
  const nn::ImageSet images = nn::make_digits(95, 3, 16);  // of classes 5 to 9 one less
  const std::vector<int64_t> few = tutorials::balanced(images, 20, 4);
  const std::vector<int64_t> more = tutorials::balanced(images, 90, 4);
  CHECK(more.size() == 90);
  std::vector<int> counts(10);
  for (const int64_t i : more) ++counts[static_cast<size_t>(i % 10)];
  CHECK(counts == std::vector<int>(10, 9));
  const std::set<int64_t> larger(more.begin(), more.end());
  CHECK(larger.size() == 90);
  for (const int64_t i : few) CHECK(larger.contains(i));
  CHECK(tutorials::balanced(images, 20, 5) != few);
  CHECK(message_of([&] { tutorials::balanced(images, 100, 4); }) ==
        "balanced: there are not equally many images of each class\n"
        "  found    95 in 10 classes\n  expected 100");
  CHECK(message_of([&] { tutorials::balanced(images, 25, 4); }) ==
        "balanced: there are not equally many images of each class\n"
        "  found    20 in 10 classes\n  expected 25");
}

TEST_CASE("augment shifts and flips each image on its own, and fills with black") {
  // 400 copies of an image whose pixels all differ; two channels.
  std::vector<Scalar> numbers;
  for (int i = 0; i < 400 * 2 * 4 * 5; ++i) numbers.push_back(static_cast<Scalar>(i % 40 + 1));
  const Tensor images = Tensor::from({400, 2, 4, 5}, numbers);
  Random random(1);
  const auto same = [](const Tensor& a, const Tensor& b) { return a.to_vector() == b.to_vector(); };
  CHECK(same(tutorials::augment(images, {}, random), images));

  // The pixel in row 1 and column 2 of the second channel, 28, is at a place that tells all.
  const Tensor changed = tutorials::augment(images, {.shift = 1, .flip = true}, random);
  std::set<std::string> seen;
  for (int64_t i = 0; i < 400; ++i) {
    const auto at = [&](int64_t c, int64_t y, int64_t x) { return changed.at({i, c, y, x}); };
    for (const int64_t down : {-1, 0, 1}) {
      for (const int64_t right : {-1, 0, 1}) {
        if (at(1, 1 + down, 2 + right) != 28) continue;
        const bool flipped = at(1, 1 + down, 1 + right) == 29;
        seen.insert(std::to_string(down) + std::to_string(right) + (flipped ? "f" : ""));
        for (int64_t c = 0; c < 2; ++c) {
          for (int64_t y = 0; y < 4; ++y) {
            for (int64_t x = 0; x < 5; ++x) {
              const int64_t row = y - down, column = flipped ? 4 - (x - right) : x - right;
              const bool inside = row >= 0 && row < 4 && column >= 0 && column < 5;
              const auto expected = static_cast<Scalar>(c * 20 + row * 5 + column + 1);
              if (at(c, y, x) != (inside ? expected : -1)) FAIL_CHECK("wrong pixel of " << i);
            }
          }
        }
      }
    }
  }
  CHECK(seen.size() == 18);
  CHECK(message_of([&] { tutorials::augment(images, {.shift = 4}, random); }) ==
        "augment: a shift that leaves nothing of an image\n  shift 4, images of 4 x 5");
  CHECK(message_of([&] {
          tutorials::augment(Tensor::zeros({4, 5}), {}, random);
        }) == "augment: not a batch of images\n  x [4, 5]  (N, C, H, W)");
}

// The committed weights of chapter 1 are made again bit for bit on the avx2 set, by every compiler.
// If this test fails because a kernel adds in another order, record the new checksum, and run
// tutorials/common/make_classifier, which takes minutes.
TEST_CASE("training steps on the avx2 set give the recorded bits") {
  std::set<std::string> sets;
  for (int i = 0; i < kernels::available_count(); ++i) sets.insert(kernels::available(i).name);
  if (!sets.contains("avx2")) {
    MESSAGE("skipped: this processor does not support avx2");
    return;
  }
  struct Restored {
    std::string name = kernels::active().name;
    ~Restored() { kernels::activate(name.c_str()); }
  } before;
  kernels::activate("avx2");
  const nn::ImageSet digits = nn::make_digits(640, 0);
  nn::seed_init(0);
  tutorials::Classifier C({});
  nn::Adam optimizer(C, {.lr = 3e-3});
  nn::Loader loader(digits, 64, 0);
  for (int step = 0; step < 20; ++step) {
    const auto [images, labels] = loader.next();
    const Tensor loss = softmax_cross_entropy(C(images), labels);
    optimizer.zero_grad();
    backward(loss, C.parameters());
    optimizer.step();
  }
  std::string bytes;
  for (const auto& [name, tensor] : C.state()) {
    bytes.append(reinterpret_cast<const char*>(tensor.data()),
                 static_cast<size_t>(tensor.numel()) * sizeof(Scalar));
  }
  CHECK(tutorials::checksum(bytes) == "78a3d0519456fb1f");
}

}  // namespace forger
