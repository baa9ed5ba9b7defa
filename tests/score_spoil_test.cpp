// The spoilt sets by which the metrics are tested.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "message.h"
#include "nn/data/dataset.h"
#include "tutorials/score/spoil.h"

namespace forger::tutorials {
namespace {

/// n images of 5 x 5: image i has one bright pixel in row 2, column i % 5, and label i % 3.
nn::ImageSet dots(int64_t n) {
  nn::ImageSet images{.count = n,
                      .channels = 1,
                      .height = 5,
                      .width = 5,
                      .pixels = std::vector<uint8_t>(static_cast<size_t>(25 * n)),
                      .labels = {},
                      .class_names = {"a", "b", "c"},
                      .source = "dots"};
  for (int64_t i = 0; i < n; ++i) {
    images.pixels[static_cast<size_t>(25 * i + 10 + i % 5)] = 200;
    images.labels.push_back(static_cast<int>(i % 3));
  }
  return images;
}

TEST_CASE("a class is removed with all its images, and nothing else") {
  const nn::ImageSet images = without_class(dots(7), 1);
  CHECK(images.labels == std::vector<int>{0, 2, 0, 2, 0});
  CHECK(images.pixels[10] == 200);
  CHECK(images.pixels[25 + 12] == 200);
  CHECK(images.count == 5);
}

TEST_CASE("a blurred dot is a Gaussian of the same sum") {
  const nn::ImageSet images = blurred(dots(3), 0.5);
  // Image 2 has its dot in the middle. The weights are exp(-2 r^2), normalised along each axis.
  const double side = std::exp(-2.0), total = 1 + 2 * (side + std::exp(-8.0));
  const uint8_t* pixels = images.pixels.data() + 50;
  CHECK(pixels[12] == std::lround(200 / total / total));
  CHECK(pixels[11] == std::lround(200 * side / total / total));
  CHECK(pixels[7] == pixels[11]);
  CHECK(pixels[6] == std::lround(200 * side * side / total / total));
  // Image 0 has its dot at the edge: what is beyond is lost.
  CHECK(images.pixels[10] == pixels[12]);
  CHECK(images.pixels[11] == pixels[13]);
}

TEST_CASE("shifted images have moved by whole pixels, and black follows") {
  const nn::ImageSet images = shifted(dots(5), 1, -2);
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 25; ++j) {
      CHECK(images.pixels[static_cast<size_t>(25 * i + j)] == (i < 4 && j == i + 1 ? 200 : 0));
    }
  }
  CHECK(shifted(dots(5), 0, 0).pixels == dots(5).pixels);
}

TEST_CASE("a share of the images becomes noise, by the seed") {
  const nn::ImageSet clean = dots(50);
  const nn::ImageSet noisy = with_noise_images(clean, 0.1, 1);
  int changed = 0;
  double sum = 0;
  for (int64_t i = 0; i < 50; ++i) {
    const auto begin = clean.pixels.begin() + 25 * i;
    if (std::vector<uint8_t>(begin, begin + 25) ==
        std::vector<uint8_t>(noisy.pixels.begin() + 25 * i, noisy.pixels.begin() + 25 * i + 25)) {
      continue;
    }
    ++changed;
    for (int64_t j = 0; j < 25; ++j) sum += noisy.pixels[static_cast<size_t>(25 * i + j)];
  }
  CHECK(changed == 5);
  CHECK(sum / 125 == doctest::Approx(127.5).epsilon(0.2));
  CHECK(with_noise_images(clean, 0.1, 1).pixels == noisy.pixels);
  CHECK(with_noise_images(clean, 0.1, 2).pixels != noisy.pixels);
  CHECK(with_noise_images(clean, 0, 1).pixels == clean.pixels);
}

TEST_CASE("fewer modes are the images of each class that are nearest to its first one") {
  // Of class 0, images 0, 3, 6, 9, 12, 15 have their dots in columns 0, 3, 1, 4, 2, 0.
  const nn::ImageSet images = fewer_modes(dots(18), 0.3);
  CHECK(images.labels == std::vector<int>{0, 1, 2, 0, 1, 2});
  for (int64_t i = 0; i < 3; ++i) {  // two of each class, with equal dots
    for (int64_t j = 0; j < 25; ++j) {
      CHECK(images.pixels[static_cast<size_t>(25 * i + j)] ==
            images.pixels[static_cast<size_t>(75 + 25 * i + j)]);
    }
  }
  CHECK(fewer_modes(dots(18), 1).count == 18);
}

TEST_CASE("there are six spoilt sets, whose names the text uses") {
  const nn::ImageSet images = dots(12), training = dots(30);
  std::vector<std::string> names;
  std::vector<int64_t> counts;
  for (const SpoiltSet& set : spoilt_sets(images, training, 1)) {
    names.push_back(set.name);
    counts.push_back(set.images.count);
  }
  CHECK(names == std::vector<std::string>{"one class removed", "blur", "noise images",
                                          "training copies", "shift", "fewer modes"});
  CHECK(counts == std::vector<int64_t>{8, 12, 12, 12, 12, 3});
}

TEST_CASE("the class that is removed is the second to last of those that occur") {
  nn::ImageSet images = dots(6);
  images.class_names.clear();
  for (int& label : images.labels) label *= 4;  // 0, 4, 8
  CHECK(spoilt_sets(images, dots(6), 1)[0].images.labels == std::vector<int>{0, 8, 0, 8});
}

TEST_CASE("a move is counted in standard deviations of real images, if these differ") {
  CHECK(in_deviations(7, {1, 2, 3}) == 5);
  CHECK(in_deviations(0.5, {1, 2, 3}) == -1.5);
  CHECK_FALSE(in_deviations(7, {0.1, 0.1, 0.1}).has_value());
  CHECK(message_of([] { in_deviations(7, {1}); }) ==
        "in_deviations: at least two values of real images expected\n  found 1");
}

TEST_CASE("the faults name what they cannot do") {
  nn::ImageSet images = dots(3);
  CHECK(message_of([&] { blurred(images, 0); }) ==
        "blurred: stddev is out of range\n  found    0.000000\n  expected above 0, at most 100");
  CHECK(message_of([&] { with_noise_images(images, 1.5, 0); }) ==
        "with_noise_images: share is out of range\n  found    1.500000\n  expected 0 to 1");
  CHECK(message_of([&] { fewer_modes(images, 0); }) ==
        "fewer_modes: share is out of range\n  found    0.000000\n"
        "  expected above 0, at most 1");
  CHECK(message_of([&] { spoilt_sets(images, dots(2), 0); }) ==
        "spoilt_sets: fewer training images than images\n  found    2\n  expected at least 3");
  images.labels = {2, 2, 2};
  CHECK(message_of([&] { spoilt_sets(images, dots(3), 0); }) ==
        "spoilt_sets: images of at least two classes expected, for one is removed\n"
        "  found    only class 2");
  images.labels.clear();
  CHECK(message_of([&] { fewer_modes(images, 1); }) == "fewer_modes: the images have no labels");
  CHECK(message_of([&] { without_class(images, 1); }) ==
        "without_class: the images have no labels");
}

}  // namespace
}  // namespace forger::tutorials
