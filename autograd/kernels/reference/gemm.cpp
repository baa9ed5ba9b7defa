#include "autograd/kernels/reference/reference.h"

namespace forger::kernels::reference {

void gemm(const Gemm& s) {
#pragma omp parallel for if (s.m * s.n * s.k > kSerialWork)
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      Scalar sum = 0;
      for (int64_t p = 0; p < s.k; ++p) {
        sum += s.a[i * s.a_row + p * s.a_col] * s.b[p * s.b_row + j * s.b_col];
      }
      Scalar& c = s.c[i * s.c_row + j];
      c = s.accumulate ? c + sum : sum;
      if (s.bias != nullptr) c += s.bias[j];
      c = leak(s.slope, c > 0, c);
    }
  }
}

}  // namespace forger::kernels::reference
