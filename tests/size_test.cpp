// Sizes that no memory holds: refused before anything is allocated, by the op's own name.
#include <doctest/doctest.h>

#include <functional>

#include "autograd/memory.h"
#include "autograd/ops.h"
#include "message.h"

namespace forger {
namespace {

constexpr int64_t power(int exponent) { return int64_t{1} << exponent; }
constexpr int64_t k31 = power(31), k40 = power(40), k62 = power(62);

struct Case {
  std::string what;
  std::function<void()> f;
};

}  // namespace

TEST_CASE("sizes past 2^31, 2^62 and 2^63 are refused before memory is asked for") {
  const Tensor image = Tensor::ones({2, 4, 4, 4}), weight = Tensor::ones({4, 4, 3, 3});
  // No elements, but extents whose product with others' is beyond any number.
  const Tensor tall = Tensor::zeros({k40, 0}), wide = Tensor::zeros({0, k40});
  const Tensor row = Tensor::ones({1, 2}), half = Tensor::zeros({power(46), 0});
  const Case cases[] = {
      {"zeros",
       [&] {
         (void)Tensor::zeros({k31, k31});
       }},
      {"zeros of 2^63",
       [&] {
         (void)Tensor::zeros({k62, 2});
       }},
      {"a zero hides no product",
       [&] {
         (void)Tensor::zeros({k62, 0, 4});
       }},
      {"ones",
       [&] {
         (void)Tensor::ones({k40, k40});
       }},
      {"full",
       [&] {
         (void)Tensor::full({k62, k31}, 3);
       }},
      {"matmul over nothing", [&] { matmul(tall, wide); }},
      {"linear over nothing",
       [&] {
         linear(tall, Tensor::zeros({k40, 0}));
       }},
      {"broadcast",
       [&] {
         Tensor::zeros({k40, 1, 0}) + tall;
       }},
      {"broadcast_to",
       [&] {
         broadcast_to(row, {k62, 2});
       }},
      {"reshape",
       [&] {
         reshape(tall, {k62, 0, 4});
       }},
      {"pad", [&] { pad(row, 0, k62, k62); }},
      {"pad one side", [&] { pad(row, 1, 0, INT64_MAX); }},
      {"concat",
       [&] {
         concat({half, half, half}, 0);
       }},
      {"stack",
       [&] {
         stack({half, half, half}, 0);
       }},
      {"scatter_add",
       [&] {
         scatter_add(row, 0, {{1, 2}, {0, 0}}, k62);
       }},
      {"index_add", [&] { index_add(row, 0, {0}, k62); }},
      {"one_hot",
       [&] {
         one_hot({1, 2}, k62);
       }},
      {"upsample_nearest2d", [&] { upsample_nearest2d(image, k31, k31); }},
      {"upsample_bilinear2d", [&] { upsample_bilinear2d(image, k31, 1); }},
      {"adaptive_avg_pool2d", [&] { adaptive_avg_pool2d(image, k40, k40); }},
      {"avg_pool2d", [&] { avg_pool2d(image, {.kernel = 2, .stride = 1, .padding = k62}); }},
      {"max_pool2d", [&] { max_pool2d(image, {.kernel = k62, .stride = 1, .padding = k62}); }},
      {"pixel_shuffle", [&] { pixel_shuffle(image, k31 * 2); }},
      {"pixel_unshuffle", [&] { pixel_unshuffle(image, k62); }},
      {"conv2d padding", [&] { conv2d(image, weight, {}, {.padding = k62}); }},
      {"conv2d dilation", [&] { conv2d(image, weight, {}, {.dilation = k62}); }},
      {"conv2d output", [&] { conv2d(image, weight, {}, {.padding = k31}); }},
      {"conv2d_input_grad", [&] { conv2d_input_grad(image, weight, k40, k40); }},
      {"conv2d_weight_grad", [&] { conv2d_weight_grad(image, image, k40, k40); }},
      {"conv_transpose2d stride", [&] { conv_transpose2d(image, weight, {}, {.stride = k62}); }},
      {"conv_transpose2d", [&] { conv_transpose2d(image, weight, {}, {.dilation = k40}); }}};
  const memory::Stats before = memory::stats();
  for (const Case& c : cases) {
    CAPTURE(c.what);
    const std::string message = message_of(c.f);
    CHECK(message != "");
    CHECK(message.find("memory") != 0);  // not the allocator's word
  }
  // One or two empty tensors.
  CHECK(memory::stats().peak < before.peak + 1024);
  CHECK(memory::stats().system_requests < before.system_requests + 8);
}

}  // namespace forger
