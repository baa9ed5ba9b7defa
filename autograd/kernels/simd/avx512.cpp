// The AVX-512 kernel set: the sources in this folder on sixteen lanes. This file is compiled with
// -mavx512f (and vl, bw, dq) and is entered only through the table below, after dispatch.cpp asked
// the processor.
#include "autograd/kernels/simd/vec_avx512.h"
// The kernels' sources come after the vector type they are written on.
#include "autograd/kernels/simd/conv.h"
#include "autograd/kernels/simd/gemm.h"
#include "autograd/kernels/simd/norm.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/kernels/simd/reduce.h"

namespace forger::kernels {

const Kernels kAvx512 = {
    .name = "avx512",
    .description = "AVX-512, 16 lanes, matmul tile 14x32",
    .gemm = gemm,
    .conv2d = conv2d,
    .conv2d_input_grad = conv2d_input_grad,
    .conv2d_weight_grad = conv2d_weight_grad,
    .add = add,
    .sub = sub,
    .mul = mul,
    .div = div,
    .neg = neg,
    .abs = abs,
    .sign = sign,
    .sqrt = sqrt,
    .exp = exp,
    .log = log,
    .tanh = tanh,
    .sigmoid = sigmoid,
    .softplus = softplus,
    .leaky_relu = leaky_relu,
    .leaky_relu_grad = leaky_relu_grad,
    .tanh_grad = tanh_grad,
    .sigmoid_grad = sigmoid_grad,
    .sum = sum,
    .batch_norm = batch_norm,
    .batch_norm_grad = batch_norm_grad,
    .adam = adam,
};

}  // namespace forger::kernels
