// Tests errors, like misuse_test.cpp, of the ops that layers use: products, convolutions, norms
// and losses.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "misuse.h"

namespace forger {

TEST_CASE("layer ops report wrong arguments with what was found and expected") {
  const Tensor m = Tensor::ones({2, 3}), v4 = Tensor::ones({4}), v3 = Tensor::ones({3});
  const Tensor image = Tensor::ones({2, 3, 4, 4}), kernel = Tensor::ones({5, 3, 3, 3});
  const std::vector<Misuse> catalogue = {
      {[&] { return matmul(m, m); },
       "matmul: inner extents differ\n"
       "  a  [2, 3]  (M, K)\n"
       "  b  [2, 3]  (K, N)"},
      {[&] { return matmul(m, v4); },
       "matmul: two matrices expected\n"
       "  a  [2, 3]  (M, K)\n"
       "  b  [4]  (K, N)"},
      {[&] { return matmul(image, m); },
       "matmul: the leading axes differ\n"
       "  a  [2, 3, 4, 4]  (..., M, K)\n"
       "  b  [2, 3]  (..., K, N)"},
      {[&] {
         return matmul(Tensor::ones({2, 3, 4}), Tensor::ones({3, 4, 5}));
       },
       "matmul: the leading axes differ\n"
       "  a  [2, 3, 4]  (..., M, K)\n"
       "  b  [3, 4, 5]  (..., K, N)"},
      {[&] {
         return matmul(Tensor::ones({2, 3, 4}), Tensor::ones({2, 3, 5}), {.transpose_b = true});
       },
       "matmul: inner extents differ\n"
       "  a  [2, 3, 4]  (..., M, K)\n"
       "  b  [2, 3, 5]  (..., N, K)"},
      {[&] {
         return matmul(m, m, {true, true});
       },
       "matmul: inner extents differ\n"
       "  a  [2, 3]  (K, M)\n"
       "  b  [2, 3]  (N, K)"},
      {[&] {
         return linear(m, Tensor::ones({4, 2}));
       },
       "linear: shapes do not fit\n"
       "  x       [2, 3]  (..., I)\n"
       "  weight  [4, 2]  (O, I)\n"
       "  bias    none"},
      {[&] {
         return linear(Tensor::scalar(1), Tensor::ones({4, 2}));
       },
       "linear: shapes do not fit\n"
       "  x       []  (..., I)\n"
       "  weight  [4, 2]  (O, I)\n"
       "  bias    none"},
      {[&] {
         return linear_leaky_relu(image, Tensor::ones({4, 3}), v3, 0.2);
       },
       "linear_leaky_relu: shapes do not fit\n"
       "  x       [2, 3, 4, 4]  (..., I)\n"
       "  weight  [4, 3]  (O, I)\n"
       "  bias    [3]  (O)"},
      {[&] {
         return linear(m, Tensor::ones({4, 3}), v4 * Tensor::ones({1, 4}));
       },
       "linear: shapes do not fit\n"
       "  x       [2, 3]  (..., I)\n"
       "  weight  [4, 3]  (O, I)\n"
       "  bias    [1, 4]  (O)"},
      {[&] { return conv2d(m, kernel); },
       "conv2d: four axes expected\n"
       "  x       [2, 3]  (N, C, H, W)\n"
       "  weight  [5, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding 0, dilation 1"},
      {[&] {
         return conv2d(image, Tensor::ones({5, 2, 3, 3}));
       },
       "conv2d: x and weight differ in channels\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 2, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding 0, dilation 1"},
      {[&] { return conv2d(image, kernel, {}, {.stride = 0}); },
       "conv2d: stride and dilation of at least 1 and padding of at least 0 expected\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 0, padding 0, dilation 1"},
      {[&] { return conv2d(image, kernel, {}, {.padding = -1}); },
       "conv2d: stride and dilation of at least 1 and padding of at least 0 expected\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding -1, dilation 1"},
      {[&] {
         return conv2d(image, Tensor::ones({5, 3, 5, 5}));
       },
       "conv2d: the kernel is larger than the padded image\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 5, 5]  (O, C, KH, KW)\n"
       "  stride 1, padding 0, dilation 1"},
      {[&] { return conv2d(image, kernel, v4); },
       "conv2d: one bias per output channel expected\n"
       "  bias  [4], expected [5]"},
      {[&] { return conv2d(image, kernel, {}, {.padding = int64_t{1} << 62}); },
       "conv2d: stride, padding and dilation of at most 2^20 expected\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding 4611686018427387904, dilation 1"},
      {[&] { return conv2d_input_grad(image, kernel, 4, 4); },
       "conv2d_input_grad: g has not the shape of the convolution's output\n"
       "  g       [2, 3, 4, 4], expected [2, 5, 2, 2]\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding 0, dilation 1"},
      {[&] { return conv2d_input_grad(m, kernel, 4, 4); },
       "conv2d_input_grad: four axes expected\n"
       "  g       [2, 3]\n"
       "  weight  [5, 3, 3, 3]"},
      {[&] { return conv2d_weight_grad(image, image, 3, 3); },
       "conv2d_weight_grad: g has not the shape of the convolution's output\n"
       "  g       [2, 3, 4, 4], expected [2, 3, 2, 2]\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [3, 3, 3, 3]  (O, C, KH, KW)\n"
       "  stride 1, padding 0, dilation 1"},
      {[&] {
         return conv_transpose2d(image, Tensor::ones({5, 3, 2, 2}));
       },
       "conv_transpose2d: x and weight differ in channels\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [5, 3, 2, 2]  (C, O, KH, KW)\n"
       "  stride 1, padding 0, dilation 1, output_padding 0"},
      {[&] {
         return conv_transpose2d(image, Tensor::ones({3, 5, 2, 2}), {}, {.stride = 2}, 2);
       },
       "conv_transpose2d: output_padding of at least 0 and less than stride or dilation expected\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [3, 5, 2, 2]  (C, O, KH, KW)\n"
       "  stride 2, padding 0, dilation 1, output_padding 2"},
      {[&] {
         return conv_transpose2d(image, Tensor::ones({3, 5, 2, 2}), {}, {.padding = 3});
       },
       "conv_transpose2d: the padding leaves no output\n"
       "  x       [2, 3, 4, 4]  (N, C, H, W)\n"
       "  weight  [3, 5, 2, 2]  (C, O, KH, KW)\n"
       "  stride 1, padding 3, dilation 1, output_padding 0"},
      {[&] { return batch_norm(v4, v4, v4); },
       "batch_norm: two or four axes expected\n"
       "  x       [4]  (N, C) or (N, C, H, W)\n"
       "  weight  [4]  (C)\n"
       "  bias    [4]  (C)"},
      {[&] { return batch_norm_leaky_relu(v4, v4, v4, 0.2); },
       "batch_norm_leaky_relu: two or four axes expected\n"
       "  x       [4]  (N, C) or (N, C, H, W)\n"
       "  weight  [4]  (C)\n"
       "  bias    [4]  (C)"},
      {[&] { return batch_norm(m, v4, v4); },
       "batch_norm: one weight and one bias per channel expected\n"
       "  x       [2, 3]  (N, C) or (N, C, H, W)\n"
       "  weight  [4]  (C)\n"
       "  bias    [4]  (C)"},
      {[&] {
         return batch_norm(Tensor::ones({1, 3}), v3, v3);
       },
       "batch_norm: a variance needs at least two values per channel\n"
       "  x       [1, 3]  (N, C) or (N, C, H, W)\n"
       "  weight  [3]  (C)\n"
       "  bias    [3]  (C)"},
      {[&] { return layer_norm(m, 3); },
       "layer_norm: elements, and 1 to all of the axes, expected\n"
       "  x     [2, 3]\n"
       "  axes  3"},
      {[&] { return layer_norm(m, 1, v4); },
       "layer_norm: weight and bias do not fit x\n"
       "  x      [2, 3]\n"
       "  found  [4], expected [3]"},
      {[&] {
         return layer_norm(Tensor::ones({2, 1}), 1);
       },
       "layer_norm: a variance needs at least two values\n"
       "  x     [2, 1]\n"
       "  axes  1"},
      {[&] { return group_norm(image, 2); },
       "group_norm: elements, and channels that are a multiple of the groups, expected\n"
       "  x       [2, 3, 4, 4]  (N, C, ...)\n"
       "  groups  2"},
      {[&] { return group_norm(v4, 1); },
       "group_norm: elements, and channels that are a multiple of the groups, expected\n"
       "  x       [4]  (N, C, ...)\n"
       "  groups  1"},
      {[&] { return group_norm(image, 3, v4); },
       "group_norm: weight and bias do not fit x\n"
       "  x      [2, 3, 4, 4]\n"
       "  found  [4], expected [3]"},
      {[&] {
         return group_norm(Tensor::ones({2, 3}), 3);
       },
       "group_norm: a variance needs at least two values\n"
       "  x       [2, 3]  (N, C, ...)\n"
       "  groups  3"},
      {[&] { return instance_norm(m); },
       "instance_norm: images expected\n"
       "  x  [2, 3]  (N, C, H, W)"},
      {[&] { return bce_with_logits(m, v4); },
       "bce_with_logits: logits and targets need the same shape\n"
       "  logits   [2, 3]\n"
       "  targets  [4]"},
      {[&] { return softmax_cross_entropy(m, {0}); },
       "softmax_cross_entropy: one row of logits per label expected\n"
       "  logits  [2, 3]  (N, classes)\n"
       "  labels  1"},
      {[&] {
         return softmax_cross_entropy(m, {0, 3});
       },
       "softmax_cross_entropy: label out of range\n"
       "  label 1 is 3, expected 0 to 2"},
      {[&] { return mse(m, v4); },
       "mse: a and b need the same shape\n"
       "  a  [2, 3]\n"
       "  b  [4]"},
      {[&] { return l1(m, v4); },
       "l1: a and b need the same shape\n"
       "  a  [2, 3]\n"
       "  b  [4]"},
      {[&] { return smooth_l1(m, m, 0); },
       "smooth_l1: a beta above 0 expected\n"
       "  beta  0.000000"},
      {[&] { return kl_gaussian(m, m, v4, v4); },
       "kl_gaussian: mean1 and mean2 need the same shape\n"
       "  mean1  [2, 3]\n"
       "  mean2  [4]"},
      {[&] { return linear_leaky_relu(m, m, {}, -1); },
       "linear_leaky_relu: a finite slope of at least 0 expected\n"
       "  slope  -1.000000"},
      {[&] { return batch_norm_leaky_relu(m, v3, v3, -1); },
       "batch_norm_leaky_relu: a finite slope of at least 0 expected\n"
       "  slope  -1.000000"},
  };
  check_messages(catalogue);
}

}  // namespace forger
