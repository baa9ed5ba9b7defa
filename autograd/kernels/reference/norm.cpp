#include <cmath>

#include "autograd/kernels/reference/reference.h"

// Sums and statistics are kept in double: a float sum of 2^24 ones would stop growing.
namespace forger::kernels::reference {

void sum(const Reduce& s, const Scalar* x, Scalar* y) {
#pragma omp parallel for collapse(2) if (s.keep0 * s.sum0 * s.keep1 * s.sum1 > kSerialWork)
  for (int64_t i = 0; i < s.keep0; ++i) {
    for (int64_t k = 0; k < s.keep1; ++k) {
      double total = 0;
      for (int64_t j = 0; j < s.sum0; ++j) {
        for (int64_t l = 0; l < s.sum1; ++l) {
          total += static_cast<double>(x[((i * s.sum0 + j) * s.keep1 + k) * s.sum1 + l]);
        }
      }
      y[i * s.keep1 + k] = static_cast<Scalar>(total);
    }
  }
}

void batch_norm(const Channels& s, Scalar eps, Scalar slope, const Scalar* x, const Scalar* weight,
                const Scalar* bias, Scalar* y, Scalar* mean, Scalar* var, Scalar* rstd) {
  const auto count = static_cast<double>(s.n * s.s);
#pragma omp parallel for if (s.n * s.c * s.s > kSerialWork)
  for (int64_t c = 0; c < s.c; ++c) {
    double total = 0, squares = 0;
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t i = 0; i < s.s; ++i) total += static_cast<double>(x[(n * s.c + c) * s.s + i]);
    }
    const double centre = total / count;
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t i = 0; i < s.s; ++i) {
        const double d = static_cast<double>(x[(n * s.c + c) * s.s + i]) - centre;
        squares += d * d;
      }
    }
    const double variance = squares / count;
    mean[c] = static_cast<Scalar>(centre);
    var[c] = static_cast<Scalar>(variance);
    rstd[c] = static_cast<Scalar>(1 / std::sqrt(variance + static_cast<double>(eps)));
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t i = 0; i < s.s; ++i) {
        const int64_t at = (n * s.c + c) * s.s + i;
        const Scalar v = (x[at] - mean[c]) * rstd[c] * weight[c] + bias[c];
        y[at] = leak(slope, v > 0, v);
      }
    }
  }
}

// With xhat = (x - mean) rstd: dbias = sum(g), dweight = sum(g xhat), and since x also moves mean
// and variance, dx = weight rstd (g - dbias / count - xhat dweight / count). If a leaky ReLU
// follows, g has to pass it first.
void batch_norm_grad(const Channels& s, Scalar slope, const Scalar* g, const Scalar* x,
                     const Scalar* weight, const Scalar* bias, const Scalar* mean,
                     const Scalar* rstd, Scalar* dx, Scalar* dweight, Scalar* dbias) {
  const auto count = static_cast<double>(s.n * s.s);
#pragma omp parallel for if (s.n * s.c * s.s > kSerialWork)
  for (int64_t c = 0; c < s.c; ++c) {
    const auto leaked = [&](int64_t at) {
      if (slope == 1) return g[at];
      return leak(slope, (x[at] - mean[c]) * rstd[c] * weight[c] + bias[c] > 0, g[at]);
    };
    double sum_g = 0, sum_g_xhat = 0;
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t i = 0; i < s.s; ++i) {
        const int64_t at = (n * s.c + c) * s.s + i;
        const Scalar gi = leaked(at);
        sum_g += static_cast<double>(gi);
        sum_g_xhat += static_cast<double>(gi * ((x[at] - mean[c]) * rstd[c]));
      }
    }
    dbias[c] = static_cast<Scalar>(sum_g);
    dweight[c] = static_cast<Scalar>(sum_g_xhat);
    const auto mean_g = static_cast<Scalar>(sum_g / count);
    const auto mean_g_xhat = static_cast<Scalar>(sum_g_xhat / count);
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t i = 0; i < s.s; ++i) {
        const int64_t at = (n * s.c + c) * s.s + i;
        const Scalar xhat = (x[at] - mean[c]) * rstd[c];
        dx[at] = weight[c] * rstd[c] * (leaked(at) - mean_g - xhat * mean_g_xhat);
      }
    }
  }
}

}  // namespace forger::kernels::reference
