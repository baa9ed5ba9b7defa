// Tests convolutions with extreme stride, padding, dilation or kernel. Their scratch memory must
// be proportional to the operands, and their results must have the reference's bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/memory.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"
#include "threads.h"

namespace forger {
namespace {

constexpr int64_t kMost = int64_t{1} << 20;  // of stride, padding and dilation

struct Case {
  std::string what;
  Shape x, weight;
  ConvOptions options;
  bool input_grad = true;  // false if the reference takes seconds
};

const Case kCases[] = {
    {"few taps for a large stride", {1, 1, 2048, 2048}, {8, 1, 1, 1}, {.stride = 512}},
    {"the same for many images", {16, 8, 192, 192}, {8, 8, 1, 1}, {.stride = 192}},
    {"one output channel", {1, 2, 512, 512}, {1, 2, 1, 1}, {.stride = 512}},
    {"a wide image of one row", {1, 1, 1, 1 << 19}, {5, 1, 1, 1}, {.stride = 1 << 18}},
    {"a single pixel in padding",
     {1, 1, 1, 1},
     {1, 1, 1, 1},
     {.stride = kMost, .padding = kMost, .dilation = kMost}},
    {"five output channels",
     {1, 1, 1, 1},
     {5, 1, 1, 1},
     {.stride = kMost, .padding = kMost, .dilation = kMost}},
    {"distant taps", {1, 1, 1, 1}, {8, 1, 2, 2}, {.padding = kMost / 2, .dilation = kMost}},
    {"distant taps of one channel",
     {2, 1, 1, 1},
     {1, 1, 2, 2},
     {.stride = 3, .padding = kMost / 2, .dilation = kMost}},
    {"taps half an image apart", {1, 1, 1024, 1024}, {8, 1, 2, 2}, {.dilation = 512}},
    {"more padding than image", {1, 1, 8, 8}, {8, 1, 2, 2}, {.stride = 4096, .padding = 4096}},
    {"a wide kernel", {1, 1, 32, 1100}, {5, 1, 30, 600}, {}, false},
    {"a tall kernel", {1, 1, 256, 512}, {2, 1, 128, 511}, {}, false},
    {"as many taps as pixels between them", {1, 3, 640, 640}, {5, 3, 2, 3}, {.stride = 320}},
    {"a large kernel of many channels", {8, 32, 64, 64}, {1, 32, 200, 200}, {.padding = 70}, false},
    {"a kernel larger than the image", {8, 32, 32, 32}, {1, 32, 100, 100}, {.padding = 40}, false},
    {"a large kernel for a large stride",
     {16, 16, 64, 64},
     {1, 16, 64, 64},
     {.stride = 32, .padding = 32}},
    {"a long kernel of one row", {8, 1, 1, 4099}, {256, 1, 1, 4096}, {}, false},
};

/// Integers whose sums are exact.
Tensor whole(const Shape& shape, uint64_t seed) {
  Random random(seed);
  const Tensor x = Tensor::empty(shape);
  Scalar* const data = x.mutable_data();
  for (int64_t i = 0; i < x.numel(); ++i) data[i] = static_cast<Scalar>(random.bits() % 5) - 2;
  return x;
}

/// An upper bound of the bytes that f takes. The peak may be that of an earlier call.
template <class F>
int64_t bytes_taken(const F& f) {
  const size_t before = memory::stats().in_use;
  f();
  return static_cast<int64_t>(memory::stats().peak - before);
}

}  // namespace

// memory::stats().peak never falls, so the cases with small operands come first.
TEST_CASE("upsampling a long row into a column needs no intermediate plane") {
  const Tensor x = whole({1, 1, 1, 3000}, 1);
  Tensor y;
  CHECK(bytes_taken([&] { y = upsample_nearest2d(x, 3000, 1); }) < int64_t{30} << 20);
  CHECK(y.to_vector() == std::vector<Scalar>(3000, x.data()[0]));
}

TEST_CASE("scratch memory of convolutions is proportional to the operands") {
  const Threads threads(2);
  const std::string active = kernels::active().name;
  std::vector<const Case*> cases;
  for (const Case& c : kCases) cases.push_back(&c);
  const auto size = [](const Case* c) { return c->x.numel() + c->weight.numel(); };
  std::stable_sort(cases.begin(), cases.end(),
                   [&](const Case* a, const Case* b) { return size(a) < size(b); });
  for (const Case* c : cases) {
    CAPTURE(c->what);
    const Tensor x = whole(c->x, 1), weight = whole(c->weight, 2);
    const int64_t h = c->x[2], w = c->x[3], kh = c->weight[2], kw = c->weight[3];
    kernels::activate("reference");
    const Tensor y = conv2d(x, weight, {}, c->options), g = whole(y.shape(), 3);
    const Tensor dx = c->input_grad ? conv2d_input_grad(g, weight, h, w, c->options) : Tensor();
    const Tensor dw = conv2d_weight_grad(g, x, kh, kw, c->options);
    const int64_t operands =
        static_cast<int64_t>(sizeof(Scalar)) * (x.numel() + weight.numel() + y.numel());
    const auto check = [&](const Tensor& expected, const auto& f) {
      Tensor found;
      CHECK(bytes_taken([&] { found = f(); }) < 4 * operands + (int64_t{40} << 20));
      CHECK(found.to_vector() == expected.to_vector());
    };
    on_every_kernel_set([&] {
      if (&kernels::active() == &kernels::kReference) return;
      check(y, [&] { return conv2d(x, weight, {}, c->options); });
      if (c->input_grad) check(dx, [&] { return conv2d_input_grad(g, weight, h, w, c->options); });
      check(dw, [&] { return conv2d_weight_grad(g, x, kh, kw, c->options); });
    });
  }
  kernels::activate(active.c_str());
}

}  // namespace forger
