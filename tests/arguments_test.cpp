// Tests that every op of ops.h reports wrong arguments under its own name, with its own argument
// names and the user's line, also if it is written in other ops.
#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "message.h"

namespace forger {
namespace {

using In = const std::vector<Tensor>&;

const SourceLoc at = SourceLoc::at("user.cpp", 7);

struct Call {
  const char* op;
  std::vector<const char*> names;  // of its tensors
  std::vector<Tensor> tensors;     // that fit
  std::function<Tensor(In)> f;
};

Tensor ones(const Shape& shape) { return Tensor::ones(shape); }

/// Each op that takes tensors, once for each of its overloads.
std::vector<Call> calls() {
  static Random random(1);
  const auto mean = Reduction::kMean;
  const Tensor m = ones({2, 3}), v2 = ones({2}), v3 = ones({3}), image = ones({2, 4, 6, 6});
  const Tensor kernel = ones({5, 4, 3, 3});
  std::vector<Call> all = {
      {"add", {"a", "b"}, {m, m}, [](In x) { return add(x[0], x[1], at); }},
      {"sub", {"a", "b"}, {m, m}, [](In x) { return sub(x[0], x[1], at); }},
      {"mul", {"a", "b"}, {m, m}, [](In x) { return mul(x[0], x[1], at); }},
      {"div", {"a", "b"}, {m, m}, [](In x) { return div(x[0], x[1], at); }},
      {"where",
       {"condition", "a", "b"},
       {m, m, m},
       [](In x) {
         return where(x[0], {x[1], at}, {x[2], at});
       }},
      {"clamp", {"x"}, {m}, [](In x) { return clamp(x[0], 0, 1, at); }},
      {"leaky_relu", {"x"}, {m}, [](In x) { return leaky_relu(x[0], 0.1, at); }},
      {"leaky_relu_grad",
       {"g", "y"},
       {m, m},
       [](In x) { return leaky_relu_grad(x[0], x[1], 0.1, at); }},
      {"tanh_grad", {"g", "y"}, {m, m}, [](In x) { return tanh_grad(x[0], x[1], at); }},
      {"sigmoid_grad", {"g", "y"}, {m, m}, [](In x) { return sigmoid_grad(x[0], x[1], at); }},
      {"elu", {"x"}, {m}, [](In x) { return elu(x[0], 1, at); }},
      {"dropout", {"x"}, {m}, [](In x) { return dropout(x[0], 0.5, random, at); }},
      {"dropout", {"x"}, {m}, [](In x) { return dropout(x[0], 0, random, at); }},
      {"sum", {"x"}, {m}, [](In x) { return sum(x[0], at); }},
      {"mean", {"x"}, {m}, [](In x) { return forger::mean(x[0], at); }},
      {"max", {"x"}, {m}, [](In x) { return max(x[0], at); }},
      {"min", {"x"}, {m}, [](In x) { return min(x[0], at); }},
      {"var", {"x"}, {m}, [](In x) { return var(x[0], at); }},
      {"sum", {"x"}, {m}, [](In x) { return sum(x[0], {0}, false, at); }},
      {"mean", {"x"}, {m}, [](In x) { return forger::mean(x[0], {0}, false, at); }},
      {"max", {"x"}, {m}, [](In x) { return max(x[0], {0}, false, at); }},
      {"min", {"x"}, {m}, [](In x) { return min(x[0], {0}, false, at); }},
      {"var", {"x"}, {m}, [](In x) { return var(x[0], {0}, 1, false, at); }},
      {"logsumexp", {"x"}, {m}, [](In x) { return logsumexp(x[0], {0}, false, at); }},
      {"softmax", {"x"}, {m}, [](In x) { return softmax(x[0], -1, at); }},
      {"log_softmax", {"x"}, {m}, [](In x) { return log_softmax(x[0], -1, at); }},
      {"broadcast_to", {"x"}, {v3}, [](In x) { return broadcast_to(x[0], {}, at); }},
      {"sum_to", {"g"}, {Tensor::scalar(1)}, [](In x) { return sum_to(x[0], {}, at); }},
      {"reshape_to", {"x"}, {ones({1})}, [](In x) { return reshape_to(x[0], {1}, at); }},
      {"reshape", {"x"}, {m}, [](In x) { return reshape(x[0], {-1}, at); }},
      {"flatten", {"x"}, {m}, [](In x) { return flatten(x[0], at); }},
      {"slice", {"x"}, {m}, [](In x) { return slice(x[0], 0, 0, 1, at); }},
      {"pad", {"x"}, {m}, [](In x) { return pad(x[0], 0, 1, 1, at); }},
      {"select", {"x"}, {m}, [](In x) { return select(x[0], 0, 0, at); }},
      {"chunk", {"x"}, {m}, [](In x) { return chunk(x[0], 1, 0, at)[0]; }},
      {"argmax",
       {"x"},
       {m},
       [](In x) {
         argmax(x[0], 0, at);
         return x[0];
       }},
      {"reflection_pad2d", {"x"}, {image}, [](In x) { return reflection_pad2d(x[0], 1, at); }},
      {"concat", {"part 0", "part 1"}, {m, m}, [](In x) { return concat(x, 0, at); }},
      {"stack", {"part 0", "part 1"}, {m, m}, [](In x) { return stack(x, 0, at); }},
      {"permute",
       {"x"},
       {m},
       [](In x) {
         return permute(x[0], {1, 0}, at);
       }},
      {"transpose", {"x"}, {m}, [](In x) { return transpose(x[0], 0, 1, at); }},
      {"flip", {"x"}, {m}, [](In x) { return flip(x[0], {0}, at); }},
      {"pixel_shuffle", {"x"}, {image}, [](In x) { return pixel_shuffle(x[0], 2, at); }},
      {"pixel_unshuffle", {"x"}, {image}, [](In x) { return pixel_unshuffle(x[0], 2, at); }},
      {"gather",
       {"x"},
       {v2},
       [](In x) {
         return gather(x[0], 0, {{1}, {0}}, at);
       }},
      {"scatter_add",
       {"g"},
       {ones({1})},
       [](In x) {
         return scatter_add(x[0], 0, {{1}, {0}}, 4, at);
       }},
      {"index_select", {"x"}, {v2}, [](In x) { return index_select(x[0], 0, {0}, at); }},
      {"index_add", {"g"}, {ones({1})}, [](In x) { return index_add(x[0], 0, {0}, 4, at); }},
      {"embedding", {"weight"}, {m}, [](In x) { return embedding(x[0], {0}, at); }},
      {"resample2d",
       {"x"},
       {ones({1, 1, 1, 1})},
       [](In x) {
         const SparseMatrix one{.out = 1, .in = 1, .begin = {0, 1}, .index = {0}, .weight = {1}};
         return resample2d(x[0], one, one, at);
       }},
      {"avg_pool2d", {"x"}, {image}, [](In x) { return avg_pool2d(x[0], {.kernel = 2}, at); }},
      {"max_pool2d", {"x"}, {image}, [](In x) { return max_pool2d(x[0], {.kernel = 2}, at); }},
      {"adaptive_avg_pool2d",
       {"x"},
       {image},
       [](In x) { return adaptive_avg_pool2d(x[0], 1, 1, at); }},
      {"upsample_nearest2d",
       {"x"},
       {image},
       [](In x) { return upsample_nearest2d(x[0], 8, 8, at); }},
      {"upsample_bilinear2d",
       {"x"},
       {image},
       [](In x) { return upsample_bilinear2d(x[0], 8, 8, false, at); }},
      {"matmul", {"a", "b"}, {m, ones({3, 2})}, [](In x) { return matmul(x[0], x[1], {}, at); }},
      {"linear", {"x", "weight"}, {m, m}, [](In x) { return linear(x[0], x[1], {}, at); }},
      {"linear_leaky_relu",
       {"x", "weight"},
       {m, m},
       [](In x) { return linear_leaky_relu(x[0], x[1], {}, 0.1, at); }},
      {"conv2d",
       {"x", "weight"},
       {image, kernel},
       [](In x) { return conv2d(x[0], x[1], {}, {}, at); }},
      {"conv2d_input_grad",
       {"g", "weight"},
       {ones({2, 5, 4, 4}), kernel},
       [](In x) { return conv2d_input_grad(x[0], x[1], 6, 6, {}, at); }},
      {"conv2d_weight_grad",
       {"g", "x"},
       {ones({2, 5, 4, 4}), image},
       [](In x) { return conv2d_weight_grad(x[0], x[1], 3, 3, {}, at); }},
      {"conv_transpose2d",
       {"x", "weight"},
       {ones({2, 5, 4, 4}), kernel},
       [](In x) { return conv_transpose2d(x[0], x[1], {}, {}, 0, at); }},
      {"batch_norm",
       {"x", "weight", "bias"},
       {m, v3, v3},
       [](In x) { return batch_norm(x[0], x[1], x[2], 1e-5, nullptr, at); }},
      {"batch_norm_leaky_relu",
       {"x", "weight", "bias"},
       {m, v3, v3},
       [](In x) { return batch_norm_leaky_relu(x[0], x[1], x[2], 0.1, 1e-5, nullptr, at); }},
      {"layer_norm", {"x"}, {m}, [](In x) { return layer_norm(x[0], 1, {}, {}, 1e-5, at); }},
      {"group_norm", {"x"}, {image}, [](In x) { return group_norm(x[0], 2, {}, {}, 1e-5, at); }},
      {"instance_norm", {"x"}, {image}, [](In x) { return instance_norm(x[0], {}, {}, 1e-5, at); }},
      {"bce_with_logits",
       {"logits", "targets"},
       {m, m},
       [=](In x) { return bce_with_logits(x[0], x[1], mean, at); }},
      {"bce_with_logits",
       {"logits"},
       {m},
       [=](In x) { return bce_with_logits(x[0], 1, mean, at); }},
      {"bce_with_logits",
       {"logits"},
       {m},
       [=](In x) { return bce_with_logits(x[0], 0.9, mean, at); }},
      {"softmax_cross_entropy",
       {"logits"},
       {m},
       [=](In x) {
         return softmax_cross_entropy(x[0], {0, 1}, mean, at);
       }},
      {"mse", {"a", "b"}, {m, m}, [=](In x) { return mse(x[0], x[1], mean, at); }},
      {"l1", {"a", "b"}, {m, m}, [=](In x) { return l1(x[0], x[1], mean, at); }},
      {"smooth_l1", {"a", "b"}, {m, m}, [=](In x) { return smooth_l1(x[0], x[1], 1, mean, at); }},
      {"hinge", {"x"}, {m}, [=](In x) { return hinge(x[0], 1, mean, at); }},
      {"kl_gaussian",
       {"mean1", "log_var1", "mean2", "log_var2"},
       {m, m, m, m},
       [=](In x) { return kl_gaussian(x[0], x[1], x[2], x[3], mean, at); }},
  };
  using Unary = Tensor (*)(const Tensor&, SourceLoc);
  const std::vector<std::pair<const char*, Unary>> unary = {
      {"neg", neg},         {"abs", abs},           {"sign", sign}, {"sqrt", sqrt},
      {"rsqrt", rsqrt},     {"exp", exp},           {"sin", sin},   {"cos", cos},
      {"log", log},         {"erf", erf},           {"relu", relu}, {"tanh", tanh},
      {"sigmoid", sigmoid}, {"softplus", softplus}, {"gelu", gelu}, {"silu", silu}};
  for (const auto& [op, f] : unary) {
    all.push_back({op, {"x"}, {m}, [f = f](In x) { return f(x[0], at); }});
  }
  using Binary = Tensor (*)(const Operand&, const Operand&);
  const std::vector<std::pair<const char*, Binary>> binary = {
      {"maximum", maximum}, {"minimum", minimum}, {"pow", pow}, {"equal", equal},
      {"not_equal", not_equal}, {"less", less}, {"less_equal", less_equal}, {"greater", greater},
      {"greater_equal", greater_equal},
      {"add", operator+ }, {"sub", operator- }, {"mul", operator* }, {"div", operator/ } };
  for (const auto& [op, f] : binary) {
    all.push_back({op, {"a", "b"}, {m, m}, [f = f](In x) { return f({x[0], at}, {x[1], at}); }});
  }
  return all;
}

/// The functions of ops.h that give a tensor.
std::set<std::string> ops_in_header() {
  std::ifstream file(FORGER_SOURCE_DIR "/autograd/ops.h");
  REQUIRE(file);
  std::set<std::string> names;
  const std::regex declaration(R"(^Tensor (\w+)\()");
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_search(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("every op reports an undefined tensor with op, argument and user's line") {
  std::set<std::string> left = ops_in_header();
  CHECK(left.size() > 75);
  left.erase("one_hot");  // takes no tensor
  for (const Call& call : calls()) {
    CAPTURE(std::string(call.op));
    left.erase(call.op);
    REQUIRE(call.names.size() == call.tensors.size());
    if (std::string(call.op) != "broadcast_to") CHECK(call.f(call.tensors).defined());
    for (size_t i = 0; i < call.tensors.size(); ++i) {
      std::vector<Tensor> arguments = call.tensors;
      arguments[i] = Tensor();
      const std::string text = text_of([&] { (void)call.f(arguments); });
      CAPTURE(text);
      CHECK(text.starts_with(std::string(call.op) + ": an argument is undefined\n"));
      CHECK(std::regex_search(text,
                              std::regex("\n  " + std::string(call.names[i]) + " +undefined\n")));
      CHECK(text.ends_with("\n  at user.cpp:7"));
    }
  }
  for (const std::string& op : left) FAIL_CHECK("no call of " << op);
}

TEST_CASE("an error shows an undefined argument next to the others") {
  CHECK(text_of([] {
          (void)linear(ones({2, 3}), {}, {}, at);
        }) ==
        "linear: an argument is undefined\n"
        "  x       [2, 3]\n"
        "  weight  undefined\n"
        "  a gradient is undefined until a backward pass has reached it\n"
        "  at user.cpp:7");
}

/// A call that has to fail, and the error's text without the line of the call.
struct Wrong {
  std::string text;
  std::function<Tensor()> f;
};

TEST_CASE("a composite op reports wrong arguments under its own name") {
  const auto mean = Reduction::kMean;
  const Tensor m = ones({2, 3}), v4 = ones({4}), v3 = ones({3}), image = ones({2, 3, 4, 4});
  const Tensor empty = ones({0, 3}), kernel = ones({3, 5, 2, 2});
  const std::string axis = ": no such axis\n  x  [2, 3]\n  axis 5, expected -2 to 1";
  const std::string none = ": no elements\n  x  [0, 3]";
  const std::string transposed =
      "\n  x       [2, 3, 4, 4]  (N, C, H, W)\n  weight  [3, 5, 2, 2]  (C, O, KH, KW)\n  ";
  const std::string eps = ": an eps of at least 0 expected\n  eps  -1.000000";
  const std::vector<Wrong> calls = {
      {"mean" + axis, [&] { return forger::mean(m, {5}, false, at); }},
      {"min" + axis, [&] { return min(m, {5}, false, at); }},
      {"var" + axis, [&] { return var(m, {5}, 1, false, at); }},
      {"logsumexp" + axis, [&] { return logsumexp(m, {5}, false, at); }},
      {"softmax" + axis, [&] { return softmax(m, 5, at); }},
      {"log_softmax" + axis, [&] { return log_softmax(m, 5, at); }},
      {"transpose" + axis, [&] { return transpose(m, 0, 5, at); }},
      {"mean" + none, [&] { return forger::mean(empty, at); }},
      {"min" + none, [&] { return min(empty, at); }},
      {"var" + none, [&] { return var(empty, at); }},
      {"logsumexp" + none, [&] { return logsumexp(empty, {0}, false, at); }},
      {"softmax" + none, [&] { return softmax(empty, 0, at); }},
      {"log_softmax" + none, [&] { return log_softmax(empty, 0, at); }},
      {"concat: no such axis\n  part 0  [2, 3]\n  axis 2, expected -2 to 1",
       [&] {
         return concat({m, m}, 2, at);
       }},
      {"stack: the parts differ in shape\n  part 0  [2, 3]\n  part 1  [4]",
       [&] {
         return stack({m, v4}, 0, at);
       }},
      {"scatter_add: no such axis\n  g  [4]\n  axis 2, expected -1 to 0",
       [&] {
         return scatter_add(v4, 2, {{4}, {0, 0, 0, 0}}, 4, at);
       }},
      {"index_add: no such axis\n  g  [4]\n  axis 2, expected -1 to 0",
       [&] { return index_add(v4, 2, {0}, 4, at); }},
      {"reshape: no extent fits in place of -1\n"
       "  x        [2, 3], 6 elements\n"
       "  extents  [-1, 4]",
       [&] {
         return reshape(m, {-1, 4}, at);
       }},
      {"reshape: no extent fits in place of -1\n"
       "  x        [2, 3], 6 elements\n"
       "  extents  [0, -1]",
       [&] {
         return reshape(m, {0, -1}, at);
       }},
      {"reshape: more than 4 axes\n  found [2, 3, 1, 1, 1]",
       [&] {
         return reshape(m, {2, 3, 1, 1, 1}, at);
       }},
      {"reshape: negative extent\n  found [-2, 3]",
       [&] {
         return reshape(m, {-2, 3}, at);
       }},
      {"reshape_to: another number of elements\n"
       "  x      [2, 3], 6 elements\n"
       "  shape  [4], 4 elements",
       [&] { return reshape_to(m, {4}, at); }},
      {"broadcast_to: shapes do not broadcast\n"
       "  x      [2, 3]\n"
       "  shape  [2]\n"
       "  axis -1: 3 against 2",
       [&] { return broadcast_to(m, {2}, at); }},
      {"sum_to: shapes do not broadcast\n"
       "  g      [2, 3]\n"
       "  shape  [2]\n"
       "  axis -1: 3 against 2",
       [&] { return sum_to(m, {2}, at); }},
      {"where: shapes do not broadcast\n"
       "  condition  [4]\n"
       "  a and b    [2, 3]\n"
       "  axis -1: 4 against 3",
       [&] {
         return where(v4, {m, at}, {m, at});
       }},
      {"greater: shapes do not broadcast\n  a  [2, 3]\n  b  [4]\n  axis -1: 3 against 4",
       [&] {
         return greater({m, at}, {v4, at});
       }},
      {"greater_equal: shapes do not broadcast\n  a  [2, 3]\n  b  [4]\n  axis -1: 3 against 4",
       [&] {
         return greater_equal({m, at}, {v4, at});
       }},
      {"embedding: label out of range\n  label 1 is 2, expected 0 to 1",
       [&] {
         return embedding(m, {0, 2}, at);
       }},
      {"one_hot: label out of range\n  label 0 is 3, expected 0 to 2",
       [&] { return one_hot({3}, 3, at); }},
      {"one_hot: an extent of at least 0 expected\n  found -9223372036854775808",
       [&] { return one_hot({}, INT64_MIN, at); }},
      {"conv_transpose2d: stride and dilation of at least 1 and padding of at least 0 expected" +
           transposed + "stride 0, padding 0, dilation 1, output_padding 0",
       [&] { return conv_transpose2d(image, kernel, {}, {.stride = 0}, 0, at); }},
      {"conv_transpose2d: stride and dilation of at least 1 and padding of at least 0 expected" +
           transposed + "stride 1, padding -1, dilation 1, output_padding 0",
       [&] { return conv_transpose2d(image, kernel, {}, {.padding = -1}, 0, at); }},
      {"conv_transpose2d: one bias per output channel expected\n  bias  [4], expected [5]",
       [&] { return conv_transpose2d(image, kernel, v4, {}, 0, at); }},
      {"conv2d: one bias per output channel expected\n  bias  [4], expected [5]",
       [&] {
         return conv2d(image, ones({5, 3, 2, 2}), v4, {}, at);
       }},
      {"conv2d_input_grad: negative extent\n  found [2, 3, -1, 4]",
       [&] {
         return conv2d_input_grad(image, ones({3, 3, 2, 2}), -1, 4, {}, at);
       }},
      {"conv2d_weight_grad: negative extent\n  found [3, 3, -1, 4]",
       [&] { return conv2d_weight_grad(image, image, -1, 4, {}, at); }},
      {"max_pool2d: a window that fits the padded image, and padding of at most half of it, "
       "expected\n  x  [2, 3, 4, 4]  (N, C, H, W)\n  kernel 5, stride 5, padding 0",
       [&] { return max_pool2d(image, {.kernel = 5}, at); }},
      {"adaptive_avg_pool2d: images with four axes and 1 to 2^26 rows and columns expected\n"
       "  x  [2, 3]  (N, C, H, W)",
       [&] { return adaptive_avg_pool2d(m, 1, 1, at); }},
      {"batch_norm" + eps, [&] { return batch_norm(m, v3, v3, -1, nullptr, at); }},
      {"layer_norm" + eps, [&] { return layer_norm(m, 1, {}, {}, -1, at); }},
      {"group_norm" + eps, [&] { return group_norm(image, 1, {}, {}, -1, at); }},
      {"instance_norm" + eps, [&] { return instance_norm(image, {}, {}, -1, at); }},
      {"instance_norm: weight and bias do not fit x\n"
       "  x      [2, 3, 4, 4]\n"
       "  found  [4], expected [3]",
       [&] { return instance_norm(image, v4, {}, 1e-5, at); }},
      {"leaky_relu_grad: a finite slope of at least 0 expected\n  slope  -1.000000",
       [&] { return leaky_relu_grad(m, m, -1, at); }},
      {"l1: a and b need the same shape\n  a  [2, 3]\n  b  [4]",
       [&] { return l1(m, v4, mean, at); }},
      {"bce_with_logits: logits and targets need the same shape\n"
       "  logits   [2, 3]\n"
       "  targets  [4]",
       [&] { return bce_with_logits(m, v4, mean, at); }},
  };
  for (const Wrong& wrong : calls) {
    CHECK(text_of([&] { (void)wrong.f(); }) == wrong.text + "\n  at user.cpp:7");
  }
}

// The cases below are for the undefined-behaviour sanitizer as much as for the messages: an extent
// of an empty tensor is bounded by no memory, and an option by nothing at all.
TEST_CASE("options and extents that would overflow are errors") {
  const int64_t huge = std::numeric_limits<int64_t>::max(), lots = Shape::kMaxNumel;
  const Tensor image = ones({1, 1, 4, 4}), v2 = ones({2});
  const Tensor no_channels = ones({1, 0, 4, 4}), long_kernel = Tensor::zeros({1, 0, lots, 1});
  const Tensor long_empty = Tensor::zeros({0, 1, lots, 1}), wide = Tensor::zeros({0, lots});
  const std::string window =
      ": kernel, stride and padding of at most 2^20 expected\n  x  [1, 1, 4, 4]  (N, C, H, W)\n";
  const std::string shown = std::to_string(huge), shown_half = std::to_string(huge / 2);
  const auto starts = [](const std::string& start, const std::function<Tensor()>& f) {
    const std::string text = text_of([&] { (void)f(); });
    CAPTURE(text);
    CAPTURE(start);
    CHECK(text.starts_with(start));
    CHECK(text.ends_with("\n  at user.cpp:7"));
  };
  starts("conv2d: the kernel is larger than the padded image",
         [&] { return conv2d(no_channels, long_kernel, {}, {.dilation = int64_t{1} << 20}, at); });
  starts("conv2d: stride and dilation of at least 1",
         [&] { return conv2d(image, image, {}, {.padding = -(int64_t{1} << 62)}, at); });
  starts("conv_transpose2d: stride and dilation of at least 1", [&] {
    return conv_transpose2d(image, image, {}, {.padding = -(int64_t{1} << 62)}, 0, at);
  });
  starts("conv_transpose2d: extents of at most 2^40 expected", [&] {
    return conv_transpose2d(ones({1, 1, 1, 1}), Tensor::zeros({1, 0, lots, 1}), {},
                            {.dilation = int64_t{1} << 20}, 0, at);
  });
  starts("conv_transpose2d: extents of at most 2^40 expected",
         [&] { return conv_transpose2d(long_empty, image, {}, {.stride = 1 << 20}, 0, at); });
  starts("conv_transpose2d: output_padding of at least 0",
         [&] { return conv_transpose2d(image, image, {}, {}, huge, at); });
  starts("avg_pool2d" + window + "  kernel " + shown + ", stride " + shown + ", padding 0",
         [&] { return avg_pool2d(image, {.kernel = huge}, at); });
  starts(
      "max_pool2d" + window + "  kernel " + shown + ", stride " + shown + ", padding " + shown_half,
      [&] { return max_pool2d(image, {.kernel = huge, .padding = huge / 2}, at); });
  starts("max_pool2d" + window,
         [&] { return max_pool2d(image, {.kernel = 2, .stride = huge}, at); });
  const std::string axis = ": images with four axes and 1 to 2^26 rows and columns expected";
  starts("avg_pool2d" + axis, [&] { return avg_pool2d(long_empty, {.kernel = 1}, at); });
  starts("adaptive_avg_pool2d" + axis, [&] { return adaptive_avg_pool2d(long_empty, 9, 1, at); });
  starts("upsample_nearest2d" + axis, [&] { return upsample_nearest2d(long_empty, 9, 1, at); });
  starts("upsample_bilinear2d" + axis,
         [&] { return upsample_bilinear2d(long_empty, 9, 1, false, at); });
  starts("pixel_shuffle: channels that are a multiple of r^2", [&] {
    return pixel_shuffle(Tensor::zeros({0, lots, 1, 1}), int64_t{1} << 40, at);
  });
  starts("pixel_unshuffle: too many elements", [&] {
    return pixel_unshuffle(Tensor::zeros({1, 1, 0, 0}), int64_t{1} << 40, at);
  });
  starts("slice: range outside", [&] { return slice(v2, 0, -huge, huge, at); });
  starts("pad: more padding", [&] { return pad(v2, 0, huge, huge, at); });
  starts("pad: too many elements", [&] {
    return pad(Tensor::zeros({0, lots}), 0, int64_t{1} << 48, 0, at);
  });
  starts("concat: too many elements", [&] { return concat(std::vector<Tensor>(40, wide), 1, at); });
  starts("stack: too many elements", [&] { return stack(std::vector<Tensor>(40, wide), 0, at); });
  starts("add: too many elements", [&] {
    return add(Tensor::zeros({0, lots, 1}), Tensor::zeros({0, 1, lots}), at);
  });
  starts("matmul: too many elements", [&] {
    return matmul(Tensor::zeros({lots, 0}), Tensor::zeros({0, lots}), {}, at);
  });
  starts("linear: too many elements", [&] {
    return linear(Tensor::zeros({lots, 0}), Tensor::zeros({lots, 0}), {}, at);
  });
  starts("scatter_add: an extent of at least 0", [&] {
    return scatter_add(Tensor::zeros({0}), 0, {{0}, {}}, std::numeric_limits<int64_t>::min(), at);
  });
  starts("scatter_add: too many elements", [&] {
    return scatter_add(v2, 0, {{2}, {0, 1}}, huge, at);
  });
  starts("index_add: an extent of at least 0", [&] { return index_add(v2, 0, {0, 1}, -1, at); });
  starts("index_add: too many elements", [&] { return index_add(v2, 0, {0, 1}, huge, at); });
  starts("one_hot: too many elements", [&] { return one_hot({0, 1}, huge, at); });
}

TEST_CASE("a SparseMatrix with invalid indices or extents is an error") {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  const Tensor image = ones({1, 1, 1, 1});
  const SparseMatrix one{.out = 1, .in = 1, .begin = {0, 1}, .index = {0}, .weight = {1}};
  CHECK(one.transposed().index == one.index);
  const std::vector<std::pair<SparseMatrix, std::string>> wrong = {
      {{.out = 1, .in = 1, .begin = {0, 1}, .index = {5}, .weight = {1}},
       "[1, 1], 1 indices, 1 weights, an index outside"},
      {{.out = 1, .in = 1, .begin = {0, 1}, .index = {-1}, .weight = {1}},
       "[1, 1], 1 indices, 1 weights, an index outside"},
      {{.out = -1, .in = 1, .begin = {}, .index = {}, .weight = {}},
       "[-1, 1], 0 indices, 0 weights, extents outside of 0 to 2^26"},
      {{.out = 1, .in = -1, .begin = {0}, .index = {}, .weight = {}},
       "[1, -1], 0 indices, 0 weights, extents outside of 0 to 2^26"},
      {{.out = huge, .in = 1, .begin = {0}, .index = {}, .weight = {}},
       "[9223372036854775807, 1], 0 indices, 0 weights, extents outside of 0 to 2^26"},
      {{.out = 0, .in = huge, .begin = {0}, .index = {}, .weight = {}},
       "[0, 9223372036854775807], 0 indices, 0 weights, extents outside of 0 to 2^26"},
      {{.out = 2, .in = 1, .begin = {0, 1}, .index = {0}, .weight = {1}},
       "[2, 1], 1 indices, 1 weights, rows that do not fit"},
      {{.out = 1, .in = 1, .begin = {}, .index = {0}, .weight = {1}},
       "[1, 1], 1 indices, 1 weights, rows that do not fit"},
      {{.out = 2, .in = 1, .begin = {0, 2, 1}, .index = {0}, .weight = {1}},
       "[2, 1], 1 indices, 1 weights, rows that do not fit"},
      {{.out = 1, .in = 1, .begin = {-1, 1}, .index = {0}, .weight = {1}},
       "[1, 1], 1 indices, 1 weights, rows that do not fit"},
      {{.out = 1, .in = 1, .begin = {0, 9}, .index = {0}, .weight = {1}},
       "[1, 1], 1 indices, 1 weights, rows that do not fit"},
      {{.out = 1, .in = 1, .begin = {0, 1}, .index = {0}, .weight = {}},
       "[1, 1], 1 indices, 0 weights, rows that do not fit"},
  };
  for (const auto& [matrix, found] : wrong) {
    CHECK(text_of([&, &m = matrix] { (void)m.transposed(at); }) ==
          "SparseMatrix::transposed: not a sparse matrix\n  found  " + found + "\n  at user.cpp:7");
    if (matrix.in != 1) continue;
    CHECK(text_of([&, &m = matrix] { (void)resample2d(image, m, one, at); }) ==
          "resample2d: not a sparse matrix\n  rows  " + found + "\n  at user.cpp:7");
    CHECK(text_of([&, &m = matrix] { (void)resample2d(image, one, m, at); }) ==
          "resample2d: not a sparse matrix\n  columns  " + found + "\n  at user.cpp:7");
  }
}

}  // namespace forger
