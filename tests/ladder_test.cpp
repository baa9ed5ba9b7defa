// Tests the kernels of bench/ladder as kernel sets, because a chapter can train on them.
#include "bench/ladder/ladder.h"

#include <doctest/doctest.h>

#include <string>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "kernel_sets.h"

namespace forger {
namespace {

Tensor whole(const Shape& shape, uint64_t seed) {
  Random random(seed);
  const Tensor x = Tensor::empty(shape);
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.mutable_data()[i] = static_cast<Scalar>(random.below(9) - 4);
  }
  return x;
}

/// Concatenated results of products and convolutions whose extents all leave remainders.
std::vector<Scalar> results() {
  std::vector<Scalar> all;
  const auto keep = [&](const Tensor& y) { all.insert(all.end(), y.data(), y.data() + y.numel()); };
  for (const bool a : {false, true}) {
    for (const bool b : {false, true}) {
      keep(matmul(whole(a ? Shape{300, 101} : Shape{101, 300}, 1),
                  whole(b ? Shape{35, 300} : Shape{300, 35}, 2), {a, b}));
    }
  }
  keep(matmul(whole({5, 0}, 1), whole({0, 3}, 2)));
  keep(linear(whole({5, 7}, 1), whole({3, 7}, 2), whole({3}, 3)));
  for (const auto& [kernel, options] :
       {std::pair{4, ConvOptions{2, 1, 1}}, {3, ConvOptions{2, 2, 2}}, {1, ConvOptions{3, 0, 1}}}) {
    const Tensor x = whole({2, 5, 11, 10}, 4), weight = whole({7, 5, kernel, kernel}, 5);
    const Tensor y = conv2d(x, weight, {}, options);
    keep(y);
    keep(conv2d_input_grad(whole(y.shape(), 6), weight, 11, 10, options));
    keep(conv2d_weight_grad(whole(y.shape(), 6), x, kernel, kernel, options));
  }
  return all;
}

}  // namespace

TEST_CASE("the ladder's convolutions match the reference kernel") {
  if (kernels::available_count() == 1) return;  // they are compiled for AVX2
  for (const kernels::Conv2d& s : {kernels::Conv2d{3, 5, 11, 10, 7, 4, 4, 5, 5, 2, 1, 1},
                                   {2, 17, 9, 8, 33, 3, 2, 9, 10, 1, 2, 1},
                                   {1, 0, 4, 4, 3, 2, 2, 3, 3, 1, 0, 1}}) {
    const Tensor x = whole({s.n, s.c, s.h, s.w}, 1), weight = whole({s.o, s.c, s.kh, s.kw}, 2);
    const Tensor y = Tensor::empty({s.n, s.o, s.oh, s.ow}), expected = Tensor::empty(y.shape());
    kernels::kReference.conv2d(s, x.data(), weight.data(), expected.mutable_data());
    for (ladder::Conv* rung : {ladder::conv_loops, ladder::conv_im2col, ladder::conv_frame,
                               ladder::conv_implicit, ladder::conv_threads}) {
      rung(s, x.data(), weight.data(), y.mutable_data());
      CHECK(y.to_vector() == expected.to_vector());
    }
  }
}

TEST_CASE("every kernel set of the ladder matches the reference set") {
  const std::string before = kernels::active().name;
  kernels::activate("reference");
  const std::vector<Scalar> expected = results();
  const bool avx2 = kernels::available_count() > 1;
  for (const char* rung : {"loops", "rows", "registers", "panels", "blocks", "threads"}) {
    if (!avx2) break;
    CAPTURE(rung);
    kernels::activate(rung);
    CHECK(results() == expected);
  }
  kernels::activate(before.c_str());
}

}  // namespace forger
