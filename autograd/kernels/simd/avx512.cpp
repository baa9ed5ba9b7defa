// The AVX-512 kernel set: the sources in this folder on sixteen lanes. This file is compiled with
// -mavx512f (and vl, bw, dq) and is entered only through the table below, after dispatch.cpp asked
// the processor.
#include "autograd/kernels/simd/vec_avx512.h"
// The kernels' sources come after the vector type they are written on.
#include "autograd/kernels/simd/set.h"

namespace forger::kernels {

constinit const Kernels kAvx512 = make_set("avx512", "AVX-512, 16 lanes, matmul tile 14x32");

}  // namespace forger::kernels
