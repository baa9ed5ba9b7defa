#include "bench/peers/peers.h"

// Declared here because the cblas.h that the compiler finds may belong to another BLAS.
extern "C" {
void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);
void openblas_set_num_threads(int threads);
int openblas_get_num_threads();
char* openblas_get_config();
}

namespace forger::bench::openblas {

void matmul(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c) {
  constexpr int kRowMajor = 101, kNoTranspose = 111;
  const int rows = static_cast<int>(m), cols = static_cast<int>(n), depth = static_cast<int>(k);
  cblas_sgemm(kRowMajor, kNoTranspose, kNoTranspose, rows, cols, depth, 1, a, depth, b, cols, 0, c,
              cols);
}

void set_threads(int threads) { openblas_set_num_threads(threads); }

std::string describe() {
  return std::string(openblas_get_config()) + " on " + std::to_string(openblas_get_num_threads()) +
         " threads";
}

}  // namespace forger::bench::openblas
