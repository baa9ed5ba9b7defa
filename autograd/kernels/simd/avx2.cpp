// The AVX2 + FMA kernel set: the sources in this folder on eight lanes. This file is compiled with
// -mavx2 -mfma and is entered only through the table below, after dispatch.cpp asked the processor.
#include "autograd/kernels/simd/vec_avx2.h"
// The kernels' sources come after the vector type they are written on.
#include "autograd/kernels/simd/set.h"

namespace forger::kernels {

constinit const Kernels kAvx2 = make_set("avx2", "AVX2 and FMA, 8 lanes, matmul tile 6x16");

}  // namespace forger::kernels
