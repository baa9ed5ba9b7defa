#include "autograd/kernels/reference/reference.h"

namespace forger::kernels {

const Kernels kReference = {
    .name = "reference",
    .description = "textbook loops, one element at a time",
    .gemm = reference::gemm,
    .conv2d = reference::conv2d,
    .conv2d_input_grad = reference::conv2d_input_grad,
    .conv2d_weight_grad = reference::conv2d_weight_grad,
    .add = reference::add,
    .sub = reference::sub,
    .mul = reference::mul,
    .div = reference::div,
    .neg = reference::neg,
    .abs = reference::abs,
    .sign = reference::sign,
    .sqrt = reference::sqrt,
    .exp = reference::exp,
    .log = reference::log,
    .tanh = reference::tanh,
    .sigmoid = reference::sigmoid,
    .softplus = reference::softplus,
    .leaky_relu = reference::leaky_relu,
    .leaky_relu_grad = reference::leaky_relu_grad,
    .tanh_grad = reference::tanh_grad,
    .sigmoid_grad = reference::sigmoid_grad,
    .sum = reference::sum,
    .batch_norm = reference::batch_norm,
    .batch_norm_grad = reference::batch_norm_grad,
    .adam = reference::adam,
    .uniform = reference::uniform,
    .normal = reference::normal,
};

}  // namespace forger::kernels
