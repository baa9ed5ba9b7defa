#include "bench/peak.h"

#include <omp.h>

#include <algorithm>
#include <string_view>

#include "autograd/kernels/kernels.h"
#include "autograd/tensor.h"

namespace forger::bench {
namespace {

/// Returns the loop of the best available kernel set, or null.
const FmaLoop* widest_loop() {
  const FmaLoop* widest = nullptr;
#ifdef FORGER_HAVE_SIMD
  for (int i = 0; i < kernels::available_count(); ++i) {
    for (const FmaLoop* loop : {&kAvx2Loop, &kAvx512Loop}) {
      if (std::string_view(kernels::available(i).name) == loop->kernels) widest = loop;
    }
  }
#endif
  return widest;
}

}  // namespace

double measure_peak(int threads, int64_t steps) {
  const FmaLoop* const loop = widest_loop();
  if (loop == nullptr) return 0;
  volatile float x = 0.5f, y = 1, sink = 0;  // so that the compiler can neither know nor drop them
  double start = 0;
#pragma omp parallel num_threads(threads)
  {
#pragma omp barrier
#pragma omp master
    start = omp_get_wtime();
    const float result = loop->run(steps, x, y);
#pragma omp critical
    sink = sink + result;
  }
  const double seconds = omp_get_wtime() - start;
  return static_cast<double>(steps) * threads * loop->flops_per_step / seconds;
}

double measure_bandwidth(int threads) {
  constexpr int64_t kCount = int64_t{1} << 25;  // 128 MiB, beyond any cache
  const Tensor x = Tensor::ones({kCount});
  const Scalar* const data = x.data();
  volatile float sink = 0;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const double start = omp_get_wtime();
#pragma omp parallel num_threads(threads)
    {
      constexpr int kSums = 64;  // enough that none waits for another
      float sums[kSums] = {};
#pragma omp for schedule(static)
      for (int64_t i = 0; i < kCount; i += kSums) {
        for (int j = 0; j < kSums; ++j) sums[j] += data[i + j];
      }
#pragma omp critical
      for (const float sum : sums) sink = sink + sum;
    }
    best = std::max(best, sizeof(Scalar) * static_cast<double>(kCount) / (omp_get_wtime() - start));
  }
  return best;
}

}  // namespace forger::bench
