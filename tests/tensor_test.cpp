// Tensors, shapes, random numbers, the pool, and the ops' values and messages.
#include <doctest/doctest.h>

#include <climits>
#include <cmath>
#include <limits>
#include <sstream>

#include "autograd/kernels/reference/reference.h"
#include "autograd/memory.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "message.h"

namespace forger {
namespace {

using Values = std::vector<Scalar>;

Tensor matrix() { return Tensor::from({2, 3}, {1, 2, 3, 4, 5, 6}); }

}  // namespace

TEST_CASE("shapes count, print and refuse") {
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{2, 0, 3}.numel() == 0);
  CHECK(Shape{2, 3}[-1] == 3);
  CHECK(Shape{2, 3}.str() == "[2, 3]");
  CHECK(message_of([] { Shape{2, -1}; }) == "shape: negative extent\n  found [2, -1]");
  CHECK(message_of([] {
          Shape{1, 2, 3, 4, 5};
        }) == "shape: more than 4 axes\n  found [1, 2, 3, 4, 5]");
  const int64_t big = int64_t{1} << 31;
  CHECK(message_of([&] { Shape{big, big}; }).starts_with("shape: too many elements"));
  CHECK(message_of([&] { Shape{big, big, 0}; }).starts_with("shape: too many elements"));
}

TEST_CASE("an empty shape's extents keep within the bound of all shapes") {
  constexpr int64_t kMost = Shape::kMaxNumel;
  CHECK(Shape{0, kMost}.numel() == 0);
  CHECK(Shape{kMost / 2, 0, 2}.numel() == 0);
  for (const int64_t extent : {kMost + 1, int64_t{1} << 58, INT64_MAX}) {
    const std::string text = std::to_string(extent);
    CHECK(message_of([&] {
            Shape{0, extent};
          }) == "shape: too many elements\n  found [0, " + text + "]");
    CHECK(message_of([&] { Shape{extent}; }) == "shape: too many elements\n  found [" + text + "]");
    CHECK(message_of([&] {
            (void)Shape{2, 0}.with(0, extent);
          }) == "shape: too many elements\n  found [" + text + ", 0]");
  }
  CHECK(message_of([&] { Shape{kMost / 2, 0, 3}; }).starts_with("shape: too many elements"));
}

TEST_CASE("a shape has no axis outside of its rank") {
  const Shape shape{2, 3};
  CHECK(shape[0] == 2);
  CHECK(shape[-2] == 2);
  CHECK(shape.with(-1, 5) == Shape{2, 5});
  for (const int axis : {2, 3, 4, 100, -3, -5, INT_MAX, INT_MIN}) {
    const std::string expected = "shape: no such axis\n  shape  [2, 3]\n  axis " +
                                 std::to_string(axis) + ", expected -2 to 1";
    CHECK(message_of([&] { (void)shape[axis]; }) == expected);
    CHECK(message_of([&] { (void)shape.with(axis, 1); }) == expected);
  }
  CHECK(message_of([&] { (void)Shape{}[0]; }) ==
        "shape: no such axis\n  shape  []\n  axis 0, but the shape has no axes");
  CHECK(message_of([] { Shape(nullptr, -1); }) == "shape: a rank of 0 to 4 expected\n  found -1");
}

TEST_CASE("at takes one index per axis, each counted from 0") {
  const auto refused = [](const Tensor& x, std::initializer_list<int64_t> index) {
    return message_of([&] { (void)x.at(index); });
  };
  CHECK(Tensor::scalar(7).at({}) == 7);
  CHECK(refused(Tensor::scalar(7), {3, 1}) ==
        "at: one index per axis expected\n  x      []\n  index  [3, 1]");
  CHECK(refused(Tensor::scalar(7), {0}) ==
        "at: one index per axis expected\n  x      []\n  index  [0]");
  CHECK(refused(matrix(), {1}) == "at: one index per axis expected\n  x      [2, 3]\n  index  [1]");
  CHECK(refused(matrix(), {0, 0, 0, 0, 0}) ==
        "at: one index per axis expected\n  x      [2, 3]\n  index  [0, 0, 0, 0, 0]");
  CHECK(refused(matrix(), {-1, 0}) == "at: index out of range\n  x      [2, 3]\n  index  [-1, 0]");
  CHECK(refused(matrix(), {0, INT64_MAX}) ==
        "at: index out of range\n  x      [2, 3]\n  index  [0, 9223372036854775807]");
  CHECK(refused(Tensor::zeros({0, 3}), {0, 0}) ==
        "at: index out of range\n  x      [0, 3]\n  index  [0, 0]");
}

TEST_CASE("an undefined tensor has no elements, and says so") {
  Tensor x;
  CHECK(x.numel() == 0);
  CHECK(!x.detach().defined());
  CHECK(!x.grad().defined());
  const auto undefined = [](const char* op) {
    return std::string(op) +
           ": the tensor is undefined\n"
           "  a gradient is undefined until a backward pass has reached it";
  };
  CHECK(message_of([&] { (void)x.item(); }) == undefined("item"));
  CHECK(message_of([&] { (void)x.at({}); }) == undefined("at"));
  CHECK(message_of([&] { (void)x.clone(); }) == undefined("clone"));
  CHECK(message_of([&] { (void)x.to_vector(); }) == undefined("to_vector"));
  CHECK(message_of([&] { (void)x.data(); }) == undefined("data"));
  CHECK(message_of([&] { x.mutable_data(); }) == undefined("mutable_data"));
  CHECK(message_of([&] { x.set_requires_grad(); }) == undefined("set_requires_grad"));
}

TEST_CASE("tensors and shapes can be written to a stream") {
  std::ostringstream out;
  out << matrix() << " " << Tensor() << " " << Shape{2, 3} << " " << Shape{};
  CHECK(out.str() == "[2, 3] {{1, 2, 3}, {4, 5, 6}} undefined [2, 3] []");
}

TEST_CASE("a tensor's elements and text") {
  CHECK(matrix().at({1, 2}) == 6);
  CHECK(matrix().str() == "[2, 3] {{1, 2, 3}, {4, 5, 6}}");
  CHECK(Tensor().str() == "undefined");
  CHECK(Tensor::scalar(2).item() == 2);
  CHECK(Tensor::zeros({20}).str() == "[20] {0, 0, 0, 0, ..., 0, 0, 0, 0}");
  CHECK(message_of([] {
          (void)matrix().at({2, 0});
        }) == "at: index out of range\n  x      [2, 3]\n  index  [2, 0]");
  CHECK(message_of([] { (void)matrix().item(); }) == "item: one element expected\n  found [2, 3]");
  CHECK(message_of([] { (void)Tensor::from({2}, {1}); }) ==
        "Tensor::from: as many values as elements expected\n"
        "  shape  [2], 2 elements\n  values 1");
}

TEST_CASE("copies share storage, clones do not") {
  const Tensor x = matrix(), same = x, other = x.clone(), reshaped = reshape(x, {6});
  x.mutable_data()[0] = 9;
  CHECK(same.at({0, 0}) == 9);
  CHECK(reshaped.at({0}) == 9);
  CHECK(other.at({0, 0}) == 1);
}

TEST_CASE("relu is 0 for all below 0, infinity included, and passes a NaN on") {
  const Scalar inf = std::numeric_limits<Scalar>::infinity();
  const Tensor y = relu(Tensor::from({5}, {-inf, -3, 0, 2, inf}));
  CHECK(y.to_vector() == Values{0, 0, 0, 2, inf});
  CHECK(!std::signbit(y.at({1})));
  CHECK(std::isnan(relu(Tensor::scalar(std::nanf(""))).item()));
}

TEST_CASE("operators mix tensors and numbers on either side") {
  const Tensor x = Tensor::from({2}, {2, 4});
  CHECK((1 - x).to_vector() == Values{-1, -3});
  CHECK((x / 2).to_vector() == Values{1, 2});
  CHECK((8 / x).to_vector() == Values{4, 2});
  CHECK((-x + 1).to_vector() == Values{-1, -3});
  CHECK((x * x).to_vector() == Values{4, 16});
}

TEST_CASE("reductions") {
  CHECK(sum(matrix()).item() == 21);
  CHECK(sum(matrix(), {0}).to_vector() == Values{5, 7, 9});
  CHECK(sum(matrix(), {-1}, true).shape() == Shape{2, 1});
  CHECK(mean(matrix(), {1}).to_vector() == Values{2, 5});
  CHECK(sum(Tensor::zeros({0, 3}), {0}).to_vector() == Values{0, 0, 0});
  const Tensor x = reshape(matrix(), {1, 2, 3, 1}) * Tensor::ones({2, 1, 1, 2});
  CHECK(sum(x, {0, 2}).to_vector() == Values{12, 12, 30, 30});
  CHECK(sum(x, {1, 3}).to_vector() == Values{10, 14, 18, 10, 14, 18});
}

TEST_CASE("slice, pad and concat") {
  CHECK(slice(matrix(), 1, 1, 3).to_vector() == Values{2, 3, 5, 6});
  CHECK(slice(matrix(), 0, 1, 1).shape() == Shape{0, 3});
  CHECK(pad(matrix(), 1, 1, 0).to_vector() == Values{0, 1, 2, 3, 0, 4, 5, 6});
  CHECK(concat({matrix(), Tensor::zeros({2, 1})}, 1).to_vector() == Values{1, 2, 3, 0, 4, 5, 6, 0});
  CHECK(concat({matrix(), matrix()}, 0).shape() == Shape{4, 3});
}

TEST_CASE("losses at logits where the naive formula overflows") {
  const Tensor x = Tensor::from({4}, {1e4, -1e4, 1e4, -1e4});
  const Tensor t = Tensor::from({4}, {1, 0, 0, 1});
  CHECK(bce_with_logits(x, t).item() == doctest::Approx(5e3));
  CHECK(bce_with_logits(x, 1).item() == doctest::Approx(5e3));
  CHECK(softmax_cross_entropy(Tensor::from({1, 2}, {1e4, -1e4}), {1}).item() ==
        doctest::Approx(2e4));
  CHECK(softmax_cross_entropy(Tensor::zeros({3, 4}), {0, 1, 3}).item() ==
        doctest::Approx(std::log(4)));
}

TEST_CASE("ops name themselves, both shapes and what was expected") {
  CHECK(message_of([] { add(matrix(), Tensor::ones({2})); }) ==
        "add: shapes do not broadcast\n  a  [2, 3]\n  b  [2]\n  axis -1: 3 against 2");
  CHECK(message_of([] { matmul(matrix(), matrix()); }) ==
        "matmul: inner extents differ\n  a  [2, 3]  (M, K)\n  b  [2, 3]  (K, N)");
  CHECK(message_of([] { matmul(matrix(), Tensor::ones({3})); }) ==
        "matmul: two matrices expected\n  a  [2, 3]  (M, K)\n  b  [3]  (K, N)");
  CHECK(message_of([] {
          linear(matrix(), Tensor::ones({4, 2}));
        }) ==
        "linear: shapes do not fit\n  x       [2, 3]  (..., I)\n  weight  [4, 2]  (O, I)\n"
        "  bias    none");
  CHECK(message_of([] { sum(matrix(), {2}); }) ==
        "sum: no such axis\n  x  [2, 3]\n  axis 2, expected -2 to 1");
  CHECK(message_of([] {
          sum(matrix(), {1, -1});
        }) == "sum: axis given twice\n  x  [2, 3]\n  axis -1");
  CHECK(message_of([] { mean(Tensor::zeros({0})); }) == "mean: no elements\n  x  [0]");
  CHECK(message_of([] {
          reshape(matrix(), {4, -1});
        }) ==
        "reshape: no extent fits in place of -1\n"
        "  x        [2, 3], 6 elements\n"
        "  extents  [4, -1]");
  CHECK(message_of([] { slice(matrix(), 0, 1, 3); }) ==
        "slice: range outside of the axis\n  x      [2, 3]\n"
        "  range  [1, 3) of axis 0, expected within [0, 2)");
  CHECK(message_of([] {
          concat({matrix(), Tensor::ones({3, 2})}, 0);
        }) ==
        "concat: the parts agree in all other axes\n  part 0  [2, 3]\n  part 1  [3, 2]\n  axis 0");
  CHECK(message_of([] {
          conv2d(Tensor::ones({1, 3, 4, 4}), Tensor::ones({2, 1, 3, 3}));
        }) ==
        "conv2d: x and weight differ in channels\n  x       [1, 3, 4, 4]  (N, C, H, W)\n"
        "  weight  [2, 1, 3, 3]  (O, C, KH, KW)\n  stride 1, padding 0, dilation 1");
  CHECK(message_of([] {
          conv2d(Tensor::ones({1, 1, 2, 2}), Tensor::ones({1, 1, 3, 3}));
        }).starts_with("conv2d: the kernel is larger than the padded image\n"));
  CHECK(message_of([] {
          batch_norm(Tensor::ones({1, 3}), Tensor::ones({3}), Tensor::ones({3}));
        }).starts_with("batch_norm: a variance needs at least two values per channel\n"));
  CHECK(message_of([] { bce_with_logits(matrix(), Tensor::ones({2})); }) ==
        "bce_with_logits: logits and targets need the same shape\n  logits   [2, 3]\n"
        "  targets  [2]");
  CHECK(message_of([] {
          softmax_cross_entropy(matrix(), {0, 3});
        }) == "softmax_cross_entropy: label out of range\n  label 1 is 3, expected 0 to 2");
  CHECK(message_of([] { leaky_relu(matrix(), -1); }) ==
        "leaky_relu: a finite slope of at least 0 expected\n  slope  -1.000000");
}

TEST_CASE("an error names the user's line") {
  std::string text;
  const int line = __LINE__ + 2;
  try {
    matrix() + Tensor::ones({2});
  } catch (const Error& error) {
    text = error.what();
  }
  CAPTURE(text);
  CHECK(text.ends_with("\n  at tests/tensor_test.cpp:" + std::to_string(line)));
}

TEST_CASE("Philox4x32-10 gives its authors' known answers") {
  // Random123's kat_vectors: counter and key all zeros, all ones, and the digits of pi.
  using Block = std::array<uint32_t, 4>;
  using kernels::reference::philox;
  constexpr uint32_t kOnes = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random numbers are a function of seed, stream and counter") {
  const auto draw = [](uint64_t seed, uint64_t stream) {
    return Random(seed, stream).normal({100'000}).to_vector();
  };
  const Values x = draw(1, 2);
  CHECK(x == draw(1, 2));
  CHECK(x != draw(1, 3));
  CHECK(x != draw(2, 2));
  double mean = 0, square = 0, fourth = 0;
  for (double value : x) {
    mean += value / 1e5;
    square += value * value / 1e5;
    fourth += value * value * value * value / 1e5;
  }
  // Five standard errors of each moment of 100,000 standard normal numbers.
  CHECK(std::abs(mean) < 5 * std::sqrt(1 / 1e5));
  CHECK(std::abs(square - 1) < 5 * std::sqrt(2 / 1e5));
  CHECK(std::abs(fourth - 3) < 5 * std::sqrt(96 / 1e5));

  Random random(5);
  const Tensor first = random.uniform({10});
  const uint64_t counter = random.counter();
  const Tensor second = random.uniform({10});
  random.set_counter(counter);
  CHECK(random.uniform({10}).to_vector() == second.to_vector());
  CHECK(first.to_vector() != second.to_vector());
  int64_t counts[5] = {};
  for (int i = 0; i < 10'000; ++i) ++counts[random.below(5)];
  for (int64_t count : counts) CHECK(std::abs(static_cast<double>(count) - 2000) < 200);
}

TEST_CASE("a tensor's random numbers are those of one block after the other") {
  for (const bool normal : {false, true}) {
    const auto draw = [normal](uint64_t counter, int64_t count) {
      Random random(1, 2);
      random.set_counter(counter);
      return (normal ? random.normal({count}) : random.uniform({count})).to_vector();
    };
    const std::vector<Scalar> all = draw(10, 12);
    for (size_t block = 0; block < 3; ++block) {
      CHECK(draw(10 + block, 4) == std::vector<Scalar>(&all[4 * block], &all[4 * block] + 4));
    }
  }
}

TEST_CASE("the pool reuses blocks and keeps count") {
  memory::trim();
  const memory::Stats before = memory::stats();
  { const Tensor x = Tensor::zeros({1000}); }
  const uint64_t requests = memory::stats().system_requests;
  for (int i = 0; i < 100; ++i) (void)Tensor::zeros({990 + i % 10});
  CHECK(memory::stats().system_requests == requests);
  CHECK(memory::stats().in_use == before.in_use);
  CHECK(memory::stats().cached > before.cached);
  memory::trim();
  CHECK(memory::stats().cached == 0);
  for (size_t bytes :
       {size_t{0}, size_t{1}, size_t{64}, size_t{65}, size_t{4095}, size_t{1} << 20}) {
    void* block = memory::acquire(bytes);
    CHECK(reinterpret_cast<uintptr_t>(block) % 64 == 0);
    memory::release(block);
  }
  CHECK_THROWS_AS(memory::acquire(size_t{1} << 60), Error);
}

}  // namespace forger
