// What every op says to arguments that do not fit: word for word, since a message is all that its
// reader has.
#include "misuse.h"

#include <doctest/doctest.h>

#include <limits>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"

namespace forger {

TEST_CASE("misuse of an op: the op, what is wrong, what was found and expected") {
  Random random(1);
  const Tensor m = Tensor::ones({2, 3}), v4 = Tensor::ones({4}), v3 = Tensor::ones({3});
  const Tensor image = Tensor::ones({2, 3, 4, 4}), kernel = Tensor::ones({5, 3, 3, 3});
  const std::vector<Misuse> catalogue = {
      {[&] { return add(m, v4); },
       "add: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [4]\n"
       "  axis -1: 3 against 4"},
      {[&] { return m * v4; },
       "mul: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [4]\n"
       "  axis -1: 3 against 4"},
      {[&] {
         return div(m, Tensor::ones({3, 1}));
       },
       "div: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [3, 1]\n"
       "  axis -2: 2 against 3"},
      {[&] { return maximum(m, v4); },
       "maximum: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [4]\n"
       "  axis -1: 3 against 4"},
      {[&] { return pow(m, v4); },
       "pow: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [4]\n"
       "  axis -1: 3 against 4"},
      {[&] { return less(m, v4); },
       "less: shapes do not broadcast\n"
       "  a  [2, 3]\n"
       "  b  [4]\n"
       "  axis -1: 3 against 4"},
      {[&] { return where(m, v4, 1); },
       "where: shapes do not broadcast\n"
       "  condition  [2, 3]\n"
       "  a and b    [4]\n"
       "  axis -1: 3 against 4"},
      {[&] { return where(v4, m, m); },
       "where: shapes do not broadcast\n"
       "  condition  [4]\n"
       "  a and b    [2, 3]\n"
       "  axis -1: 4 against 3"},
      {[&] { return clamp(m, 2, 1); },
       "clamp: low expected to be at most high\n"
       "  low   2.000000\n"
       "  high  1.000000"},
      {[&] { return leaky_relu(m, -1); },
       "leaky_relu: a finite slope of at least 0 expected\n"
       "  slope  -1.000000"},
      {[&] { return elu(m, -1); },
       "elu: a finite alpha of at least 0 expected\n"
       "  alpha  -1.000000"},
      {[&] { return leaky_relu(m, std::numeric_limits<double>::infinity()); },
       "leaky_relu: a finite slope of at least 0 expected\n"
       "  slope  inf"},
      {[&] { return elu(m, std::numeric_limits<double>::infinity()); },
       "elu: a finite alpha of at least 0 expected\n"
       "  alpha  inf"},
      {[&] { return leaky_relu_grad(m, v4, 0.1); },
       "leaky_relu_grad: g and y need the same shape\n"
       "  g  [2, 3]\n"
       "  y  [4]"},
      {[&] { return tanh_grad(m, v4); },
       "tanh_grad: g and y need the same shape\n"
       "  g  [2, 3]\n"
       "  y  [4]"},
      {[&] { return sigmoid_grad(m, v4); },
       "sigmoid_grad: g and y need the same shape\n"
       "  g  [2, 3]\n"
       "  y  [4]"},
      {[&] { return dropout(m, 1, random); },
       "dropout: a probability of at least 0 and less than 1 expected\n"
       "  p  1.000000"},
      {[&] { return sum(m, {2}); },
       "sum: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] {
         return sum(m, {0, 0});
       },
       "sum: axis given twice\n"
       "  x  [2, 3]\n"
       "  axis 0"},
      {[&] {
         return sum(m, {0, -2});
       },
       "sum: axis given twice\n"
       "  x  [2, 3]\n"
       "  axis -2"},
      {[&] {
         return mean(Tensor::zeros({0, 3}));
       },
       "mean: no elements\n"
       "  x  [0, 3]"},
      {[&] {
         return max(Tensor::zeros({0, 3}));
       },
       "max: no elements\n"
       "  x  [0, 3]"},
      {[&] { return min(m, {-3}); },
       "min: no such axis\n"
       "  x  [2, 3]\n"
       "  axis -3, expected -2 to 1"},
      {[&] { return var(m, {0}, 2); },
       "var: more elements than the correction expected\n"
       "  x  [2, 3], 2 elements each\n"
       "  correction  2"},
      {[&] { return var(m, {0}, -1); },
       "var: a correction of at least 0 expected\n"
       "  x  [2, 3], 2 elements each\n"
       "  correction  -1"},
      {[&] { return var(Tensor::scalar(1)); },
       "var: more elements than the correction expected\n"
       "  x  [], 1 elements each\n"
       "  correction  1"},
      {[&] { return logsumexp(m, {5}); },
       "logsumexp: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 5, expected -2 to 1"},
      {[&] { return softmax(m, 2); },
       "softmax: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return log_softmax(Tensor::scalar(1)); },
       "log_softmax: no such axis\n"
       "  x  []\n"
       "  axis -1, but x has no axes"},
      {[&] {
         return broadcast_to(m, {3, 2});
       },
       "broadcast_to: shapes do not broadcast\n"
       "  x      [2, 3]\n"
       "  shape  [3, 2]\n"
       "  axis -1: 3 against 2"},
      {[&] { return broadcast_to(m, {3}); },
       "broadcast_to: x does not broadcast to this shape\n"
       "  x      [2, 3]\n"
       "  shape  [3]"},
      {[&] { return sum_to(m, {2}); },
       "sum_to: shapes do not broadcast\n"
       "  g      [2, 3]\n"
       "  shape  [2]\n"
       "  axis -1: 3 against 2"},
      {[&] {
         return reshape(m, {4, 2});
       },
       "reshape: another number of elements\n"
       "  x      [2, 3], 6 elements\n"
       "  shape  [4, 2], 8 elements"},
      {[&] {
         return reshape(m, {-1, 4});
       },
       "reshape: no extent fits in place of -1\n"
       "  x        [2, 3], 6 elements\n"
       "  extents  [-1, 4]"},
      {[&] {
         return reshape(m, {-1, -1});
       },
       "reshape: only one extent can be left open by -1\n"
       "  x  [2, 3]"},
      {[&] { return flatten(Tensor::scalar(1)); },
       "flatten: at least one axis expected\n"
       "  x  []"},
      {[&] { return slice(m, 2, 0, 1); },
       "slice: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return slice(m, 1, 1, 4); },
       "slice: range outside of the axis\n"
       "  x      [2, 3]\n"
       "  range  [1, 4) of axis 1, expected within [0, 3)"},
      {[&] { return slice(m, 1, 2, 1); },
       "slice: range outside of the axis\n"
       "  x      [2, 3]\n"
       "  range  [2, 1) of axis 1, expected within [0, 3)"},
      {[&] { return slice(m, 1, -1, -2); },
       "slice: range outside of the axis\n"
       "  x      [2, 3]\n"
       "  range  [-1, -2) = [2, 1) of axis 1, expected within [0, 3)"},
      {[&] { return slice(m, -1, -4); },
       "slice: range outside of the axis\n"
       "  x      [2, 3]\n"
       "  range  [-4, end) = [-1, 3) of axis 1, expected within [0, 3)"},
      {[&] { return select(m, 2, 0); },
       "select: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return select(m, -1, 3); },
       "select: index out of range\n"
       "  x  [2, 3]\n"
       "  index 3 of axis 1, expected -3 to 2"},
      {[&] { return select(m, 0, -3); },
       "select: index out of range\n"
       "  x  [2, 3]\n"
       "  index -3 of axis 0, expected -2 to 1"},
      {[&] {
         return select(Tensor::zeros({0, 3}), 0, 0);
       },
       "select: index out of range\n"
       "  x  [0, 3]\n"
       "  index 0 of axis 0, but that axis is empty"},
      {[&] { return chunk(m, 2, 2); },
       "chunk: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return chunk(m, 2, -1); },
       "chunk: a number of parts that divides the axis expected\n"
       "  x  [2, 3]\n"
       "  2 parts of axis 1, extent 3"},
      {[&] { return chunk(m, 0, 0); },
       "chunk: a number of parts that divides the axis expected\n"
       "  x  [2, 3]\n"
       "  0 parts of axis 0, extent 2"},
      {[&] { return argmax(m, 2); },
       "argmax: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return argmax(Tensor::scalar(1)); },
       "argmax: no such axis\n"
       "  x  []\n"
       "  axis -1, but x has no axes"},
      {[&] {
         return argmax(Tensor::zeros({2, 0}), 1);
       },
       "argmax: no elements\n"
       "  x  [2, 0]"},
      {[&] { return sum(m, 2); },
       "sum: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return reflection_pad2d(image, 4); },
       "reflection_pad2d: padding of at least 0 and less than height and width expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  padding  4"},
      {[&] { return reflection_pad2d(image, -1); },
       "reflection_pad2d: padding of at least 0 and less than height and width expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  padding  -1"},
      {[&] { return reflection_pad2d(m, 1); },
       "reflection_pad2d: images with four axes and 1 to 2^26 rows and columns expected\n"
       "  x  [2, 3]  (N, C, H, W)"},
      {[&] { return pad(m, 0, -1, 0); },
       "pad: negative padding\n"
       "  before -1, after 0"},
      {[&] { return concat({}, 0); }, "concat: at least one part expected"},
      {[&] {
         return concat({m, v4}, 0);
       },
       "concat: the parts agree in all other axes\n"
       "  part 0  [2, 3]\n"
       "  part 1  [4]\n"
       "  axis 0"},
      {[&] {
         return concat({m, m}, 2);
       },
       "concat: no such axis\n"
       "  part 0  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] { return stack({}, 0); }, "stack: at least one part expected"},
      {[&] {
         return stack({m, v4}, 0);
       },
       "stack: the parts differ in shape\n"
       "  part 0  [2, 3]\n"
       "  part 1  [4]"},
      {[&] { return stack({m}, 4); },
       "stack: no room for that axis\n"
       "  part 0  [2, 3]\n"
       "  axis 4, expected -3 to 2 and at most 4 axes in all"},
      {[&] { return stack({image}, 0); },
       "stack: no room for that axis\n"
       "  part 0  [2, 3, 4, 4]\n"
       "  axis 0, expected -5 to 4 and at most 4 axes in all"},
      {[&] { return permute(m, {0}); },
       "permute: each axis once expected\n"
       "  x     [2, 3]\n"
       "  axes  [0]"},
      {[&] {
         return permute(m, {0, 0});
       },
       "permute: axis given twice\n"
       "  x     [2, 3]\n"
       "  axes  [0, 0]"},
      {[&] { return transpose(m, 0, 2); },
       "transpose: no such axis\n"
       "  x  [2, 3]\n"
       "  axis 2, expected -2 to 1"},
      {[&] {
         return flip(m, {1, 1});
       },
       "flip: axis given twice\n"
       "  x     [2, 3]\n"
       "  axes  [1, 1]"},
      {[&] { return pixel_shuffle(image, 2); },
       "pixel_shuffle: channels that are a multiple of r^2 expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  r  2"},
      {[&] { return pixel_unshuffle(image, 3); },
       "pixel_unshuffle: height and width that are multiples of r expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  r  3"},
      {[&] {
         return gather(m, 1, {{2, 1}, {0, 3}});
       },
       "gather: index out of range\n"
       "  index 1 is 3, expected 0 to 2"},
      {[&] {
         return gather(m, 1, {{3, 1}, {0, 1, 2}});
       },
       "gather: x and index agree in all other axes\n"
       "  x      [2, 3]\n"
       "  index  [3, 1], 3 numbers\n"
       "  axis 1"},
      {[&] {
         return gather(m, 1, {{2, 2}, {0, 1}});
       },
       "gather: as many indices as their shape says expected\n"
       "  x      [2, 3]\n"
       "  index  [2, 2], 2 numbers\n"
       "  axis 1"},
      {[&] {
         return scatter_add(m, 1, {{2, 1}, {0, 0}}, 3);
       },
       "scatter_add: one index for each element expected\n"
       "  g      [2, 3]\n"
       "  index  [2, 1]"},
      {[&] {
         return scatter_add(v4, 0, {{4}, {0, 1, 2, 3}}, 3);
       },
       "scatter_add: index out of range\n"
       "  index 3 is 3, expected 0 to 2"},
      {[&] {
         return index_select(m, 0, {0, 2});
       },
       "index_select: index out of range\n"
       "  index 1 is 2, expected 0 to 1"},
      {[&] { return index_select(m, 0, {-1}); },
       "index_select: index out of range\n"
       "  index 0 is -1, expected 0 to 1"},
      {[&] { return index_add(m, 0, {0}, 4); },
       "index_add: one index for each slice expected\n"
       "  g  [2, 3], axis 0\n"
       "  indices  1"},
      {[&] {
         return index_add(m, 0, {0, 4}, 4);
       },
       "index_add: index out of range\n"
       "  index 1 is 4, expected 0 to 3"},
      {[&] { return embedding(v4, {0}); },
       "embedding: a weight of two axes expected\n"
       "  weight  [4]  (classes, D)"},
      {[&] {
         return embedding(m, {0, 2});
       },
       "embedding: label out of range\n"
       "  label 1 is 2, expected 0 to 1"},
      {[&] {
         return one_hot({0, 3}, 3);
       },
       "one_hot: label out of range\n"
       "  label 1 is 3, expected 0 to 2"},
      {[&] { return avg_pool2d(m, {.kernel = 2}); },
       "avg_pool2d: images with four axes and 1 to 2^26 rows and columns expected\n"
       "  x  [2, 3]  (N, C, H, W)"},
      {[&] { return avg_pool2d(image, {.kernel = 5}); },
       "avg_pool2d: a window that fits the padded image, and padding of at most half of it, "
       "expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  kernel 5, stride 5, padding 0"},
      {[&] { return avg_pool2d(image, {.kernel = 2, .padding = 2}); },
       "avg_pool2d: a window that fits the padded image, and padding of at most half of it, "
       "expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  kernel 2, stride 2, padding 2"},
      {[&] { return max_pool2d(image, {.kernel = 0}); },
       "max_pool2d: a window that fits the padded image, and padding of at most half of it, "
       "expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  kernel 0, stride 0, padding 0"},
      {[&] { return max_pool2d(image, {.kernel = 2, .stride = -1}); },
       "max_pool2d: a window that fits the padded image, and padding of at most half of it, "
       "expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  kernel 2, stride -1, padding 0"},
      {[&] { return adaptive_avg_pool2d(image, 0, 1); },
       "adaptive_avg_pool2d: a size of at least 1 x 1 and at most 2^20 x 2^20 expected\n"
       "  found 0 x 1"},
      {[&] { return upsample_nearest2d(v4, 2, 2); },
       "upsample_nearest2d: images with four axes and 1 to 2^26 rows and columns expected\n"
       "  x  [4]  (N, C, H, W)"},
      {[&] { return upsample_bilinear2d(image, -4, 4); },
       "upsample_bilinear2d: a size of at least 1 x 1 and at most 2^20 x 2^20 expected\n"
       "  found -4 x 4"},
      {[&] { return resample2d(image, {}, {}); },
       "resample2d: matrices as wide as the image's axes expected\n"
       "  x        [2, 3, 4, 4]  (N, C, H, W)\n"
       "  rows     [0, 0]\n"
       "  columns  [0, 0]"},
      {[&] {
         return Tensor::zeros({int64_t{1} << 31, int64_t{1} << 31});
       },
       "shape: too many elements\n"
       "  found [2147483648, 2147483648]"},
      {[&] {
         return Tensor::zeros({int64_t{1} << 62, 0, 4});
       },
       "shape: too many elements\n"
       "  found [4611686018427387904, 0, 4]"},
      {[&] {
         return broadcast_to(Tensor::ones({1, 1}), {int64_t{1} << 40, int64_t{1} << 40});
       },
       "shape: too many elements\n"
       "  found [1099511627776, 1099511627776]"},
      {[&] { return pad(Tensor::ones({1}), 0, INT64_MAX, 1); },
       "pad: more padding than any memory holds\n"
       "  before 9223372036854775807, after 1"},
      {[&] { return upsample_nearest2d(image, int64_t{1} << 40, 1); },
       "upsample_nearest2d: a size of at least 1 x 1 and at most 2^20 x 2^20 expected\n"
       "  found 1099511627776 x 1"},
      {[&] { return pixel_shuffle(image, int64_t{1} << 33); },
       "pixel_shuffle: channels that are a multiple of r^2 expected\n"
       "  x  [2, 3, 4, 4]  (N, C, H, W)\n"
       "  r  8589934592"},
      {[&] { return batch_norm(m, Tensor::ones({3}), Tensor::ones({2})); },
       "batch_norm: one weight and one bias per channel expected\n"
       "  x       [2, 3]  (N, C) or (N, C, H, W)\n"
       "  weight  [3]  (C)\n"
       "  bias    [2]  (C)"},
      {[&] { return add(m, Tensor()); },
       "add: an argument is undefined\n"
       "  a  [2, 3]\n"
       "  b  undefined\n"
       "  a gradient is undefined until a backward pass has reached it"},
      {[&] { return sum(Tensor()); },
       "sum: an argument is undefined\n"
       "  x  undefined\n"
       "  a gradient is undefined until a backward pass has reached it"},
      {[&] { Tensor().mutable_data(); },
       "mutable_data: the tensor is undefined\n"
       "  a gradient is undefined until a backward pass has reached it"},
      {[&] { m.set_grad(m); },
       "set_grad: a leaf that requires a gradient expected\n  found a tensor without a history"},
      {[&] { m.clone().set_requires_grad().set_grad(v4); },
       "set_grad: a gradient needs its tensor's shape\n  x  [2, 3]\n  g  [4]"},
      {[&] { return mean(m, {5}); }, "mean: no such axis\n  x  [2, 3]\n  axis 5, expected -2 to 1"},
      {[&] { return var(m, {5}); }, "var: no such axis\n  x  [2, 3]\n  axis 5, expected -2 to 1"},
      {[&] {
         return var(Tensor::zeros({0, 3}));
       },
       "var: no elements\n  x  [0, 3]"},
      {[&] {
         return softmax(Tensor::zeros({0, 3}));
       },
       "softmax: no elements\n  x  [0, 3]"},
      {[&] {
         SparseMatrix wild;
         wild.out = 1, wild.in = 4, wild.begin = {0, 1}, wild.index = {9}, wild.weight = {1};
         return resample2d(image, wild, wild);
       },
       "resample2d: not a sparse matrix\n"
       "  rows  [1, 4], 1 indices, 1 weights, an index outside"},
  };
  check_messages(catalogue);

  // And everything is as it was.
  CHECK(sum(m).item() == 6);
  const Tensor x = m.clone().set_requires_grad();
  backward(sum(x * x));
  CHECK(x.grad().to_vector() == std::vector<Scalar>(6, 2));
}

}  // namespace forger
