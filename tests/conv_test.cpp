// Tests the three directions of a convolution. Every kernel set must equal the definition on
// integers, must not access memory outside the arrays, and must give the same bits for any
// number of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "autograd/random.h"
#include "convolutions.h"

namespace forger {
namespace {

/// The remainder in output_extent(): rows or columns at the end that no output uses.
int64_t remainder_of(int64_t extent, int64_t kernel, const Conv2d& s) {
  return (extent + 2 * s.padding - s.dilation * (kernel - 1) - 1) % s.stride;
}

/// Draws from a list.
template <size_t count>
int64_t pick(Random& random, const int64_t (&values)[count]) {
  return values[random.below(count)];
}

constexpr int64_t kKernels[] = {1, 2, 3, 4, 5, 7};
constexpr int64_t kChannels[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 65};
constexpr int64_t kImages[] = {1, 1, 3, 3, 3, 3, 3, 0};
constexpr int64_t kMostWork = 500'000;  // multiply-adds

/// A geometry with this kernel height, stride, padding and dilation. Other extents are random.
Conv2d any_geometry(Random& random, int64_t images, int64_t kh, int64_t stride, int64_t padding,
                    int64_t dilation) {
  for (;;) {
    Conv2d s{.n = images,
             .c = pick(random, kChannels),
             .h = 0,
             .w = 0,
             .o = pick(random, kChannels),
             .kh = kh,
             .kw = pick(random, kKernels),
             .oh = 0,
             .ow = 0,
             .stride = stride,
             .padding = padding,
             .dilation = dilation};
    // From the smallest image that the kernel fits in, up to 11 pixels more.
    s.h = std::max<int64_t>(1, dilation * (s.kh - 1) + 1 - 2 * padding) + random.below(12);
    s.w = std::max<int64_t>(1, dilation * (s.kw - 1) + 1 - 2 * padding) + random.below(12);
    s = complete(s);
    if (s.h != s.w && work(s) <= kMostWork) return s;
  }
}

}  // namespace

TEST_CASE("convolutions match the definition for all kernels, strides, paddings, dilations") {
  constexpr int kEach = 24;
  Random random(1);
  Checker checker;
  std::map<int64_t, int> channels;
  int computed = 0, with_remainder = 0, smaller_than_stride = 0, padded_beyond = 0, empty = 0;
  for (const int64_t kernel : kKernels) {
    for (int64_t stride = 1; stride <= 4; ++stride) {
      for (int64_t padding = 0; padding <= 4; ++padding) {
        for (int64_t dilation = 1; dilation <= 2; ++dilation) {
          for (int i = 0; i < kEach; ++i) {
            const Conv2d s =
                any_geometry(random, pick(random, kImages), kernel, stride, padding, dilation);
            // Teams for all of these small convolutions would take minutes on shared cores.
            checker.check(s, i % 8 == 0 ? 3 : 1);
            empty += s.n == 0;
            if (s.n == 0) continue;
            ++computed;
            ++channels[s.c];
            ++channels[s.o];
            with_remainder += remainder_of(s.h, s.kh, s) != 0 || remainder_of(s.w, s.kw, s) != 0;
            smaller_than_stride += s.kh < s.stride || s.kw < s.stride;
            padded_beyond += s.padding >= s.kh && s.padding >= s.kw;
          }
        }
      }
    }
  }
  CAPTURE(computed);
  CHECK(computed >= 3000);
  CHECK(3 * with_remainder >= computed);
  CHECK(6 * smaller_than_stride >= computed);
  CHECK(10 * padded_beyond >= computed);
  CHECK(empty >= 100);
  for (const int64_t count : kChannels) CHECK(channels[count] >= 200);
}

// If there are at least as many images as a tile is wide, images are the columns of a tile.
TEST_CASE("convolutions match the definition for full and partial image blocks") {
  constexpr int64_t kMany[] = {8, 9, 15, 16, 17, 32, 33, 48, 64};
  Random random(3);
  Checker checker;
  for (const int64_t kernel : kKernels) {
    for (int64_t stride = 1; stride <= 4; ++stride) {
      for (int64_t padding = 0; padding <= 4; ++padding) {
        for (int64_t dilation = 1; dilation <= 2; ++dilation) {
          const int64_t images = pick(random, kMany);
          checker.check(any_geometry(random, images, kernel, stride, padding, dilation),
                        padding % 2 == 0 ? 3 : 1);
        }
      }
    }
  }
  CHECK(checker.geometries() == 6 * 4 * 5 * 2);
}

TEST_CASE("convolutions match the definition if the kernel covers the whole image") {
  Random random(2);
  Checker checker;
  for (const int64_t kh : kKernels) {
    for (const int64_t kw : kKernels) {
      for (int64_t extra = 0; extra < 2; ++extra) {
        for (int i = 0; i < 4; ++i) {
          Conv2d s{.n = pick(random, kImages),
                   .c = pick(random, kChannels),
                   .h = kh + extra,
                   .w = kw,
                   .o = pick(random, kChannels),
                   .kh = kh,
                   .kw = kw,
                   .oh = 0,
                   .ow = 0,
                   .stride = 1 + i % 2,
                   .padding = 0,
                   .dilation = 1};
          checker.check(complete(s), 1);
        }
      }
    }
  }
  CHECK(checker.geometries() == 36 * 2 * 4);
}

TEST_CASE("convolutions match the definition over several blocks, slices and threads") {
  // n, c, h, w, o, kh, kw, oh, ow, stride, padding, dilation
  const Conv2d geometries[] = {
      {16, 8, 28, 26, 16, 4, 4, 0, 0, 2, 1, 1},   // blocks of two images
      {3, 17, 40, 37, 33, 3, 3, 0, 0, 1, 1, 1},   // blocks of 13 rows, the last of one
      {2, 129, 11, 9, 33, 3, 3, 0, 0, 2, 1, 1},   // two slices of x's channels
      {3, 5, 7, 9, 300, 4, 4, 0, 0, 2, 2, 1},     // two slices of g's channels
      {9, 65, 8, 7, 129, 4, 4, 0, 0, 2, 1, 1},    //
      {1, 2, 3, 1100, 5, 3, 3, 0, 0, 1, 1, 1},    // a row longer than a block
      {2, 3, 1, 700, 9, 1, 9, 0, 0, 2, 4, 1},     //
      {2, 3, 700, 1, 9, 9, 1, 0, 0, 2, 4, 1},     //
      {1, 1, 70, 61, 1, 5, 5, 0, 0, 2, 2, 1},     // one input and one output channel
      {20, 3, 13, 12, 4, 5, 5, 0, 0, 3, 2, 2},    // few rows of weights
      {20, 4, 33, 32, 3, 3, 3, 0, 0, 1, 1, 1},    //
      {8, 31, 17, 15, 15, 3, 3, 0, 0, 4, 1, 1},   // kernel < stride
      {5, 9, 40, 41, 7, 2, 3, 0, 0, 7, 0, 1},     //
      {40, 1, 28, 27, 7, 7, 7, 0, 0, 1, 3, 1},    // the kernel of an image's first layer
      {600, 2, 3, 2, 3, 2, 2, 0, 0, 1, 1, 1},     // many small images
      {64, 32, 7, 5, 64, 7, 5, 0, 0, 1, 0, 1},    // whole images
      {3, 9, 33, 31, 17, 4, 4, 0, 0, 4, 3, 2},    //
      {3, 9, 33, 31, 17, 4, 3, 0, 0, 3, 2, 4},    // dilation > stride
      {3, 9, 33, 31, 17, 3, 4, 0, 0, 4, 9, 6},    // padding larger than the kernel
      {5, 33, 20, 19, 65, 1, 1, 0, 0, 1, 0, 1},   // a product per pixel
      {5, 33, 20, 19, 65, 1, 1, 0, 0, 2, 0, 1},   //
      {13, 16, 29, 31, 31, 2, 2, 0, 0, 2, 0, 1},  // each pixel once
      {70, 130, 9, 8, 17, 4, 4, 0, 0, 2, 1, 1},   // images side by side, slices of channels
      {16, 9, 4, 4, 300, 4, 4, 0, 0, 2, 1, 1},    // two positions per tile, blocks of weights
      {48, 33, 7, 9, 17, 3, 3, 0, 0, 1, 1, 1},    // the same, and blocks of images
      {8, 300, 5, 4, 9, 2, 3, 0, 0, 3, 2, 1},     //
      {2, 3, 25, 24, 5, 23, 23, 0, 0, 1, 0, 1},   // more taps than a slice of k
      {33, 130, 9, 8, 9, 1, 1, 0, 0, 1, 0, 1},    // 1 x 1 kernels, many channels
      {33, 9, 19, 18, 15, 7, 7, 0, 0, 1, 3, 2},   // more runs than a tile takes at once
      {5, 1, 28, 28, 30, 4, 4, 0, 0, 2, 1, 1},    // a window in registers
      {9, 2, 20, 30, 9, 3, 3, 0, 0, 1, 1, 1},     //
      {3, 1, 34, 64, 19, 3, 3, 0, 0, 1, 1, 1},    // the same, whole strips in a row
      {6, 3, 64, 64, 19, 4, 4, 0, 0, 2, 1, 1},    // whole strips
      {16, 3, 8, 32, 19, 3, 3, 0, 0, 1, 1, 1},    // two images per block
      {2, 8, 34, 64, 12, 4, 4, 0, 0, 2, 1, 1},    // input gradient with whole strips
      {23, 3, 40, 40, 58, 3, 3, 0, 0, 1, 1, 1},   // non-temporal stores
      {5, 12, 17, 19, 20, 7, 7, 0, 0, 1, 3, 1},   // windows of two blocks of channels
      {2, 11, 40, 70, 18, 7, 7, 0, 0, 2, 3, 2},   //
      {16, 11, 9, 9, 6, 7, 7, 0, 0, 1, 3, 1},     // and two images
      {3, 17, 5, 6, 9, 3, 2, 0, 0, 1000, 1, 1}};  // phases without elements
  Checker checker;
  for (const Conv2d& s : geometries) checker.check(complete(s), 3);
}

TEST_CASE("convolutions of empty extents give zeros or empty results") {
  Checker checker;
  const Conv2d geometries[] = {{2, 0, 5, 4, 3, 2, 2, 0, 0, 1, 1, 1},   // no input channels
                               {2, 3, 5, 4, 0, 2, 2, 0, 0, 2, 1, 1},   // no output channels
                               {2, 0, 5, 4, 0, 2, 2, 0, 0, 1, 0, 1},   // neither
                               {2, 0, 5, 4, 3, 5, 4, 0, 0, 1, 0, 1},   // whole images, no channels
                               {2, 3, 0, 4, 7, 3, 3, 0, 0, 1, 2, 1},   // padding alone
                               {2, 3, 0, 0, 7, 2, 2, 0, 0, 2, 1, 1},   //
                               {33, 9, 0, 4, 7, 3, 3, 0, 0, 1, 2, 1},  // of many images
                               {33, 9, 4, 0, 7, 3, 3, 0, 0, 1, 2, 1},  //
                               {33, 0, 4, 5, 7, 3, 3, 0, 0, 1, 2, 1},  //
                               {0, 3, 5, 4, 7, 2, 2, 0, 0, 1, 1, 1}};  // no images
  for (const Conv2d& s : geometries) checker.check(complete(s), 3);
}

// Each element of a result is a dot product, with the same bounds as in gemm_test.cpp. Its number
// of terms is C KH KW (forward), at most O KH KW (input gradient) or N OH OW (weight gradient).
TEST_CASE("the rounding error of convolutions stays within its bounds") {
  // n, c, h, w, o, kh, kw, oh, ow, stride, padding, dilation
  const Conv2d geometries[] = {{2, 3, 9, 8, 5, 3, 3, 0, 0, 1, 1, 1},
                               {2, 512, 6, 5, 17, 4, 4, 0, 0, 1, 0, 1},   // forward: 8192 terms
                               {1, 5, 9, 8, 2048, 4, 4, 0, 0, 2, 1, 1},   // input gradient: 8192
                               {32, 5, 32, 33, 7, 4, 4, 0, 0, 2, 1, 1}};  // weight gradient: 8192
  for (const Conv2d& incomplete : geometries) {
    const Conv2d s = complete(incomplete);
    const std::string geometry = text(s);
    CAPTURE(geometry);
    for (const bool one_sign : {false, true}) {
      CAPTURE(one_sign);
      const auto draw = [&](uint64_t seed, int64_t count) {
        std::vector<Scalar> values = Random(seed).normal({count}).to_vector();
        for (Scalar& value : values) value = one_sign ? std::abs(value) : value;
        return values;
      };
      const auto magnitudes = [](std::vector<Scalar> values) {
        for (Scalar& value : values) value = std::abs(value);
        return values;
      };
      const std::vector<Scalar> x = draw(1, x_size(s)), weight = draw(2, weight_size(s));
      const std::vector<Scalar> g = draw(3, y_size(s));
      const Results exact = by_definition(s, x.data(), weight.data(), g.data());
      const Results magnitude =
          by_definition(s, magnitudes(x).data(), magnitudes(weight).data(), magnitudes(g).data());
      const auto check = [&](const std::vector<Scalar>& found, const std::vector<double>& expected,
                             const std::vector<double>& of_terms, int64_t terms) {
        const double worst = largest_error(found, expected, of_terms);
        CHECK(worst <= static_cast<double>(terms));
        CHECK(worst <= (one_sign ? 2 * std::sqrt(static_cast<double>(terms)) : 16));
      };
      for (const Kernels* set : kernel_sets()) {
        const std::string kernels = set->name;
        CAPTURE(kernels);
        std::vector<Scalar> y(g.size()), dx(x.size()), dweight(weight.size());
        set->conv2d(s, x.data(), weight.data(), y.data());
        check(y, exact.y, magnitude.y, s.c * s.kh * s.kw);
        set->conv2d_input_grad(s, g.data(), weight.data(), dx.data());
        check(dx, exact.dx, magnitude.dx, s.o * s.kh * s.kw);
        set->conv2d_weight_grad(s, g.data(), x.data(), dweight.data());
        check(dweight, exact.dweight, magnitude.dweight, s.n * s.oh * s.ow);
      }
    }
  }
}

TEST_CASE("convolutions have the same bits for any number of threads") {
  const Conv2d geometries[] = {
      {16, 8, 28, 26, 16, 4, 4, 0, 0, 2, 1, 1}, {3, 17, 40, 37, 33, 3, 3, 0, 0, 1, 1, 1},
      {9, 129, 8, 7, 65, 4, 4, 0, 0, 2, 1, 1},  {20, 3, 13, 12, 4, 5, 5, 0, 0, 3, 2, 2},
      {64, 32, 7, 5, 64, 7, 5, 0, 0, 1, 0, 1},  {70, 130, 9, 8, 17, 4, 4, 0, 0, 2, 1, 1},
      {33, 9, 19, 18, 15, 7, 7, 0, 0, 1, 3, 2}, {16, 9, 4, 4, 300, 4, 4, 0, 0, 2, 1, 1},
      {32, 40, 12, 60, 7, 2, 2, 0, 0, 1, 0, 1}};
  for (const Conv2d& s : geometries) check_thread_independence(complete(s), kernel_sets());
}

}  // namespace forger
