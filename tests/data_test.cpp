// Tests drawn digits, distributions in the plane, and the loader's order of images.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "message.h"
#include "nn/data/digits.h"
#include "nn/data/loader.h"
#include "nn/data/toy2d.h"

namespace forger::nn {
namespace {

/// `count` images of one pixel. Image i has value and label i.
ImageSet numbered(int64_t count) {
  ImageSet images{.count = count,
                  .channels = 1,
                  .height = 1,
                  .width = 1,
                  .pixels = {},
                  .labels = {},
                  .class_names = {},
                  .source = "numbered"};
  for (int64_t i = 0; i < count; ++i) {
    images.pixels.push_back(static_cast<uint8_t>(i));
    images.labels.push_back(static_cast<int>(i));
  }
  return images;
}

/// The labels of the next `batches` batches.
std::vector<int> deal(Loader& loader, int64_t batches) {
  std::vector<int> labels;
  for (int64_t i = 0; i < batches; ++i) {
    const Loader::Batch batch = loader.next();
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  return labels;
}

using Vector = std::vector<double>;

double distance2(const uint8_t* image, const Vector& mean) {
  double sum = 0;
  for (size_t i = 0; i < mean.size(); ++i) sum += (image[i] - mean[i]) * (image[i] - mean[i]);
  return sum;
}

/// The centre nearest to each of the points, and the largest distance of one to its centre.
std::pair<std::vector<int64_t>, double> nearest(const Tensor& points, const Tensor& centres) {
  std::vector<int64_t> hits(static_cast<size_t>(centres.shape()[0]));
  double largest = 0;
  for (int64_t i = 0; i < points.shape()[0]; ++i) {
    size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < centres.shape()[0]; ++k) {
      const double d = std::hypot(points.at({i, 0}) - centres.at({k, 0}),
                                  points.at({i, 1}) - centres.at({k, 1}));
      if (d < least) {
        least = d;
        best = static_cast<size_t>(k);
      }
    }
    ++hits[best];
    largest = std::max(largest, least);
  }
  return {hits, largest};
}

}  // namespace

TEST_CASE("a digit is a function of seed and index alone") {
  const ImageSet digits = make_digits(300, 1);
  CHECK(digits.labels[123] == 3);
  CHECK(digits.class_names[3] == "3");
  CHECK(make_digits(300, 1).pixels == digits.pixels);
  CHECK(make_digits(300, 2).pixels != digits.pixels);
  const ImageSet later = make_digits(100, 1, 28, 200);
  CHECK(std::equal(later.pixels.begin(), later.pixels.end(), digits.pixels.begin() + 200 * 784));
  CHECK(later.labels == std::vector<int>(digits.labels.begin() + 200, digits.labels.end()));
  std::vector<uint8_t> one(784, 99);
  draw_digit(1, 217, 28, one.data());  // alone, not within make_digits' parallel chunks
  CHECK(std::equal(one.begin(), one.end(), digits.pixels.begin() + 217 * 784));
}

TEST_CASE("drawn digits vary, are legible and stay inside the image") {
  constexpr int64_t kCount = 2000, kTrain = 1000;
  for (const int64_t size : {16, 28, 64}) {
    CAPTURE(size);
    const ImageSet digits = make_digits(kCount, 5, size);
    const auto bytes = static_cast<size_t>(size * size);
    std::set<std::string> different;
    std::vector<Vector> means(10, Vector(bytes));
    for (size_t i = 0; i < kCount; ++i) {
      const uint8_t* image = digits.pixels.data() + i * bytes;
      different.insert(std::string(image, image + bytes));
      double ink = 0;
      for (size_t j = 0; j < bytes; ++j) ink += image[j] / 255.0 / static_cast<double>(bytes);
      CHECK(ink > 0.02);
      CHECK(ink < 0.4);
      for (size_t j = 0; j < bytes && i < kTrain; ++j) means[i % 10][j] += image[j] * 10.0 / kTrain;
    }
    CHECK(different.size() == kCount);

    // The nearest of ten mean images classifies most other digits correctly, so labels match
    // images. This classifier reaches 82 % on MNIST.
    int right = 0;
    for (size_t i = kTrain; i < kCount; ++i) {
      size_t best = 0;
      for (size_t k = 1; k < 10; ++k) {
        const uint8_t* image = digits.pixels.data() + i * bytes;
        if (distance2(image, means[k]) < distance2(image, means[best])) best = k;
      }
      right += best == i % 10;
    }
    CHECK(right > 700);
  }
}

TEST_CASE("make_digits and draw_digit report arguments out of range") {
  const auto message = [](int64_t count, int64_t size, int64_t first) {
    return message_of([&] { make_digits(count, 1, size, first); });
  };
  const std::string rule = "make_digits: count must be positive, first not negative, size 8 to 512";
  CHECK(message(0, 28, 0) == rule + "\n  count 0, first 0, size 28");
  CHECK(message(1, 7, 0) == rule + "\n  count 1, first 0, size 7");
  CHECK(message(1, 513, 0) == rule + "\n  count 1, first 0, size 513");
  CHECK(message(1, 28, -1) == rule + "\n  count 1, first -1, size 28");
  const std::string large = "make_digits: more than 4 GiB of pixels, or numbers beyond 2^63";
  CHECK(message(INT64_MAX, 512, 0) == large + "\n  count 9223372036854775807, first 0, size 512");
  CHECK(message(2, 28, INT64_MAX) == large + "\n  count 2, first 9223372036854775807, size 28");
  uint8_t pixels[64];
  const std::string one = "draw_digit: index must not be negative, size 8 to 512, pixels not null";
  CHECK(message_of([&] { draw_digit(1, -1, 8, pixels); }) == one + "\n  index -1, size 8");
  CHECK(message_of([&] { draw_digit(1, 0, 7, pixels); }) == one + "\n  index 0, size 7");
  CHECK(message_of([&] { draw_digit(1, 0, 8, nullptr); }) == one + "\n  index 0, size 8");
}

TEST_CASE("mixtures of Gaussians sample every mode evenly with the given deviation") {
  constexpr int64_t kPoints = 8000;
  struct Mixture {
    const char* name;
    int64_t modes;
    double stddev;
  };
  for (const Mixture& mixture : {Mixture{"ring", 8, 0.02}, Mixture{"grid", 25, 0.05}}) {
    const auto [name, modes, stddev] = mixture;
    CAPTURE(mixture.name);
    Random random(3);
    const Toy2d toy = toy2d(name);
    REQUIRE(toy.centres.shape() == Shape{modes, 2});
    const auto [hits, largest] = nearest(toy.sample(kPoints, random), toy.centres);
    // The largest of 8,000 radii is about stddev sqrt(2 ln 8000) = 4.24 stddev.
    CHECK(largest > 3 * stddev);
    CHECK(largest < 6 * stddev);
    const double expected = static_cast<double>(kPoints) / static_cast<double>(modes);
    for (const int64_t hit : hits) {
      CHECK(std::abs(static_cast<double>(hit) - expected) < 5 * std::sqrt(expected));
    }
  }
  CHECK(ring_centres(4, 3).at({1, 1}) == doctest::Approx(3));
  CHECK(grid_centres(5, 2).at({0, 0}) == -4);
  CHECK(grid_centres(5, 2).at({24, 1}) == 4);
}

TEST_CASE("gaussian2d samples have the given mean and covariance") {
  constexpr int64_t kPoints = 100000;
  Random random(4);
  const Tensor x = gaussian2d(kPoints, random, {1, -2}, {2, -0.9, 0.5});
  double sum[5] = {};
  for (int64_t i = 0; i < kPoints; ++i) {
    const double dx = x.at({i, 0}) - 1, dy = x.at({i, 1}) + 2;
    const double terms[5] = {dx, dy, dx * dx, dx * dy, dy * dy};
    for (size_t k = 0; k < 5; ++k) sum[k] += terms[k] / kPoints;
  }
  // 5 standard errors: sqrt(var / n) of a mean, at most var sqrt(2 / n) of a covariance
  const double expected[5] = {0, 0, 2, -0.9, 0.5};
  const double tolerance[5] = {0.0224, 0.0112, 0.045, 0.03, 0.0112};
  for (size_t k = 0; k < 5; ++k) CHECK(std::abs(sum[k] - expected[k]) < tolerance[k]);
  // a line: rank 1 is allowed
  const Tensor line = gaussian2d(10, random, {0, 0}, {1, 2, 4});
  for (int64_t i = 0; i < 10; ++i) CHECK(line.at({i, 1}) == doctest::Approx(2 * line.at({i, 0})));
  CHECK(message_of([&] {
          gaussian2d(1, random, {0, 0}, {1, 2, 1});
        }) ==
        "gaussian2d: the covariance must be positive semidefinite\n"
        "  found xx 1.000000, xy 2.000000, yy 1.000000");
  CHECK(message_of([&] { gaussian2d(1, random, {0, 0}, {-1, 0, 1}); }) != "");
  CHECK(message_of([&] { gaussian2d(1, random, {0, 0}, {0, 1, 1}); }) != "");
  CHECK(message_of([&] { gaussian2d(1, random, {0, 0}, {NAN, 0, 1}); }) != "");
}

TEST_CASE("moons and the spiral lie on their curves") {
  Random random(5);
  const Tensor moons = two_moons(1000, random, 0);
  int64_t lower = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    const double x = moons.at({i, 0}) + 0.5, y = moons.at({i, 1}) + 0.25;
    const double upper_gap = std::abs(std::hypot(x, y) - 1);
    const double lower_gap = std::abs(std::hypot(x - 1, y - 0.5) - 1);
    CHECK(std::min(upper_gap, lower_gap) < 1e-6);
    lower += lower_gap < 1e-6;
  }
  CHECK(lower > 400);
  CHECK(lower < 600);
  const Tensor arm = spiral(1000, random, 2, 0);
  int64_t inner = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    const double x = arm.at({i, 0}), y = arm.at({i, 1}), t = std::hypot(x, y) / 2;
    CHECK(t <= 1);
    CHECK(x == doctest::Approx(2 * t * std::cos(4 * M_PI * t)).epsilon(1e-4));
    inner += t * t < 0.5;  // half of the arm, nearly
  }
  CHECK(inner > 400);
  CHECK(inner < 600);
}

TEST_CASE("line_segment goes through the origin at the slope 3/4") {
  Random random(5);
  const Tensor points = line_segment(1000, random, 10, 0);
  double least = 0, most = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    const double x = points.at({i, 0}), y = points.at({i, 1});
    CHECK(std::abs(y - 0.75 * x) < 1e-6);
    least = std::min(least, x);
    most = std::max(most, x);
  }
  CHECK(least == doctest::Approx(-4).epsilon(0.02));
  CHECK(most == doctest::Approx(4).epsilon(0.02));
}

TEST_CASE("every named distribution is reproducible, finite and within its bounds") {
  for (const char* name : {"ring", "grid", "line", "spiral", "moons", "pinwheel", "gaussian"}) {
    CAPTURE(name);
    Random random(6), same(6), other(7);
    const Toy2d toy = toy2d(name);
    const Tensor x = toy.sample(1000, random);
    CHECK(x.shape() == Shape{1000, 2});
    CHECK(toy.sample(1000, same).to_vector() == x.to_vector());
    CHECK(toy.sample(1000, other).to_vector() != x.to_vector());
    for (const Scalar value : x.to_vector()) CHECK(std::abs(value) < 5);
    CHECK(toy.sample(0, random).numel() == 0);
    for (const Scalar value : x.to_vector()) CHECK(std::abs(value) < toy.half_width);
    CHECK(toy.means.defined() == (toy.stddev > 0));
  }
  CHECK(message_of([] { toy2d("rings"); }) ==
        "toy2d: no such distribution\n"
        "  found \"rings\", expected ring, grid, line, spiral, moons, pinwheel or gaussian");
}

TEST_CASE("2-D distributions report arguments out of range") {
  Random random(6);
  CHECK(message_of([] { ring_centres(0); }) ==
        "ring_centres: modes must be 1 to 1099511627776\n  found 0");
  CHECK(message_of([] { grid_centres(-1); }) ==
        "grid_centres: side must be 1 to 1048576\n  found -1");
  CHECK(message_of([] { grid_centres(int64_t{1} << 32); }) ==  // whose square is 0
        "grid_centres: side must be 1 to 1048576\n  found 4294967296");
  CHECK(message_of([&] { ring_of_gaussians(-1, random); }) ==
        "ring_of_gaussians: n must be 0 to 1099511627776\n  found -1");
  CHECK(message_of([&] { ring_of_gaussians(1, random, 8, NAN); }) ==
        "ring_of_gaussians: radius must be finite\n  found nan");
  CHECK(message_of([&] { grid_of_gaussians(1, random, 5, 2, -0.1); }) ==
        "grid_of_gaussians: stddev must be finite and not negative\n  found -0.100000");
  CHECK(message_of([&] { grid_of_gaussians(1, random, 0); }) ==
        "grid_of_gaussians: side must be 1 to 1048576\n  found 0");
  CHECK(message_of([&] { two_moons(1, random, NAN); }) ==
        "two_moons: noise must be finite and not negative\n  found nan");
  CHECK(message_of([&] { line_segment(1, random, NAN); }) ==
        "line_segment: length must be finite\n  found nan");
  CHECK(message_of([&] { line_segment(1, random, 1, -1); }) ==
        "line_segment: noise must be finite and not negative\n  found -1.000000");
  CHECK(message_of([&] { spiral(1, random, HUGE_VAL); }) ==
        "spiral: turns must be finite\n  found inf");
  CHECK(message_of([&] { pinwheel(1, random, 0); }) ==
        "pinwheel: arms must be 1 to 1099511627776\n  found 0");
  CHECK(message_of([&] {
          gaussian2d(1, random, {0, NAN}, {1, 0, 1});
        }) == "gaussian2d: the mean must be finite\n  found nan");
  CHECK(message_of([&] {
          gaussian2d(1, random, {0, 0}, {HUGE_VAL, 0, 1});
        }) == "gaussian2d: the covariance must be finite\n  found inf");
}

TEST_CASE("bytes and pixel values convert to each other") {
  const ImageSet images = numbered(256);
  const Tensor x = images_to_tensor(images, {0, 255, 51, 127});
  CHECK(x.shape() == Shape{4, 1, 1, 1});
  CHECK(x.at({0, 0, 0, 0}) == -1);
  CHECK(x.at({1, 0, 0, 0}) == 1);
  CHECK(x.at({2, 0, 0, 0}) == doctest::Approx(-0.6));
  for (int64_t i = 0; i < 256; ++i) {
    CHECK(to_byte(images_to_tensor(images, {i}).item()) == i);
  }
  CHECK(to_byte(-7) == 0);
  CHECK(to_byte(7) == 255);
  CHECK(to_byte(std::numeric_limits<Scalar>::quiet_NaN()) == 0);
  CHECK(to_byte(std::numeric_limits<Scalar>::infinity()) == 255);
  CHECK(message_of([&] {
          images_to_tensor(images, {0, 256});
        }) == "images_to_tensor: no image of that number\n  found 256, expected 0 to 255");
}

TEST_CASE("images_to_tensor converts a range of images") {
  const ImageSet images = numbered(50);
  for (const auto& [begin, end] : {std::pair(0, 50), std::pair(7, 30), std::pair(49, 50)}) {
    std::vector<int64_t> indices;
    for (int64_t i = begin; i < end; ++i) indices.push_back(i);
    const Tensor range = images_to_tensor(images, begin, end);
    CHECK(range.shape() == Shape{end - begin, 1, 1, 1});
    CHECK(range.to_vector() == images_to_tensor(images, indices).to_vector());
  }
  CHECK(images_to_tensor(images, 50, 50).shape() == Shape{0, 1, 1, 1});
  const std::string rule = "images_to_tensor: no such range of images\n  found ";
  CHECK(message_of([&] { images_to_tensor(images, -1, 3); }) ==
        rule + "-1 to 3, expected 0 <= begin <= end <= 50");
  CHECK(message_of([&] { images_to_tensor(images, 4, 3); }) ==
        rule + "4 to 3, expected 0 <= begin <= end <= 50");
  CHECK(message_of([&] { images_to_tensor(images, 0, 51); }) ==
        rule + "0 to 51, expected 0 <= begin <= end <= 50");
}

TEST_CASE("append_images converts tensors to images") {
  ImageSet images;
  append_images(images, Tensor::from({1, 2, 1, 2}, {-1, 0, 1, 2}));
  append_images(images, Tensor::full({2, 2, 1, 2}, 1));
  CHECK(images.count == 3);
  CHECK(images.channels == 2);
  CHECK(images.pixels ==
        std::vector<uint8_t>{0, 128, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
  check_images(images);
  CHECK(message_of([&] {
          append_images(images, Tensor::zeros({1, 2, 2, 2}));
        }) ==
        "append_images: the images differ in size\n"
        "  found [1, 2, 2, 2], expected [3, 2, 1, 2]  (N, C, H, W)");
  CHECK(message_of([&] {
          append_images(images, Tensor::zeros({2, 2}));
        }) == "append_images: images must have 4 axes\n  found [2, 2], expected (N, C, H, W)");
}

TEST_CASE("append_images refuses images without pixels") {
  for (const Shape& shape : {Shape{0, 1, 2, 2}, Shape{3, 0, 2, 2}, Shape{3, 1, 0, 2}}) {
    ImageSet images;
    CHECK(message_of([&] { append_images(images, Tensor::zeros(shape)); }) ==
          "append_images: there are no pixels\n  found " + shape.str() + "  (N, C, H, W)");
    CHECK(images.count == 0);
  }
}

TEST_CASE("check_images reports inconsistent counts, pixels and labels") {
  ImageSet images = numbered(3);
  images.labels.pop_back();
  CHECK(message_of([&] { check_images(images); }) ==
        "numbered: the counts of images and labels differ\n  found 3 images and 2 labels");
  images.pixels.pop_back();
  CHECK(message_of([&] { check_images(images); }) ==
        "numbered: not as many pixels as its size says\n  images [3, 1, 1, 1]  (N, C, H, W)\n"
        "  found 2 bytes, expected 3");
  CHECK(message_of([] { check_images({}); }) ==
        "image set: there are no images\n  images [0, 0, 0, 0]  (N, C, H, W)");
  CHECK(message_of([&] { images_to_tensor(images, {0}); }) ==
        "numbered: not as many pixels as its size says\n  images [3, 1, 1, 1]  (N, C, H, W)\n"
        "  found 2 bytes, expected 3");
  CHECK(message_of([&] { images_to_tensor(images, 0, 1); }) != "");
  images.count = -3;
  CHECK(message_of([&] { check_images(images); }) ==
        "numbered: there are no images\n  images [-3, 1, 1, 1]  (N, C, H, W)");
  images.count = images.height = images.width = int64_t{1} << 32;  // whose product is 0
  CHECK(message_of([&] { check_images(images); }) ==
        "numbered: not as many pixels as its size says\n"
        "  images [4294967296, 1, 4294967296, 4294967296]  (N, C, H, W)\n"
        "  found 2 bytes, expected 9223372036854775807");
  images = numbered(3);
  images.labels[1] = -1;
  CHECK(message_of([&] { Loader(images, 1, 1); }) ==
        "numbered: a label that is no class\n  found -1, expected 0 or more");
  images.labels[1] = 2;
  images.class_names = {"a", "b"};
  CHECK(message_of([&] { check_images(images); }) ==
        "numbered: a label that is no class\n  found 2, expected 0 to 1");
  CHECK(message_of([&] {
          append_images(images, Tensor::zeros({1, 1, 1, 1}));
        }) ==
        "append_images: the set has labels, which the images lack\n"
        "  found 3 labels, expected none");
  images.labels.clear();
  images.pixels.push_back(0);
  CHECK(message_of([&] {
          append_images(images, Tensor::zeros({1, 1, 1, 1}));
        }) ==
        "numbered: not as many pixels as its size says\n  images [3, 1, 1, 1]  (N, C, H, W)\n"
        "  found 4 bytes, expected 3");
}

TEST_CASE("an epoch contains every image once with its label, in a new order") {
  const ImageSet images = numbered(60);
  Loader loader(images, 10, 1);
  CHECK(loader.batches_per_epoch() == 6);
  std::vector<std::vector<int>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(loader.epoch() == epoch);
    epochs.emplace_back();
    for (int64_t i = 0; i < 6; ++i) {
      CHECK(loader.batch() == i);
      const Loader::Batch batch = loader.next();
      CHECK(batch.images.shape() == Shape{10, 1, 1, 1});
      for (int64_t k = 0; k < 10; ++k) {
        const int label = batch.labels[static_cast<size_t>(k)];
        CHECK(to_byte(batch.images.at({k, 0, 0, 0})) == label);
        epochs.back().push_back(label);
      }
    }
    CHECK(std::set<int>(epochs.back().begin(), epochs.back().end()).size() == 60);
  }
  CHECK(epochs[0] != epochs[1]);
  CHECK(epochs[1] != epochs[2]);
  CHECK(epochs[0] != images.labels);
  Loader same(images, 10, 1), other(images, 10, 2), larger(images, 20, 1);
  CHECK(deal(same, 6) == epochs[0]);
  CHECK(deal(other, 6) != epochs[0]);
  CHECK(deal(larger, 3) == epochs[0]);  // the order does not depend on the batch size
}

TEST_CASE("a shuffle puts each image at each position equally often") {
  const ImageSet images = numbered(6);
  Loader loader(images, 6, 3);
  constexpr int kEpochs = 6000;
  int counts[6][6] = {};
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<int> order = deal(loader, 1);
    for (size_t place = 0; place < 6; ++place) ++counts[order[place]][place];
  }
  // mean 1000, deviation sqrt(6000 * 1/6 * 5/6) = 29
  for (const auto& row : counts) {
    for (const int count : row) CHECK(std::abs(count - kEpochs / 6) < 5 * 29);
  }
}

TEST_CASE("the incomplete last batch is dropped, with different images each epoch") {
  const ImageSet images = numbered(25);
  Loader loader(images, 10, 1);
  CHECK(loader.batches_per_epoch() == 2);
  std::set<int> seen;
  for (int epoch = 0; epoch < 20; ++epoch) {
    for (const int label : deal(loader, 2)) seen.insert(label);
  }
  CHECK(loader.epoch() == 20);
  CHECK(seen.size() == 25);
}

TEST_CASE("a resumed loader continues with the batches of the interrupted one") {
  const ImageSet images = numbered(25);
  Loader whole(images, 4, 9);
  const std::vector<int> all = deal(whole, 30);
  for (int64_t stop = 0; stop < 20; ++stop) {
    CAPTURE(stop);
    Loader first(images, 4, 9);
    deal(first, stop);
    Loader second(images, 4, 9);
    second.seek(first.epoch(), first.batch());
    CHECK(deal(second, 10) ==
          std::vector<int>(all.begin() + stop * 4, all.begin() + (stop + 10) * 4));
  }
}

TEST_CASE("Loader reports batch sizes out of range") {
  const ImageSet images = numbered(5);
  const auto message = [&](int64_t batch_size) {
    return message_of([&] { Loader(images, batch_size, 1); });
  };
  const std::string wrong = "loader: batch size out of range\n  found ";
  CHECK(message(5) == "");
  CHECK(message(6) == wrong + "6, expected 1 to 5, the images in numbered");
  CHECK(message(0) == wrong + "0, expected 1 to 5, the images in numbered");
  CHECK(message(-1) == wrong + "-1, expected 1 to 5, the images in numbered");
  Loader loader(images, 2, 1);
  loader.seek(3, 1);
  CHECK(message_of([&] { loader.seek(0, 2); }) ==
        "loader: no such position\n  found epoch 0, batch 2\n"
        "  expected epoch >= 0, batch 0 to 1");
  CHECK(message_of([&] { loader.seek(-1, 0); }) ==
        "loader: no such position\n  found epoch -1, batch 0\n"
        "  expected epoch >= 0, batch 0 to 1");
  CHECK(loader.epoch() == 3);
  CHECK(loader.batch() == 1);
}

}  // namespace forger::nn
