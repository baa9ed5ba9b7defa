#pragma once

// All kernels of this folder, to be included behind the vector type they are written on.
#include "autograd/kernels/simd/conv.h"
#include "autograd/kernels/simd/gemm.h"
#include "autograd/kernels/simd/norm.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/kernels/simd/random.h"
#include "autograd/kernels/simd/reduce.h"

namespace forger::kernels {
namespace {

constexpr Kernels make_set(const char* name, const char* description) {
  return {
      .name = name,
      .description = description,
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
      .uniform = uniform,
      .normal = normal,
  };
}

}  // namespace
}  // namespace forger::kernels
