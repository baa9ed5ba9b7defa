// Tests modules and layers: names, paths, values computed by hand, initialisation, and which
// parameters get gradients.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/scope.h"
#include "message.h"
#include "nn/init.h"
#include "nn/layers.h"

namespace forger::nn {
namespace {

using Values = std::vector<Scalar>;

struct Root : Module {
  Root() : Module("net") {}
};

/// One layer of each kind that has state.
struct Net : Module {
  Net() : Module("net") {}

  Conv2d conv{*this, "conv", 1, 2, {.kernel = 3}};
  BatchNorm2d bn{*this, "bn", 2};
  Sequential up{*this, "up"};
  ConvTranspose2d& first = up.add<ConvTranspose2d>(2, 3, {.kernel = 2, .bias = false});
  ReLU& second = up.add<ReLU>();
  BatchNorm2d& third = up.add<BatchNorm2d>(3);
  Linear fc{*this, "fc", 4, 5};
};

std::vector<std::string> names_of(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

void assign(const Tensor& x, const Values& values) {
  REQUIRE(static_cast<int64_t>(values.size()) == x.numel());
  std::copy(values.begin(), values.end(), x.mutable_data());
}

struct Moments {
  double mean = 0, deviation = 0, largest = 0;
};

Moments moments(const Tensor& x) {
  Moments m;
  const double count = static_cast<double>(x.numel());
  for (const double value : x.to_vector()) {
    m.mean += value / count;
    m.largest = std::max(m.largest, std::abs(value));
  }
  for (const double value : x.to_vector()) {
    m.deviation += (value - m.mean) * (value - m.mean) / count;
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

/// Numbers from U(-bound, bound): none beyond, the largest within 1 % of it (which all of n numbers
/// miss with probability 0.99^n), the mean within five standard errors of 0.
void check_uniform(const Tensor& x, double bound) {
  CAPTURE(bound);
  const Moments m = moments(x);
  CHECK(m.largest <= bound);
  CHECK(m.largest > 0.99 * bound);
  CHECK(std::abs(m.mean) < 5 * bound / std::sqrt(3.0 * static_cast<double>(x.numel())));
}

/// Numbers from N(mean, deviation^2), each moment within five standard errors.
void check_normal(const Tensor& x, double mean, double deviation) {
  CAPTURE(mean);
  CAPTURE(deviation);
  const Moments m = moments(x);
  const double count = static_cast<double>(x.numel());
  CHECK(std::abs(m.mean - mean) < 5 * deviation / std::sqrt(count));
  CHECK(std::abs(m.deviation - deviation) < 5 * deviation / std::sqrt(2 * count));
}

}  // namespace

TEST_CASE("parameters and state have PyTorch's names and order") {
  const Net net;
  CHECK(names_of(net.named_parameters()) ==
        std::vector<std::string>{"conv.weight", "conv.bias", "bn.weight", "bn.bias", "up.0.weight",
                                 "up.2.weight", "up.2.bias", "fc.weight", "fc.bias"});
  CHECK(names_of(net.state()) ==
        std::vector<std::string>{"conv.weight", "conv.bias", "bn.weight", "bn.bias",
                                 "bn.running_mean", "bn.running_var", "bn.num_batches_tracked",
                                 "up.0.weight", "up.2.weight", "up.2.bias", "up.2.running_mean",
                                 "up.2.running_var", "up.2.num_batches_tracked", "fc.weight",
                                 "fc.bias"});
  CHECK(net.parameters().size() == 9);
  CHECK(net.parameter_count() == 2 * 9 + 2 + 4 + 2 * 3 * 4 + 6 + 20 + 5);
  for (const Tensor& p : net.parameters()) CHECK(p.requires_grad());
  CHECK(net.fc.weight.shape() == Shape{5, 4});
  CHECK(net.conv.weight.shape() == Shape{2, 1, 3, 3});
  CHECK(net.first.weight.shape() == Shape{2, 3, 2, 2});
  CHECK(!net.bn.running_mean.requires_grad());
  CHECK(!net.first.bias.defined());
}

TEST_CASE("state() returns the modules' own tensors") {
  Net net;
  net.state().back().second.mutable_data()[0] = 7;
  CHECK(net.fc.bias.at({0}) == 7);
}

TEST_CASE("modules have paths and print as a tree") {
  const Net net;
  CHECK(std::string(net.path()) == "net");
  CHECK(std::string(net.fc.path()) == "net.fc");
  CHECK(std::string(net.third.path()) == "net.up.2");
  CHECK(to_string(net) ==
        "net  79 parameters\n"
        "  conv  Conv2d(1 -> 2, kernel 3, stride 1, padding 0)  20 parameters\n"
        "  bn  BatchNorm2d(2)  4 parameters\n"
        "  up  Sequential  30 parameters\n"
        "    0  ConvTranspose2d(2 -> 3, kernel 2, stride 1, padding 0)  24 parameters\n"
        "    1  ReLU\n"
        "    2  BatchNorm2d(3)  6 parameters\n"
        "  fc  Linear(4 -> 5)  25 parameters\n");
  Root root;
  CHECK(BatchNorm1d(root, "bn", 3).describe() == "BatchNorm1d(3)");
  CHECK(LeakyReLU(root, "act", 0.2).describe() == "LeakyReLU(0.2)");
  CHECK(Reshape(root, "image", {1, 28, 28}).describe() == "Reshape(N x [1, 28, 28])");
  CHECK(Tanh(root, "tanh").describe() == "Tanh");
  CHECK(Sigmoid(root, "sigmoid").describe() == "Sigmoid");
  CHECK(Flatten(root, "flatten").describe() == "Flatten");
}

TEST_CASE("registering a taken name is an error") {
  struct Twice : Module {
    explicit Twice(const std::string& second) : Module("net") {
      parameter("weight", Tensor::ones({1}));
      buffer(second, Tensor::ones({1}));
    }
  };
  Root root;
  const Linear fc(root, "fc", 1, 1);
  CHECK(message_of([&] { Linear(root, "fc", 1, 1); }) ==
        "Module: this name is taken\n  name  \"fc\"");
  CHECK(root.children().size() == 1);
  CHECK(message_of([] { Twice("weight"); }) == "Module: this name is taken\n  name  \"weight\"");
  CHECK(message_of([] { Twice("other"); }) == "");
}

TEST_CASE("a layer that throws in its constructor or is destroyed is not registered") {
  Root root;
  Sequential net(root, "seq");
  CHECK(message_of([&] { net.add<Linear>(-1, 2); }).starts_with("Linear: at least one input"));
  CHECK(net.children().empty());
  net.add<Linear>(2, 2);
  CHECK(names_of(root.named_parameters()) ==
        std::vector<std::string>{"seq.0.weight", "seq.0.bias"});
  { const Linear gone(root, "fc", 1, 1); }
  CHECK(names_of(root.state()) == std::vector<std::string>{"seq.0.weight", "seq.0.bias"});
  const Linear again(root, "fc", 1, 1);
  CHECK(root.parameters().size() == 4);
}

TEST_CASE("an error and a node name the layer's path and the line that called the layers") {
  struct Deep : Module {
    Deep() : Module("net") { seq.add<Linear>(3, 4); }
    const int line = __LINE__ + 1;
    Tensor forward(const Tensor& x) override { return seq(x); }
    Sequential seq{*this, "seq"};
  } net;
  const std::string at = "tests/nn_test.cpp:" + std::to_string(net.line);
  std::string text;
  try {
    net(Tensor::ones({2, 5}));
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK(text ==
        "linear: shapes do not fit\n  x       [2, 5]  (..., I)\n  weight  [4, 3]  (O, I)\n"
        "  bias    [4]  (O)\n  at " +
            at + ", in net.seq.0");
  const Tensor y = net(Tensor::ones({2, 3}));
  CHECK(y.node()->str() == "#" + std::to_string(y.node()->id) + " linear net.seq.0, " + at);
  CHECK(std::string(current_module()) == "");
}

TEST_CASE("layers report inputs of the wrong shape") {
  Root root;
  BatchNorm1d bn1(root, "bn1", 2);
  BatchNorm2d bn2(root, "bn2", 2);
  CHECK(message_of([&] {
          bn1(Tensor::ones({4, 3}));
        }) == "batch_norm: x does not fit this layer\n  x  [4, 3], expected [N, 2]");
  CHECK(message_of([&] {
          bn1(Tensor::ones({4, 2, 1, 1}));
        }) == "batch_norm: x does not fit this layer\n  x  [4, 2, 1, 1], expected [N, 2]");
  CHECK(message_of([&] {
          bn2(Tensor::ones({4, 2}));
        }) == "batch_norm: x does not fit this layer\n  x  [4, 2], expected [N, 2, H, W]");
  CHECK(message_of([&] { bn1(Tensor::ones({})); }) ==
        "batch_norm: x does not fit this layer\n  x  [], expected [N, 2]");
  CHECK(message_of([&] { root(Tensor::ones({1})); }) == "Module: this module has no forward(x)");
}

TEST_CASE("Linear matches hand-computed results and output shapes") {
  Root root;
  Linear fc(root, "fc", 2, 3), bare(root, "bare", 2, 3, false);
  assign(fc.weight, {1, 2, 3, 4, 5, 6});
  assign(fc.bias, {0.5, -1, 0});
  assign(bare.weight, {1, 2, 3, 4, 5, 6});
  const Tensor x = Tensor::from({2, 2}, {1, 1, 2, -1});
  CHECK(fc(x).to_vector() == Values{3.5, 6, 11, 0.5, 1, 4});
  CHECK(bare(x).to_vector() == Values{3, 7, 11, 0, 2, 4});
  CHECK(bare(reshape(x, {2, 1, 2})).shape() == Shape{2, 1, 3});
  CHECK(bare.multiply_adds({2, 5, 2}, {2, 5, 3}) == 2 * 5 * 2 * 3);
}

TEST_CASE("Conv2d matches hand-computed results and output shapes") {
  Root root;
  const Tensor x = Tensor::from({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  Conv2d plain(root, "plain", 1, 1, {.kernel = 2});
  assign(plain.weight, {1, 2, 3, 4});
  assign(plain.bias, {10});
  CHECK(plain(x).to_vector() == Values{47, 57, 77, 87});
  CHECK(plain.multiply_adds({2, 1, 3, 4}, {2, 1, 2, 3}) == 2 * 2 * 3 * 4);
  Conv2d strided(root, "strided", 1, 1, {.kernel = 2, .stride = 2, .padding = 1, .bias = false});
  assign(strided.weight, {1, 2, 3, 4});
  CHECK(strided(x).to_vector() == Values{4, 18, 36, 77});
  Conv2d dilated(root, "dilated", 1, 1, {.kernel = 2, .dilation = 2, .bias = false});
  assign(dilated.weight, {1, 2, 3, 4});
  CHECK(dilated(x).to_vector() == Values{1 + 2 * 3 + 3 * 7 + 4 * 9});
  Conv2d channels(root, "channels", 2, 3, {.kernel = 1});
  assign(channels.weight, {1, 2, 3, 4, 5, 6});  // [out, in]
  assign(channels.bias, {0, 100, 0});
  CHECK(channels(Tensor::from({1, 2, 1, 1}, {1, 10})).to_vector() == Values{21, 143, 65});
}

TEST_CASE("ConvTranspose2d matches hand-computed results and output shapes") {
  Root root;
  const Tensor x = Tensor::from({1, 1, 2, 2}, {1, 2, 3, 4});
  ConvTranspose2d blocks(root, "blocks", 1, 1, {.kernel = 2, .stride = 2});
  assign(blocks.weight, {1, 2, 3, 4});
  assign(blocks.bias, {100});
  CHECK(blocks(x).to_vector() == Values{101, 102, 102, 104, 103, 104, 106, 108,  //
                                        103, 106, 104, 108, 109, 112, 112, 116});
  // Each output counts the inputs whose kernel reaches it: 1 2 1 1 along either axis.
  ConvTranspose2d overlapping(
      root, "overlapping", 1, 1,
      {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1, .bias = false});
  assign(overlapping.weight, Values(9, 1));
  CHECK(overlapping(Tensor::ones({1, 1, 2, 2})).to_vector() ==
        Values{1, 2, 1, 1, 2, 4, 2, 2, 1, 2, 1, 1, 1, 2, 1, 1});
  ConvTranspose2d channels(root, "channels", 2, 3, {.kernel = 1, .bias = false});
  assign(channels.weight, {1, 2, 3, 4, 5, 6});  // [in, out]
  CHECK(channels(Tensor::from({1, 2, 1, 1}, {1, 10})).to_vector() == Values{41, 52, 63});
  ConvTranspose2d dcgan(root, "dcgan", 1, 2, {.kernel = 4, .stride = 2, .padding = 1});
  CHECK(dcgan(Tensor::ones({3, 1, 7, 5})).shape() == Shape{3, 2, 14, 10});
}

TEST_CASE("batch norm in training uses batch statistics and updates running ones unbiased") {
  Root root;
  BatchNorm1d bn(root, "bn", 2, {.eps = 0, .momentum = 0.5});
  assign(bn.weight, {1, 2});
  assign(bn.bias, {0, 1});
  const Tensor x = Tensor::from({2, 2}, {1, 10, 3, 30});  // means 2 and 20, variances 1 and 100
  CHECK(bn(x).to_vector() == Values{-1, -1, 1, 3});
  CHECK(bn.running_mean.to_vector() == Values{1, 10});
  CHECK(bn.running_var.to_vector() == Values{1.5, 100.5});  // half-way from 1 to 2 and 200
  CHECK(bn.num_batches_tracked.item() == 1);
  bn(x);
  CHECK(bn.running_mean.to_vector() == Values{1.5, 15});
  CHECK(bn.running_var.to_vector() == Values{1.75, 150.25});
  CHECK(bn.num_batches_tracked.item() == 2);

  BatchNorm2d images(root, "images", 2, {.eps = 0, .momentum = 0.5});
  const Tensor y = images(Tensor::from({2, 2, 1, 2}, {1, 3, 10, 30, 3, 1, 30, 10}));
  CHECK(y.to_vector() == Values{-1, 1, -1, 1, 1, -1, 1, -1});
  CHECK(images.running_mean.to_vector() == Values{1, 10});
  CHECK(images.running_var.at({0}) == 0.5f + 0.5f * (1.0f * 4 / 3));  // four values a channel

  BatchNorm1d usual(root, "usual", 1);
  usual(Tensor::from({2, 1}, {9, 11}));
  CHECK(usual.running_mean.item() == 0.1f * 10);
  CHECK(usual.running_var.item() == 1 + 0.1f * (2 - 1));
}

TEST_CASE("batch norm in evaluation uses the running statistics and leaves them unchanged") {
  Root root;
  BatchNorm1d bn(root, "bn", 2, {.eps = 3});
  BatchNorm2d images(root, "images", 2, {.eps = 3});
  for (BatchNorm* layer : {static_cast<BatchNorm*>(&bn), static_cast<BatchNorm*>(&images)}) {
    assign(layer->weight, {1, 2});
    assign(layer->bias, {0, 1});
    assign(layer->running_mean, {1, 10});
    assign(layer->running_var, {1, 13});
  }
  root.eval();
  CHECK(!bn.training());
  CHECK(bn(Tensor::from({1, 2}, {3, 18})).to_vector() == Values{1, 5});
  CHECK(images(Tensor::from({1, 2, 1, 2}, {3, 1, 18, 10})).to_vector() == Values{1, 0, 5, 1});
  CHECK(bn.running_mean.to_vector() == Values{1, 10});
  CHECK(bn.running_var.to_vector() == Values{1, 13});
  CHECK(bn.num_batches_tracked.item() == 0);
  root.train();
  CHECK(bn.training());
  CHECK(message_of([&] {
          bn(Tensor::ones({1, 2}));
        }).starts_with("batch_norm: a variance needs at least two values per channel\n"));
}

TEST_CASE("batch norm in evaluation has gradients for its input and parameters") {
  Root root;
  BatchNorm1d bn(root, "bn", 1, {.eps = 3});
  assign(bn.weight, {5});
  assign(bn.running_mean, {1});
  root.eval();
  const Tensor x = Tensor::from({2, 1}, {3, 7}).set_requires_grad();
  backward(sum(bn(x)));
  CHECK(x.grad().to_vector() == Values{2.5, 2.5});
  CHECK(bn.weight.grad().item() == 4);  // (2 + 6) / 2
  CHECK(bn.bias.grad().item() == 2);
}

TEST_CASE("EvalMode restores each module's mode, also after an exception") {
  Net net;
  net.up.eval();
  net.third.train();
  const auto modes = [&] {
    return std::vector<bool>{net.training(), net.bn.training(), net.up.training(),
                             net.second.training(), net.third.training()};
  };
  const std::vector<bool> before = {true, true, false, false, true};
  CHECK(modes() == before);
  try {
    const EvalMode eval(net);
    CHECK(modes() == std::vector<bool>(5, false));
    net.bn.train();  // undone with the rest
    net(Tensor::ones({1}));
  } catch (const Error&) {
  }
  CHECK(modes() == before);
}

TEST_CASE("activation and shape modules match their ops, alone and in a Sequential") {
  Root root;
  const Tensor x = Tensor::from({2, 2}, {-2, 1, 0, 3});
  CHECK(ReLU(root, "relu")(x).to_vector() == Values{0, 1, 0, 3});
  CHECK(LeakyReLU(root, "leaky", 0.5)(x).to_vector() == Values{-1, 1, 0, 3});
  CHECK(LeakyReLU(root, "default")(x).to_vector() == Values{-2 * 0.01f, 1, 0, 3});
  CHECK(Tanh(root, "tanh")(x).to_vector() == tanh(x).to_vector());
  CHECK(Sigmoid(root, "sigmoid")(x).to_vector() == sigmoid(x).to_vector());
  CHECK(Flatten(root, "flatten")(Tensor::zeros({2, 3, 4})).shape() == Shape{2, 12});
  CHECK(Reshape(root, "image", {1, 2, 3})(Tensor::zeros({5, 6})).shape() == Shape{5, 1, 2, 3});
  CHECK(message_of([&] {
          Reshape(root, "wrong", {4})(Tensor::zeros({5, 6}));
        }).starts_with("reshape: another number of elements\n"));

  Sequential net(root, "net");
  Linear& first = net.add<Linear>(2, 2);
  net.add<ReLU>();
  Linear& last = net.add<Linear>(2, 1, false);
  assign(first.weight, {1, 0, 0, 1});
  assign(first.bias, {1, -2});
  assign(last.weight, {1, 10});
  CHECK(net(x).to_vector() == Values{0, 11});  // relu(-1, -1) and relu(1, 1)
  Sequential empty(root, "empty");
  CHECK(empty(x).to_vector() == x.to_vector());
}

TEST_CASE("Sequential fuses a ReLU into the layer before it with the same results") {
  for (const double slope : {0.0, 0.25}) {
    CAPTURE(slope);
    const auto add_activation = [slope](Sequential& net) {
      if (slope == 0) {
        net.add<ReLU>();
      } else {
        net.add<LeakyReLU>(slope);
      }
    };
    const auto results = [&](bool together, std::string* names) {
      seed_init(5);
      Root root;
      Sequential net(root, "net");
      net.add<Linear>(3, 4);
      add_activation(net);
      net.add<Linear>(4, 6, false);
      net.add<ReLU>();
      net.add<Reshape>({3, 2, 1});
      net.add<BatchNorm2d>(3);
      add_activation(net);
      net.add<SpectralNorm<nn::Conv2d>>(3, 2, {.kernel = 1});
      net.add<ReLU>();
      const Tensor x = Random(1).normal({8, 3}).set_requires_grad();
      Tensor y;
      if (together) {
        y = net(x);
      } else {
        const CallRecorder each_by_itself;
        y = net(x);
        CHECK(each_by_itself.calls.size() == 10);
      }
      for (const Node* node = y.node().get(); names && node; node = node->inputs[0].get()) {
        *names = std::string(node->name) + " " + node->module + "\n" + *names;
        if (node->is_leaf()) break;
      }
      std::vector<Tensor> leaves = net.parameters(), all = {y};
      leaves.push_back(x);
      for (Tensor& d : grad({sum(y * Random(2).normal(y.shape()))}, leaves)) all.push_back(d);
      for (const auto& [name, tensor] : net.state()) all.push_back(tensor);
      std::vector<std::vector<Scalar>> values;
      for (const Tensor& tensor : all) values.push_back(tensor.to_vector());
      return values;
    };
    std::string names;
    CHECK(results(true, &names) == results(false, nullptr));
    CHECK(names ==
          "leaf \n"
          "linear_leaky_relu net.net.0\n"
          "linear_leaky_relu net.net.2\n"
          "reshape net.net.4\n"
          "batch_norm_leaky_relu net.net.5\n"
          "conv2d net.net.7\n"
          "add net.net.7\n"
          "leaky_relu net.net.8\n");
  }
}

TEST_CASE("Sequential does not fuse a ReLU with batch norm in evaluation or a derived layer") {
  struct Doubled : Linear {
    using Linear::Linear;
    Tensor forward(const Tensor& x) override { return Linear::forward(x) * 2; }
  };
  Root root;
  Sequential net(root, "net");
  Doubled& doubled = net.add<Doubled>(1, 2, false);
  net.add<ReLU>();
  BatchNorm1d& bn = net.add<BatchNorm1d>(2);
  net.add<ReLU>();
  assign(doubled.weight, {1, -1});
  assign(bn.running_mean, {4, 1});
  assign(bn.running_var, {4 - 1e-5f, 1 - 1e-5f});
  net.eval();
  CHECK(net(Tensor::from({2, 1}, {1, 3})).to_vector() == Values{0, 0, 1, 0});
}

TEST_CASE("layers initialise uniformly within PyTorch's bounds, as a function of the seed") {
  seed_init(1);
  Root root;
  const Linear fc(root, "fc", 100, 50);
  const Conv2d conv(root, "conv", 12, 40, {.kernel = 5});
  const ConvTranspose2d up(root, "up", 40, 12, {.kernel = 5});
  check_uniform(fc.weight, 1 / std::sqrt(100.0));
  check_uniform(conv.weight, 1 / std::sqrt(12.0 * 25));
  check_uniform(up.weight, 1 / std::sqrt(12.0 * 25));
  // 2,000 biases; the fan-in is the weight's
  check_uniform(Linear(root, "wide", 4, 2000).bias, 0.5);
  check_uniform(Conv2d(root, "many", 1, 2000, {.kernel = 2}).bias, 0.5);
  check_uniform(ConvTranspose2d(root, "many_up", 1, 2000, {.kernel = 2}).bias,
                1 / std::sqrt(2000.0 * 4));
  const BatchNorm2d bn(root, "bn", 2);
  CHECK(bn.weight.to_vector() == Values{1, 1});
  CHECK(bn.bias.to_vector() == Values{0, 0});
  CHECK(bn.running_mean.to_vector() == Values{0, 0});
  CHECK(bn.running_var.to_vector() == Values{1, 1});

  const auto weights = [&](uint64_t seed) {
    seed_init(seed);
    Root other;
    const Linear a(other, "a", 3, 4), b(other, "b", 3, 4);
    CHECK(a.weight.to_vector() != b.weight.to_vector());
    return a.weight.to_vector();
  };
  CHECK(weights(1) == weights(1));
  CHECK(weights(1) != weights(2));
}

TEST_CASE("initialisers have the documented distributions") {
  Random random(1);
  const Tensor weight = Tensor::empty({100, 40, 10, 10});
  xavier_uniform(weight, 2, random);
  check_uniform(weight, 2 * std::sqrt(6.0 / (4000 + 10'000)));
  he_normal(weight, random);
  check_normal(weight, 0, std::sqrt(2.0 / 4000));
  fill_normal(weight, 3, 0.5, random);
  check_normal(weight, 3, 0.5);
  fill_uniform(weight, -2, 2, random);
  check_uniform(weight, 2);
  fill(weight, 0.25);
  CHECK(weight.to_vector() == Values(400'000, 0.25));
  CHECK(message_of([&] { he_normal(Tensor::empty({3}), random); }) ==
        "he_normal: a weight of at least two axes and one element expected\n  found [3]");
  CHECK(message_of([&] { xavier_uniform(Tensor::empty({}), 1, random); }) ==
        "xavier_uniform: a weight of at least two axes and one element expected\n  found []");
}

TEST_CASE("errors and changes of initialisers name the initialiser and the user's line") {
  Random random(1);
  Root root;
  const Linear fc(root, "fc", 2, 3);
  const Tensor undefined;
  const auto check = [](int line, const std::string& first, const auto& f) {
    CAPTURE(first);
    try {
      f();
      FAIL("no error");
    } catch (const Error& error) {
      const std::string text = error.what();
      CHECK(text.starts_with(first + ": "));
      CHECK(text.ends_with("\n  at tests/nn_test.cpp:" + std::to_string(line)));
    }
  };
  check(__LINE__, "fill", [&] { fill(undefined, 1); });
  check(__LINE__, "fill_normal", [&] { fill_normal(undefined, 0, 1, random); });
  check(__LINE__, "fill_normal", [&] { fill_normal(fc.weight, 0, -1, random); });
  check(__LINE__, "fill_uniform", [&] { fill_uniform(fc.weight, 1, 0, random); });
  check(__LINE__, "xavier_uniform", [&] { xavier_uniform(fc.weight, NAN, random); });
  check(__LINE__, "xavier_uniform", [&] { xavier_uniform(undefined, 1, random); });
  check(__LINE__, "he_normal", [&] { he_normal(Tensor::empty({2, 0}), random); });
  check(__LINE__, "he_normal", [&] { he_normal(fc.bias, random); });
  using Change = std::function<void()>;
  const std::pair<int, Change> changes[] = {
      {__LINE__, [&] { fill(fc.weight, 0); }},
      {__LINE__, [&] { fill_uniform(fc.weight, 0, 1, random); }},
      {__LINE__, [&] { he_normal(fc.weight, random); }},
      {__LINE__, [&] { dcgan_init(root, random); }}};
  for (const auto& [line, change] : changes) {
    const Tensor y = sum(fc.weight * fc.weight);
    change();
    std::string text;
    try {
      backward(y);
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text.find("tests/nn_test.cpp:" + std::to_string(line)) != std::string::npos);
  }
}

TEST_CASE("dcgan_init draws each kind of parameter from its distribution") {
  Root root;
  const Linear fc(root, "fc", 100, 50);
  const Conv2d conv(root, "conv", 12, 40, {.kernel = 5});
  const ConvTranspose2d up(root, "up", 40, 12, {.kernel = 5});
  const BatchNorm2d bn(root, "bn", 4000);
  fill(bn.bias, 7);
  Random random(3);
  dcgan_init(root, random);
  check_normal(fc.weight, 0, 0.02);
  check_normal(conv.weight, 0, 0.02);
  check_normal(up.weight, 0, 0.02);
  check_normal(bn.weight, 1, 0.02);
  for (const Tensor& bias : {fc.bias, conv.bias, up.bias, bn.bias}) {
    CHECK(moments(bias).largest == 0);
  }
  CHECK(bn.running_var.to_vector() == Values(4000, 1));
}

TEST_CASE("a generator step computes no gradients of the discriminator") {
  struct Generator : Module {
    Generator() : Module("G") {}
    Linear fc{*this, "fc", 3, 4};
    BatchNorm1d bn{*this, "bn", 4};
    Tensor forward(const Tensor& z) override { return tanh(bn(fc(z))); }
  } G;
  struct Discriminator : Module {
    Discriminator() : Module("D") {}
    Linear first{*this, "first", 4, 5};
    BatchNorm1d bn{*this, "bn", 5};
    Linear last{*this, "last", 5, 1};
    Tensor forward(const Tensor& x) override { return last(leaky_relu(bn(first(x)), 0.2)); }
  } D;
  const Tensor z = Random(1).normal({8, 3});
  const auto has_grads = [](const Module& module) {
    size_t count = 0;
    for (const Tensor& p : module.parameters()) count += p.grad().defined();
    CHECK((count == 0 || count == module.parameters().size()));
    return count > 0;
  };
  backward(bce_with_logits(D(G(z)), 1), G.parameters());
  CHECK(has_grads(G));
  CHECK(!has_grads(D));
  for (const Tensor& p : G.parameters()) p.zero_grad();
  backward(bce_with_logits(D(G(z).detach()), 0), D.parameters());
  CHECK(!has_grads(G));
  CHECK(has_grads(D));
}

}  // namespace forger::nn
