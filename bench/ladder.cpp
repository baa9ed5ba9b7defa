#include "bench/ladder/ladder.h"

#include <string_view>

#include "bench/bench.h"

namespace forger::bench {
namespace {

bool has_avx2() {  // what the rungs are compiled for
  for (int i = 0; i < kernels::available_count(); ++i) {
    if (std::string_view(kernels::available(i).name) == "avx2") return true;
  }
  return false;
}

void add_matmul_ladder() {
  constexpr int64_t kSize = 1024;
  const Tensor a = small_integers({kSize, kSize}, 1), b = small_integers({kSize, kSize}, 2);
  const Tensor c = Tensor::empty({kSize, kSize}), expected = Tensor::empty({kSize, kSize});
  const auto library = [](int64_t m, int64_t n, int64_t k, const float* x, const float* y,
                          float* z) {
    kernels::active().gemm({m, n, k, x, k, 1, y, n, 1, z, n, false});
  };
  // The AVX2 set stands in for the reference, which walks down B's columns and would take seconds.
  // The tests and add_matmul() compare the two.
  library(kSize, kSize, kSize, a.data(), b.data(), expected.mutable_data());
  const std::pair<const char*, ladder::MatMul*> rungs[] = {
      {"1_loops", ladder::matmul_loops},
      {"2_rows", ladder::matmul_rows},
      {"3_registers", ladder::matmul_registers},
      {"4_panels", ladder::matmul_panels},
      {"5_blocks", ladder::matmul_blocks},
      {"6_threads", ladder::matmul_threads},
      {"7_library", library}};
  for (const auto& named : rungs) {
    const auto rung = named.second;
    add("matmul_ladder", "1024x1024x1024", named.first, [=](benchmark::State& state) {
      check_and_time(
          state, 2.0 * kSize * kSize * kSize,
          [&] { rung(kSize, kSize, kSize, a.data(), b.data(), c.mutable_data()); }, c, expected);
    });
  }
}

void add_conv_ladder() {
  static constexpr kernels::Conv2d kLayer{16, 64, 32, 32, 128, 4, 4, 16, 16, 2, 1, 1};
  const Tensor x = small_integers({16, 64, 32, 32}, 1), weight = small_integers({128, 64, 4, 4}, 2);
  const Tensor y = Tensor::empty({16, 128, 16, 16}), expected = Tensor::empty(y.shape());
  const auto library = [](const kernels::Conv2d& s, const float* from, const float* by, float* to) {
    kernels::active().conv2d(s, from, by, to);
  };
  library(kLayer, x.data(), weight.data(), expected.mutable_data());
  const std::pair<const char*, ladder::Conv*> rungs[] = {
      {"1_loops", ladder::conv_loops},     {"2_im2col", ladder::conv_im2col},
      {"3_frame", ladder::conv_frame},     {"4_implicit", ladder::conv_implicit},
      {"5_threads", ladder::conv_threads}, {"6_library", library}};
  for (const auto& named : rungs) {
    const auto rung = named.second;
    add("conv2d_ladder", "n16_64x32x32_to_128_k4s2p1", named.first, [=](benchmark::State& state) {
      check_and_time(
          state, 2.0 * static_cast<double>(y.numel()) * 64 * 4 * 4,
          [&] { rung(kLayer, x.data(), weight.data(), y.mutable_data()); }, y, expected);
    });
  }
}

}  // namespace

void add_ladders() {
  if (!has_avx2()) return;
  add_matmul_ladder();
  add_conv_ladder();
}

}  // namespace forger::bench
