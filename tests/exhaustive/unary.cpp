// Every unary kernel of every set on all 2^32 floats, against the C library in double. Too long for
// the suite, which samples (pointwise_test.cpp): see CONTRIBUTING.md. Prints a line for each kernel
// and fails if one is off by more than 2 units in the last place, or by a NaN, an infinity or the
// sign of a zero.
#include <omp.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/shared.h"

namespace forger {
namespace {

using Kernel = void (*)(int64_t n, const float* x, float* y);

struct Function {
  const char* name;
  Kernel kernels::Kernels::*kernel;  // null: the one kernel that all sets share
  Kernel shared;
  double (*exact)(double);
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) {
  return std::isnan(x) ? x : std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}
double rsqrt(double x) { return 1 / std::sqrt(x); }

const Function kFunctions[] = {
    {"sqrt", &kernels::Kernels::sqrt, nullptr, std::sqrt},
    {"exp", &kernels::Kernels::exp, nullptr, std::exp},
    {"log", &kernels::Kernels::log, nullptr, std::log},
    {"tanh", &kernels::Kernels::tanh, nullptr, std::tanh},
    {"sigmoid", &kernels::Kernels::sigmoid, nullptr, sigmoid},
    {"softplus", &kernels::Kernels::softplus, nullptr, softplus},
    {"rsqrt", nullptr, kernels::rsqrt, rsqrt},
    {"erf", nullptr, kernels::erf, std::erf},
};

/// The distance from the exact value in units of the float format's spacing there; infinite where
/// one of the two is NaN, infinite or a zero and the other is not the same. What is the exact value
/// rounded to a float is taken as 1/2, the most that it can be.
double ulps(float found, double exact) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto rounded = static_cast<float>(exact);
  if (std::bit_cast<uint32_t>(found) == std::bit_cast<uint32_t>(rounded)) return 0.5;
  if (std::isnan(found) || std::isnan(rounded)) {
    return std::isnan(found) == std::isnan(rounded) ? 0 : inf;
  }
  if (std::isinf(found) || std::isinf(rounded)) return inf;
  if (found == 0 && rounded == 0) return inf;  // the wrong sign
  const int exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  return std::abs(double{found} - exact) / std::ldexp(1, exponent - 23);
}

struct Worst {
  double ulps = 0;
  float at = 0;
};

/// The worst of all floats for each of the kernels.
std::vector<Worst> worst(const std::vector<Kernel>& kernels, double (*exact)(double)) {
  constexpr int64_t kBlock = 1 << 16;
  std::vector<std::vector<Worst>> of_block(kBlock, std::vector<Worst>(kernels.size()));
#pragma omp parallel
  {
    std::vector<float> x(kBlock), y(kBlock);
    std::vector<double> exact_y(kBlock);
#pragma omp for schedule(dynamic, 64)
    for (int64_t block = 0; block < kBlock; ++block) {
      for (size_t i = 0; i < x.size(); ++i) {
        x[i] =
            std::bit_cast<float>(static_cast<uint32_t>(block * kBlock) + static_cast<uint32_t>(i));
        exact_y[i] = exact(double{x[i]});
      }
      for (size_t k = 0; k < kernels.size(); ++k) {
        // In halves: a kernel's own chunk is as large, and starts no threads inside these.
        kernels[k](kBlock / 2, x.data(), y.data());
        kernels[k](kBlock / 2, x.data() + kBlock / 2, y.data() + kBlock / 2);
        Worst& found = of_block[static_cast<size_t>(block)][k];
        for (size_t i = 0; i < x.size(); ++i) {
          const double off = ulps(y[i], exact_y[i]);
          if (!(off <= found.ulps)) found = {off, x[i]};
        }
      }
    }
  }
  std::vector<Worst> all(kernels.size());
  for (const std::vector<Worst>& block : of_block) {
    for (size_t k = 0; k < all.size(); ++k) {
      if (!(block[k].ulps <= all[k].ulps)) all[k] = block[k];
    }
  }
  return all;
}

int run() {
  int failures = 0;
  for (const Function& f : kFunctions) {
    const int sets = f.kernel ? kernels::available_count() : 1;
    std::vector<Kernel> of_set;
    for (int set = 0; set < sets; ++set) {
      of_set.push_back(f.kernel ? kernels::available(set).*f.kernel : f.shared);
    }
    const std::vector<Worst> found = worst(of_set, f.exact);
    for (int set = 0; set < sets; ++set) {
      const auto [off, at] = found[static_cast<size_t>(set)];
      std::printf("%-9s %-10s worst %.4f ULP at %.9g\n", f.name,
                  f.kernel ? kernels::available(set).name : "all sets", off, double{at});
      failures += !(off <= 2);
    }
    std::fflush(stdout);
  }
  std::printf("%s\n", failures == 0 ? "all within 2 ULP" : "beyond 2 ULP");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace forger

int main() { return forger::run(); }
