#include "autograd/kernels/simd/vec_avx512.h"
// The loop comes after the vector type it is written on.
#include "bench/fma_loop.h"
#include "bench/peak.h"

namespace forger::bench {

const FmaLoop kAvx512Loop = {"avx512", fma_loop, 2.0 * kChains* Vec::kLanes};

}  // namespace forger::bench
