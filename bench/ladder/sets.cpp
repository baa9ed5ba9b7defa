#include <algorithm>
#include <string_view>
#include <vector>

#include "bench/ladder/ladder.h"

// Makes each rung of the matmul ladder a kernel set that FORGER_KERNELS can name, so that a chapter
// can be trained on it. The rung computes products, and convolutions as products with a matrix of
// windows. The AVX2 set computes the rest.
namespace forger::ladder {
namespace {

using kernels::Conv2d;
using kernels::Gemm;

/// Copies an operand to dense row-major order, which the rungs expect.
std::vector<float> dense(const float* from, int64_t rows, int64_t cols, int64_t row, int64_t col) {
  std::vector<float> to(static_cast<size_t>(rows * cols));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      to[static_cast<size_t>(i * cols + j)] = from[i * row + j * col];
    }
  }
  return to;
}

template <MatMul* rung>
void gemm(const Gemm& s) {
  const std::vector<float> a = dense(s.a, s.m, s.k, s.a_row, s.a_col);
  const std::vector<float> b = dense(s.b, s.k, s.n, s.b_row, s.b_col);
  std::vector<float> c(static_cast<size_t>(s.m * s.n));
  rung(s.m, s.n, s.k, a.data(), b.data(), c.data());
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      float& to = s.c[i * s.c_row + j];
      const float sum = c[static_cast<size_t>(i * s.n + j)];
      to = (s.accumulate ? to + sum : sum) + (s.bias != nullptr ? s.bias[j] : 0.0f);
    }
    kernels::kAvx2.leaky_relu(s.n, s.slope, s.c + i * s.c_row, s.c + i * s.c_row);
  }
}

/// Calls f(at, in_x) for every element of the matrix of windows [c kh kw, oh ow] of one image that
/// lies inside it.
template <class F>
void for_windows(const Conv2d& s, const F& f) {
  int64_t at = 0;
  for (int64_t c = 0; c < s.c; ++c) {
    for (int64_t p = 0; p < s.kh; ++p) {
      for (int64_t q = 0; q < s.kw; ++q) {
        for (int64_t i = 0; i < s.oh; ++i) {
          const int64_t h = i * s.stride + p * s.dilation - s.padding;
          for (int64_t j = 0; j < s.ow; ++j, ++at) {
            const int64_t w = j * s.stride + q * s.dilation - s.padding;
            if (h >= 0 && h < s.h && w >= 0 && w < s.w) f(at, (c * s.h + h) * s.w + w);
          }
        }
      }
    }
  }
}

std::vector<float> windows_of(const Conv2d& s, const float* x) {
  std::vector<float> windows(static_cast<size_t>(s.c * s.kh * s.kw * s.oh * s.ow));
  for_windows(s, [&](int64_t at, int64_t in_x) { windows[static_cast<size_t>(at)] = x[in_x]; });
  return windows;
}

template <MatMul* rung>
void conv2d(const Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow;
  for (int64_t n = 0; n < s.n; ++n) {
    const std::vector<float> windows = windows_of(s, x + n * s.c * s.h * s.w);
    rung(s.o, places, k, weight, windows.data(), y + n * s.o * places);
  }
}

template <MatMul* rung>
void conv2d_input_grad(const Conv2d& s, const float* g, const float* weight, float* dx) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow, size = s.c * s.h * s.w;
  const std::vector<float> transposed = dense(weight, k, s.o, 1, k);
  std::vector<float> windows(static_cast<size_t>(k * places));
  std::fill_n(dx, s.n * size, 0.0f);
  for (int64_t n = 0; n < s.n; ++n) {
    rung(k, places, s.o, transposed.data(), g + n * s.o * places, windows.data());
    for_windows(s, [&](int64_t at, int64_t in_x) {
      dx[n * size + in_x] += windows[static_cast<size_t>(at)];
    });
  }
}

template <MatMul* rung>
void conv2d_weight_grad(const Conv2d& s, const float* g, const float* x, float* dweight) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow;
  std::vector<float> part(static_cast<size_t>(s.o * k));
  std::fill_n(dweight, s.o * k, 0.0f);
  for (int64_t n = 0; n < s.n; ++n) {
    const std::vector<float> windows = windows_of(s, x + n * s.c * s.h * s.w);
    const std::vector<float> transposed = dense(windows.data(), places, k, 1, places);
    rung(s.o, k, places, g + n * s.o * places, transposed.data(), part.data());
    for (size_t i = 0; i < part.size(); ++i) dweight[i] += part[i];
  }
}

template <MatMul* rung>
kernels::Kernels make_set(const char* name) {
  kernels::Kernels set = kernels::kAvx2;
  set.name = name;
  set.description = "a rung of bench/ladder: AVX2, but for products and convolutions";
  set.gemm = gemm<rung>;
  set.conv2d = conv2d<rung>;
  set.conv2d_input_grad = conv2d_input_grad<rung>;
  set.conv2d_weight_grad = conv2d_weight_grad<rung>;
  return set;
}

const kernels::Kernels kSets[] = {
    make_set<matmul_loops>("loops"),         make_set<matmul_rows>("rows"),
    make_set<matmul_registers>("registers"), make_set<matmul_panels>("panels"),
    make_set<matmul_blocks>("blocks"),       make_set<matmul_threads>("threads")};

// Offers the sets in every program that links this file, before main() begins.
const bool offered = [] {
  for (int i = 0; i < kernels::available_count(); ++i) {
    if (std::string_view(kernels::available(i).name) != "avx2") continue;
    for (const kernels::Kernels& set : kSets) kernels::offer(set);
  }
  return true;
}();

}  // namespace
}  // namespace forger::ladder
