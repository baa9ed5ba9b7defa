// Tests chapter 1's classifier as an instrument: its committed weights and its features.
#include "tutorials/common/features.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "kernel_sets.h"
#include "message.h"
#include "nn/data/digits.h"
#include "nn/data/idx.h"
#include "tutorials/common/classifier.h"

namespace forger {

using tutorials::Features;

TEST_CASE("the committed weights have at most 0.5 MB") {
  const std::string path = FORGER_SOURCE_DIR "/tutorials/common/classifier.safetensors";
  CHECK(std::filesystem::file_size(path) <= 500'000);
}

TEST_CASE("features and logits of drawn digits are the recorded ones on every kernel set") {
  const nn::ImageSet digits = nn::make_digits(3, 0);
  // Features 0 to 3 of each digit, and logit 8 (a bag), as the reference kernels give them.
  const double recorded[3][5] = {{-1.17726, -0.342916, 0.7876, 3.23623, -1.68578},
                                 {1.58367, 2.69276, -0.350225, -0.495508, -8.19612},
                                 {-0.679936, 11.9261, 2.12888, -0.0461003, 3.62748}};
  on_every_kernel_set([&] {
    Features features;
    const Tensor x = features(digits);
    CHECK(x.shape() == Shape{3, 64});
    const Tensor logits = features.logits(x);
    for (int64_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      for (int64_t j = 0; j < 4; ++j) {
        CAPTURE(j);
        // Recorded with six digits. The sets differ by float's rounding of sums of 1,568 products.
        CHECK(std::abs(x.at({i, j}) - recorded[i][j]) < 1e-4);
      }
      CHECK(std::abs(logits.at({i, 8}) - recorded[i][4]) < 1e-4);
    }
  });
}

TEST_CASE("features are an image's own, whatever the others are") {
  Features features;
  const nn::ImageSet digits = nn::make_digits(130, 1);
  const Tensor all = features(digits);
  const std::vector<Scalar> values = all.to_vector();
  const Tensor last = features(images_to_tensor(digits, 129, 130));
  CHECK(last.to_vector() == std::vector<Scalar>(values.end() - 64, values.end()));
  CHECK(features.labels(all) == argmax(features.logits(all)));
}

TEST_CASE("the committed classifier labels nine of ten test images correctly") {
  const auto paths = nn::find_idx("/usr/share/datasets/fashion-mnist", nn::IdxPart::kTest);
  if (!paths) {
    MESSAGE("skipped: Fashion-MNIST is not installed");
    return;
  }
  const nn::ImageSet test = nn::read_idx(paths->images, paths->labels);
  Features features;
  // 0.9107 on the avx2 set. The rounding of another set may change the label of an image or two.
  CHECK(std::abs(tutorials::accuracy(features.logits(features(test)), test.labels) - 0.9107) <=
        0.0003);
}

TEST_CASE("images of another size or number of channels have no features") {
  Features features;
  const auto message = [&](const Tensor& x) { return message_of([&] { features(x); }); };
  CHECK(message(Tensor::zeros({2, 3, 32, 32})) ==
        "Features: images that chapter 1's classifier cannot take\n"
        "  found    32 x 32 with 3 channels\n  expected 28 x 28 with 1 channel");
  CHECK(message(Tensor::zeros({2, 784})) ==
        "Features: not a batch of images\n  x [2, 784]  (N, 1, 28, 28)");
  CHECK(message(Tensor::zeros({0, 1, 28, 28})) ==
        "evaluate: there is nothing to evaluate\n  x [0, 1, 28, 28]  (N, ...)");
  const nn::ImageSet small = nn::make_digits(3, 0, 16);
  CHECK(message_of([&] { features(small); }) ==
        "Features: images that chapter 1's classifier cannot take\n"
        "  found    16 x 16 with 1 channel\n  expected 28 x 28 with 1 channel");
}

}  // namespace forger
