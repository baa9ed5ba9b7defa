// Tests modules beyond their values: parameters that cannot be assigned, calls that throw and
// change nothing, and errors that name the user's line.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <type_traits>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "message.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/state.h"
#include "nn/summary.h"
#include "temp_folder.h"

namespace forger::nn {
namespace {

using Values = std::vector<Scalar>;

struct Root : Module {
  Root() : Module("net") {}
};

std::string here(int line, const std::string& path) {
  return "\n  at tests/module_test.cpp:" + std::to_string(line) + ", in " + path;
}

std::vector<Values> values_of(const NamedTensors& tensors) {
  std::vector<Values> values;
  for (const auto& [name, tensor] : tensors) values.push_back(tensor.to_vector());
  return values;
}

}  // namespace

TEST_CASE("a layer's parameters and buffers cannot be assigned") {
  static_assert(!std::is_assignable_v<decltype((std::declval<Linear&>().weight)), Tensor>);
  static_assert(!std::is_assignable_v<decltype((std::declval<Linear&>().weight)), Parameter>);
  static_assert(!std::is_assignable_v<decltype((std::declval<Conv2d&>().bias)), Parameter>);
  static_assert(!std::is_assignable_v<decltype((std::declval<Embedding&>().weight)), Tensor>);
  static_assert(!std::is_assignable_v<decltype((std::declval<LayerNorm&>().weight)), Tensor>);
  static_assert(!std::is_assignable_v<decltype((std::declval<BatchNorm&>().running_mean)), Tensor>);
  static_assert(std::is_convertible_v<Parameter, const Tensor&>);
}

TEST_CASE("a module registers a copy of the initial tensor") {
  struct Scale : Module {
    explicit Scale(const Tensor& initial)
        : Module("scale"), scale(parameter("scale", initial)), mean(buffer("mean", initial)) {}
    Parameter scale;
    Buffer mean;
  };
  const Tensor initial = Tensor::ones({2});
  const Scale a(initial), b(initial);
  fill(a.scale, 2);
  fill(a.mean, 3);
  CHECK(b.scale.to_vector() == Values{1, 1});
  CHECK(b.mean.to_vector() == Values{1, 1});
  CHECK(initial.to_vector() == Values{1, 1});
  CHECK(text_of([] { Scale{Tensor()}; }).starts_with("clone: the tensor is undefined"));
}

TEST_CASE("copy() writes into a parameter that an optimizer still updates") {
  Root root;
  Linear p(root, "p", 2, 1, false), q(root, "q", 2, 1, false);
  const Linear wide(root, "wide", 3, 1, false);
  fill(p.weight, 3);
  copy(p.weight, q.weight);
  CHECK(q.weight.to_vector() == Values{3, 3});
  Sgd sgd(q, {.lr = 1});
  backward(sum(q(Tensor::ones({1, 2}))));
  sgd.step();
  CHECK(q.weight.to_vector() == Values{2, 2});
  CHECK(p.weight.to_vector() == Values{3, 3});
  const int line = __LINE__ + 1;
  CHECK(text_of([&] { copy(p.weight, wide.weight); }) ==
        "copy: two tensors of one shape expected\n  from  net.p.weight [1, 2]\n"
        "  into  net.wide.weight [1, 3]\n  at tests/module_test.cpp:" +
            std::to_string(line));
  CHECK(message_of([&] {
          copy(Tensor::ones({1, 2}), p.bias);
        }) == "copy: two tensors of one shape expected\n  from  [1, 2]\n  into  undefined");
}

TEST_CASE("set_trainable() freezes a module and thaws it for further training") {
  Root root;
  Linear first(root, "first", 2, 2), last(root, "last", 2, 1);
  Adam adam(root, {.lr = 0.1});
  const Tensor x = Tensor::ones({1, 2});
  const auto moved_by_a_step = [&] {
    const auto before = values_of(root.named_parameters());
    adam.zero_grad();
    backward(sum(last(first(x))));
    adam.step();
    const auto after = values_of(root.named_parameters());
    std::vector<bool> moved;
    for (size_t i = 0; i < after.size(); ++i) moved.push_back(after[i] != before[i]);
    return moved;
  };
  using Moved = std::vector<bool>;  // the weight and the bias of each layer
  CHECK(moved_by_a_step() == Moved{true, true, true, true});
  set_trainable(first, false);
  CHECK(!first.weight.requires_grad());
  CHECK(first(x).node().get() == nullptr);
  CHECK(moved_by_a_step() == Moved{false, false, true, true});
  CHECK(root.parameters().size() == 4);
  set_trainable(first, true);
  CHECK(moved_by_a_step() == Moved{true, true, true, true});
}

TEST_CASE("a weight that two layers share has one key and the gradient of both uses") {
  struct Tied : Module {
    Tied() : Module("tied") {}
    Linear encode{*this, "encode", 2, 1, false};
    Tensor forward(const Tensor& x) override { return matmul(encode(x), encode.weight); }
  } net;
  CHECK(net.state().size() == 1);
  copy(Tensor::from({1, 2}, {3, 5}), net.encode.weight);
  // y = (w.x) w: with x = (1, 0) and L = y0 + y1 = w0 (w0 + w1), dL/dw = (2 w0 + w1, w0).
  backward(sum(net(Tensor::from({1, 2}, {1, 0}))));
  CHECK(net.encode.weight.grad().to_vector() == Values{11, 3});
}

TEST_CASE("a name that is empty or contains a dot is an error") {
  struct Bad : Module {
    explicit Bad(const std::string& name) : Module("net") { parameter(name, Tensor::ones({1})); }
  };
  Root root;
  const int line = __LINE__ + 1;
  CHECK(text_of([&] { Linear(root, "a.b", 1, 1); }) ==
        "Module: a name that is not empty and has no dot expected\n  name  \"a.b\"" +
            here(line, "net"));
  CHECK(message_of([&] { Linear(root, "", 1, 1); }) ==
        "Module: a name that is not empty and has no dot expected\n  name  \"\"");
  CHECK(message_of([] { Bad("w.x"); }).starts_with("Module: a name that is not empty"));
  CHECK(message_of([] { Module("G.1"); }).starts_with("Module: a name that is not empty"));
  CHECK(root.children().empty());
}

TEST_CASE("rename() to a taken name or from an unknown name is an error") {
  struct Renamed : Module {
    Renamed(const std::string& from, const std::string& to) : Module("net") {
      parameter("a", Tensor::ones({1}));
      buffer("b", Tensor::ones({1}));
      rename(from, to);
    }
  };
  CHECK(Renamed("a", "c").named_parameters()[0].first == "c");
  CHECK(Renamed("b", "c").state()[1].first == "c");
  CHECK(message_of([] { Renamed("a", "b"); }) == "Module: this name is taken\n  name  \"b\"");
  CHECK(message_of([] { Renamed("c", "d"); }) ==
        "Module: there is no parameter or buffer of this name\n  name  \"c\"");
}

TEST_CASE("a layer's constructor error names the user's line and the module path") {
  Root root;
  Sequential net(root, "main");
  const std::string one = "Linear: at least one input and one output expected\n  found  -1 -> 8";
  int line = __LINE__ + 1;
  CHECK(text_of([&] { Linear(root, "fc", -1, 8); }) == one + here(line, "net.fc"));
  line = __LINE__ + 1;
  CHECK(text_of([&] { net.add<Linear>(-1, 8); }) == one + here(line, "net.main.0"));
  line = __LINE__ + 1;
  CHECK(text_of([&] { net.add<MaxPool2d>({.kernel = 0}); }) ==
        "MaxPool2d: a kernel of at least 1, a stride of at least 0, and padding of 0 to half the "
        "kernel expected\n  found  kernel 0, stride 0, padding 0" +
            here(line, "net.main.0"));
  const uint64_t drawn = init_random().counter();
  line = __LINE__ + 1;
  CHECK(
      text_of([&] { net.add<SpectralNorm<Conv2d>>(3, 64, {.kernel = 0}); }) ==
      "Conv2d: at least one channel, kernel, stride and dilation of at least 1, and padding of at "
      "least 0 expected\n  found  3 -> 64, kernel 0, stride 1, padding 0, dilation 1" +
          here(line, "net.main.0"));
  CHECK(init_random().counter() == drawn);
  CHECK(net.size() == 0);
  const int block_line = __LINE__ + 3;
  struct Block : Module {
    Block(Module& parent, std::string name, int64_t in)
        : Module(parent, std::move(name)), fc(*this, "fc", in, 1) {}
    Linear fc;
  };
  CHECK(text_of([&] { net.add<Block>(0); }) ==
        "Linear: at least one input and one output expected\n  found  0 -> 1" +
            here(block_line, "net.main.0.fc"));
  struct Many : Linear {
    Many(Module& parent, std::string name, int, int, int, int) : Linear(parent, name, 0, 0) {}
  };
  CHECK(text_of([&] { net.add<Many>(1, 2, 3, 4); }).ends_with(", in net.main.0"));
  struct Late : Linear {
    Late(Module& parent, std::string name, int, int, int, int out,
         SourceLoc loc = SourceLoc::here())
        : Linear(parent, std::move(name), 0, out, true, loc) {}
  };
  // add() has no line for more than three arguments, and the library's own would mislead.
  CHECK(text_of([&] { net.add<Late>(1, 2, 3, 4); }) ==
        "Linear: at least one input and one output expected\n  found  0 -> 4, in net.main.0");
  CHECK(text_of([&] {
          Linear(root, "fc", 1LL << 40, 1LL << 40);
        }).find("\n  at tests/module_test.cpp:") != std::string::npos);
}

TEST_CASE("every layer checks its constructor arguments") {
  Root root;
  const auto refused = [&](const std::string& first, const std::string& found, const auto& make) {
    CAPTURE(first);
    const std::string text = message_of([&] { make(root); });
    CHECK(text.starts_with(first + ": "));
    CHECK(text.ends_with(" expected\n  found  " + found));
    CHECK(root.children().empty());
  };
  const auto conv = [&](const std::string& found, int64_t in, int64_t out, Conv2dOptions options) {
    refused("Conv2d", found, [&](Root& r) { Conv2d(r, "x", in, out, options); });
  };
  conv("0 -> 1, kernel 1, stride 1, padding 0, dilation 1", 0, 1, {.kernel = 1});
  conv("1 -> -3, kernel 1, stride 1, padding 0, dilation 1", 1, -3, {.kernel = 1});
  conv("1 -> 1, kernel 2, stride 0, padding 0, dilation 1", 1, 1, {.kernel = 2, .stride = 0});
  conv("1 -> 1, kernel 2, stride 1, padding -1, dilation 1", 1, 1, {.kernel = 2, .padding = -1});
  conv("1 -> 1, kernel 2, stride 1, padding 0, dilation 0", 1, 1, {.kernel = 2, .dilation = 0});
  refused("ConvTranspose2d", "2 -> 1, kernel 2, stride 1, padding 0, dilation 1, output_padding 1",
          [](Root& r) { ConvTranspose2d(r, "x", 2, 1, {.kernel = 2, .output_padding = 1}); });
  refused("ConvTranspose2d", "2 -> 1, kernel 2, stride 1, padding 0, dilation 1, output_padding -1",
          [](Root& r) { ConvTranspose2d(r, "x", 2, 1, {.kernel = 2, .output_padding = -1}); });
  refused("Embedding", "0 -> 3", [](Root& r) { Embedding(r, "x", 0, 3); });
  refused("Dropout", "1", [](Root& r) { Dropout(r, "x", 1); });
  refused("Dropout", "nan", [](Root& r) { Dropout(r, "x", std::nan("")); });
  refused("LeakyReLU", "-0.1", [](Root& r) { LeakyReLU(r, "x", -0.1); });
  refused("ELU", "-1", [](Root& r) { ELU(r, "x", -1); });
  refused("Softmax", "4", [](Root& r) { Softmax(r, "x", 4); });
  refused("AvgPool2d", "kernel 2, stride -1, padding 0",
          [](Root& r) { AvgPool2d(r, "x", {.kernel = 2, .stride = -1}); });
  refused("MaxPool2d", "kernel 3, stride 3, padding 2",
          [](Root& r) { MaxPool2d(r, "x", {.kernel = 3, .padding = 2}); });
  refused("AdaptiveAvgPool2d", "1 x 0", [](Root& r) { AdaptiveAvgPool2d(r, "x", 1, 0); });
  refused("Upsample", "0", [](Root& r) { Upsample(r, "x", 0); });
  refused("PixelShuffle", "0", [](Root& r) { PixelShuffle(r, "x", 0); });
  refused("Reshape", "Reshape(N x [-1, -1])", [](Root& r) { Reshape(r, "x", {-1, -1}); });
  refused("Reshape", "Reshape(N x [0])", [](Root& r) { Reshape(r, "x", {0}); });
  refused("Reshape", "Reshape(N x [1, 1, 1, 1])", [](Root& r) { Reshape(r, "x", {1, 1, 1, 1}); });
  refused("BatchNorm", "0 features, eps 1e-05, momentum 0.1",
          [](Root& r) { BatchNorm2d(r, "x", 0); });
  refused("BatchNorm", "2 features, eps -1, momentum 0.1",
          [](Root& r) { BatchNorm1d(r, "x", 2, {.eps = -1}); });
  refused("BatchNorm", "2 features, eps 1e-05, momentum 1.5",
          [](Root& r) { BatchNorm1d(r, "x", 2, {.momentum = 1.5}); });
  refused("LayerNorm", "shape [], eps 1e-05", [](Root& r) { LayerNorm(r, "x", {}); });
  refused("LayerNorm", "shape [2], eps nan", [](Root& r) { LayerNorm(r, "x", {2}, std::nan("")); });
  refused("GroupNorm", "4 channels, 3 groups, eps 1e-05", [](Root& r) { GroupNorm(r, "x", 3, 4); });
  refused("GroupNorm", "4 channels, 0 groups, eps 1e-05", [](Root& r) { GroupNorm(r, "x", 0, 4); });
  refused("InstanceNorm2d", "-1 channels, eps 1e-05",
          [](Root& r) { InstanceNorm2d(r, "x", -1, true); });
  refused("InstanceNorm2d", "0 channels, eps 1e-05", [](Root& r) { InstanceNorm2d(r, "x", 0); });
}

TEST_CASE("Sequential::add() forwards options in braces to the layer's constructor") {
  Root root;
  Sequential net(root, "net");
  net.add<Conv2d>(1, 2, {.kernel = 3, .stride = 2});
  net.add<BatchNorm2d>(2, {.eps = 0.5});
  net.add<AvgPool2d>({.kernel = 2});
  net.add<LayerNorm>({2, 1, 1});
  net.add<Reshape>({2});
  net.add<Upsample>(2, UpsampleMode::kBilinear);
  const Conv2dOptions named{.kernel = 1};
  net.add<WeightNorm<Conv2d>>(2, 1, named);
  std::string text;
  for (size_t i = 0; i < net.size(); ++i) text += net[i].describe() + "\n";
  CHECK(text ==
        "Conv2d(1 -> 2, kernel 3, stride 2, padding 0)\nBatchNorm2d(2)\n"
        "AvgPool2d(kernel 2, stride 2, padding 0)\nLayerNorm([2, 1, 1])\nReshape(N x [2])\n"
        "Upsample(2, bilinear)\nweight norm of Conv2d(2 -> 1, kernel 1, stride 1, padding 0)\n");
  ModuleList<ConvTranspose2d> list(root, "list");
  list.add(1, 2, {.kernel = 3});
  CHECK(list[0].weight.shape() == Shape{1, 2, 3, 3});
}

TEST_CASE("errors for an index out of range and a missing forward() name module and line") {
  Root root;
  ModuleList<Linear> list(root, "layers");
  list.add(1, 1);
  list.add(1, 2);
  const size_t second = 1;
  CHECK(list[second].weight.shape() == Shape{2, 1});
  int line = __LINE__ + 1;
  CHECK(text_of([&] { (void)list[2]; }) ==
        "ModuleList: index out of range\n  index 2, size 2" + here(line, "net.layers"));
  CHECK(message_of([&] { (void)list[-1]; }) ==
        "ModuleList: index out of range\n  index -1, size 2");
  line = __LINE__ + 1;
  CHECK(text_of([&] {
          list(Tensor::ones({1, 1}));
        }) == "Module: this module has no forward(x)" + here(line, "net.layers"));
}

TEST_CASE("a forward call that throws leaves parameters and buffers unchanged") {
  Root root;
  SpectralNorm<Linear> spectral(root, "spectral", 3, 2);
  SpectralNorm<Conv2d> conv(root, "conv", 1, 2, {.kernel = 2});
  WeightNorm<Linear> weight_norm(root, "weight_norm", 3, 2);
  BatchNorm1d bn(root, "bn", 3);
  Dropout dropout(root, "dropout");
  Sequential net(root, "net");
  net.add<SpectralNorm<Linear>>(3, 2);
  const auto before = values_of(root.state());
  const std::vector<const void*> handles = {spectral.weight.node().get(), conv.weight.node().get(),
                                            weight_norm.weight.node().get()};
  for (Module* module : root.children()) {
    CAPTURE(module->name());
    CHECK_THROWS_AS((*module)(Tensor()), Error);
    CHECK_THROWS_AS((*module)(module == &dropout ? Tensor() : Tensor::ones({2, 7})), Error);
  }
  CHECK_THROWS_AS(bn(Tensor::ones({1, 3})), Error);  // one value has no variance
  CHECK(values_of(root.state()) == before);
  CHECK(handles == std::vector<const void*>{spectral.weight.node().get(), conv.weight.node().get(),
                                            weight_norm.weight.node().get()});
  backward(sum(weight_norm(Tensor::ones({1, 3}))));
  CHECK(weight_norm.weight.grad().defined());
}

TEST_CASE("SpectralNorm and WeightNorm call the derived layer's forward_with()") {
  struct Doubled : Linear {
    using Linear::Linear;

   protected:
    Tensor forward_with(const Tensor& x, const Tensor& w) override {
      return Linear::forward_with(x, w) * 2;
    }
  };
  Root root;
  WeightNorm<Doubled> layer(root, "layer", 2, 1, false);
  copy(Tensor::from({1, 2}, {3, 4}), layer.weight);
  copy(Tensor::from({1, 1}, {10}), layer.weight_g);  // w = (6, 8)
  CHECK(layer(Tensor::from({1, 2}, {1, 1})).item() == 28);
}

template <class Layer>
concept HasFusedForward = requires(Layer& layer, const Tensor& x) {
  layer.forward_leaky_relu(x, 0.1);
};

TEST_CASE("no layer offers a fused forward that bypasses a derived class") {
  CHECK(!HasFusedForward<Linear>);
  CHECK(!HasFusedForward<SpectralNorm<Linear>>);
  CHECK(!HasFusedForward<WeightNorm<Linear>>);
  CHECK(!HasFusedForward<BatchNorm1d>);
}

TEST_CASE("batch norm allows a call in training between one in evaluation and its backward pass") {
  Root root;
  BatchNorm1d bn(root, "bn", 2);
  const Tensor x = Tensor::from({2, 2}, {1, 2, 3, 4});
  bn.eval();
  const Tensor y = sum(bn(x) * x);
  bn.train();
  bn(x);
  backward(y);
  CHECK(bn.weight.grad().defined());
  // An op of the user's own keeps the mean; the error names the call that changed it.
  const Tensor own = sum(bn.weight * bn.running_mean);
  bn(x);
  const int line = __LINE__ - 1;
  CHECK(text_of([&] { backward(own); }).find("tests/module_test.cpp:" + std::to_string(line)) !=
        std::string::npos);
}

TEST_CASE("spectral norm allows several forward calls before the backward passes") {
  Root root;
  SpectralNorm<Linear> layer(root, "layer", 3, 2);
  const Tensor x = Tensor::ones({1, 3});
  const Tensor trained = layer(x);
  layer.eval();
  const Tensor evaluated = layer(x);
  layer.train();
  const Tensor moved = layer(x);  // writes u and v
  backward(sum(trained));
  backward(sum(evaluated));
  backward(sum(moved));
  CHECK(layer.weight.grad().defined());
}

TEST_CASE("a resumed run with dropout has the bits of an uninterrupted run") {
  struct Net : Module {
    Net() : Module("net") {}
    Linear first{*this, "first", 4, 8}, last{*this, "last", 8, 1};
    Dropout a{*this, "a", 0.3}, b{*this, "b"};
    Tensor forward(const Tensor& x) override { return last(b(relu(first(a(x))))); }
  };
  const auto train = [](Net& net, Adam& adam, int begin, int end) {
    for (int step = begin; step < end; ++step) {
      Random random(7, static_cast<uint64_t>(step));
      adam.zero_grad();
      backward(mse(net(random.normal({16, 4})), random.normal({16, 1})));
      adam.step();
    }
  };
  const TempFolder folder;
  seed_init(1);
  Net whole;
  Adam whole_adam(whole);
  train(whole, whole_adam, 0, 3);
  NamedTensors all = whole.state();
  for (const auto& entry : with_prefix("adam.", whole_adam.state())) all.push_back(entry);
  save_checkpoint(folder / "half", all);
  train(whole, whole_adam, 3, 6);

  seed_init(2);  // all numbers come from the file
  Net resumed;
  Adam resumed_adam(resumed);
  const Checkpoint half = load_checkpoint(folder / "half");
  restore(half, "", resumed.state(), "half");
  restore(half, "adam.", resumed_adam.state(), "half");
  train(resumed, resumed_adam, 3, 6);
  CHECK(values_of(resumed.state()) == values_of(whole.state()));
}

TEST_CASE("dropout's counter is exact beyond 2^24, optional in a file, and checked") {
  Root root;
  Dropout drop(root, "drop");
  CHECK(root.named_parameters().empty());
  REQUIRE(root.state().size() == 1);
  Scalar* counter = drop.random_state.mutable_data() + 4;
  const Tensor x = Tensor::ones({8});  // two blocks of random numbers
  drop(x);
  CHECK(counter[0] == 2);
  std::fill_n(counter, 3, Scalar{65535});
  counter[3] = 1;
  drop(x);
  CHECK(Values(counter, counter + 4) == Values{1, 0, 0, 2});
  root.eval();
  CHECK(drop(x).to_vector() == x.to_vector());
  CHECK(counter[0] == 1);
  root.train();

  restore({}, "", root.state(), "a PyTorch file");  // which has no such key
  CHECK(counter[0] == 1);
  for (const Scalar wrong : {Scalar{-1}, Scalar{0.5}, Scalar{65536}, Scalar(NAN)}) {
    counter[2] = wrong;
    CHECK(message_of([&] {
            drop(x);
          }).starts_with("Dropout: random_state holds numbers that are not 16-bit digits\n"));
  }
}

TEST_CASE("a module prints its tree, and summary() counts multiply-adds per layer") {
  Root root;
  Sequential net(root, "mlp");
  net.add<Linear>(3, 4);
  net.add<Reshape>({-1, 2});
  std::ostringstream out;
  out << net;
  CHECK(out.str() ==
        "mlp  Sequential  16 parameters\n  0  Linear(3 -> 4)  16 parameters\n"
        "  1  Reshape(N x [-1, 2])\n");
  CHECK(summary(net, {5, 3}) ==
        "layer      kind                  output     parameters  multiply-adds\n"
        "net.mlp.0  Linear(3 -> 4)        [5, 4]             16             60\n"
        "net.mlp.1  Reshape(N x [-1, 2])  [5, 2, 2]           0              0\n"
        "total                                               16             60\n");
}

TEST_CASE("layers report an upsampling size that overflows, a batch of rank 0 and an undefined x") {
  Root root;
  Upsample up(root, "up", int64_t{1} << 62);
  CHECK(message_of([&] { up(Tensor::ones({1, 1, 2, 2})); }).starts_with("upsample_nearest2d: "));
  CHECK(message_of([&] { up(Tensor::ones({2})); }).starts_with("upsample_nearest2d: images with"));
  Reshape image(root, "image", {1});
  CHECK(message_of([&] { image(Tensor::scalar(1)); }) ==
        "Reshape: a batch expected\n  x  [], expected [N, ...]");
  BatchNorm1d bn(root, "bn", 1);
  InstanceNorm2d instance_norm(root, "instance_norm", 1);
  const std::pair<const char*, Module*> layers[] = {
      {"Reshape", &image}, {"batch_norm", &bn}, {"instance_norm", &instance_norm}};
  for (const auto& [op, layer] : layers) {
    CHECK(message_of([&, &layer = *layer] { layer(Tensor()); }) ==
          std::string(op) +
              ": an argument is undefined\n  x  undefined\n"
              "  a gradient is undefined until a backward pass has reached it");
  }
}

}  // namespace forger::nn
