// The twins of fixtures/layers.py: the same names, in the same order.
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "cases.h"
#include "nn/layers.h"
#include "nn/state.h"

namespace forger::parity {
namespace {

struct Root : nn::Module {
  Root() : Module("root") {}
};

struct Mode {
  bool training = true;
  int calls = 1;
};
constexpr Mode kEvaluation{.training = false};
constexpr Mode kThreeCalls{.calls = 3};

/// Copies PyTorch's state_dict into the layer: every name and shape must be the same, and no other
/// may be left.
void restore_state(const nn::Module& layer, const Group& group) {
  nn::Checkpoint checkpoint;
  checkpoint.tensors = {group.begin(), group.end()};
  nn::restore(checkpoint, "state.", layer.state(), "ops.safetensors");
}

/// The results of a layer: the sum of its calls, as a discriminator sees real and fake images
/// before one backward pass; its gradients; its buffers as the calls left them.
template <class Layer, class Call>
Group run_layer(Layer& layer, Mode mode, const Group& group, const Call& call) {
  restore_state(layer, group);
  layer.train(mode.training);
  std::vector<Tensor> wanted = numbered(group, 'x');
  for (Tensor& x : wanted) x = x.detach().set_requires_grad();
  std::vector<std::string> keys;
  for (size_t i = 0; i < wanted.size(); ++i) keys.push_back("d" + std::to_string(i));
  const std::vector<Tensor> x = wanted;
  Tensor y = call(layer, x);
  for (int i = 1; i < mode.calls; ++i) y = y + call(layer, x);
  for (const auto& [name, parameter] : layer.named_parameters()) {
    keys.push_back("d." + name);
    wanted.push_back(parameter);
  }
  Group results = {{"y", y}};
  const std::vector<Tensor> d = grad({y}, wanted, {group.at("g")});
  for (size_t i = 0; i < d.size(); ++i) results[keys[i]] = d[i];
  for (const auto& [name, tensor] : layer.state()) {
    const bool known = name != "random_state";  // PyTorch's dropout has no buffers
    if (known && !tensor.requires_grad()) results["after." + name] = tensor;
  }
  return results;
}

struct Table {
  std::vector<ParityCase> cases;

  /// The case of a Layer made with these arguments behind its name.
  template <class Layer, class... Arguments>
  void add(const std::string& name, Bound y, Bound d, Mode mode, Arguments... arguments) {
    const auto run = [=](const Group& group) {
      Root root;
      Layer layer(root, "layer", arguments...);
      return run_layer(layer, mode, group, [](Layer& l, const auto& x) { return l(x[0]); });
    };
    cases.push_back({"nn." + name, y, d, run});
  }
};

std::string times(int64_t scale, const Shape& shape) {
  return std::to_string(scale) + " times " + shape.str();
}

void add_linear(Table& t) {
  const Bound p = products(0);
  t.add<nn::Linear>("Linear/3 to 5", p, p, {}, 3, 5);
  t.add<nn::Linear>("Linear/no bias", p, p, {}, 3, 5, false);
  t.add<nn::Linear>("Linear/one to one", p, p, {}, 1, 1);
  t.add<nn::Linear>("Linear/a batch of one", p, p, {}, 7, 2);
  t.add<nn::Linear>("Linear/17 to 3", p, p, {}, 17, 3);
  const auto conv = [&](const std::string& sample, nn::Conv2dOptions options) {
    t.add<nn::Conv2d>("Conv2d/" + sample, p, p, {}, 2, 3, options);
  };
  conv("kernel 3", {.kernel = 3});
  conv("stride 2", {.kernel = 4, .stride = 2});
  conv("padding 1", {.kernel = 3, .padding = 1});
  conv("kernel 2 below stride 3", {.kernel = 2, .stride = 3});
  conv("dilation 2", {.kernel = 2, .padding = 1, .dilation = 2});
  conv("no bias", {.kernel = 3, .bias = false});
  const auto up = [&](const std::string& sample, nn::ConvTranspose2dOptions options) {
    t.add<nn::ConvTranspose2d>("ConvTranspose2d/" + sample, p, p, {}, 2, 3, options);
  };
  up("kernel 4, stride 2, padding 1", {.kernel = 4, .stride = 2, .padding = 1});
  up("output_padding 1", {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1});
  up("output_padding 2 of stride 3", {.kernel = 2, .stride = 3, .output_padding = 2});
  up("dilation 2", {.kernel = 3, .padding = 1, .dilation = 2});
  up("dilation 3, output_padding 2", {.kernel = 2, .output_padding = 2, .dilation = 3});
  up("no bias", {.kernel = 3, .bias = false});
}

// As for the ops: some eight roundings, and up to four times as much by the reciprocal deviation.

template <class Layer>
void add_batch_norm(Table& t, const std::string& kind) {
  const Bound b = largest(32);
  t.add<Layer>(kind + "/training", b, b, {}, 3);
  t.add<Layer>(kind + "/evaluation", b, b, kEvaluation, 3);
  t.add<Layer>(kind + "/three calls", b, b, kThreeCalls, 3);
  t.add<Layer>(kind + "/eps 0.125, momentum 0.3", b, b, {}, 3,
               nn::BatchNormOptions{.eps = 0.125, .momentum = 0.3});
  t.add<Layer>(kind + "/evaluation, eps 0.125", b, b, kEvaluation, 3,
               nn::BatchNormOptions{.eps = 0.125});
  t.add<Layer>(kind + "/two values per channel", b, b, {}, 3);
}

void add_norms(Table& t) {
  const Bound b = largest(32);
  add_batch_norm<nn::BatchNorm1d>(t, "BatchNorm1d");
  add_batch_norm<nn::BatchNorm2d>(t, "BatchNorm2d");
  for (const Shape& shape : {Shape{3}, Shape{2, 3}, Shape{2, 2, 3}}) {
    t.add<nn::LayerNorm>("LayerNorm/" + shape.str(), b, b, {}, shape);
  }
  t.add<nn::LayerNorm>("LayerNorm/eps 0.125", b, b, {}, Shape{4}, 0.125);
  t.add<nn::LayerNorm>("LayerNorm/rows of rows", b, b, {}, Shape{5});
  t.add<nn::GroupNorm>("GroupNorm/1 groups", b, b, {}, 1, 4);
  t.add<nn::GroupNorm>("GroupNorm/2 groups", b, b, {}, 2, 4);
  t.add<nn::GroupNorm>("GroupNorm/4 groups", b, b, {}, 4, 4);
  t.add<nn::GroupNorm>("GroupNorm/eps 0.125", b, b, {}, 3, 6, 0.125);
  t.add<nn::GroupNorm>("GroupNorm/no image", b, b, {}, 2, 6);
  t.add<nn::InstanceNorm2d>("InstanceNorm2d/eps 1e-05", b, b, {}, 3);
  t.add<nn::InstanceNorm2d>("InstanceNorm2d/eps 0.125", b, b, {}, 3, false, 0.125);
  t.add<nn::InstanceNorm2d>("InstanceNorm2d/affine, eps 1e-05", b, b, {}, 3, true);
  t.add<nn::InstanceNorm2d>("InstanceNorm2d/affine, eps 0.125", b, b, {}, 3, true, 0.125);
  t.add<nn::InstanceNorm2d>("InstanceNorm2d/evaluation", b, b, kEvaluation, 2, true);
}

void add_embedding(Table& t) {
  struct Sizes {
    int classes, features, labels;
  };
  for (const auto& [classes, features, labels] :
       {Sizes{5, 3, 4}, Sizes{3, 1, 7}, Sizes{1, 2, 2}, Sizes{10, 4, 1}, Sizes{4, 5, 6}}) {
    const auto run = [n = classes, d = features](const Group& group) {
      Root root;
      nn::Embedding layer(root, "layer", n, d);
      return run_layer(layer, {}, group,
                       [&](nn::Embedding& l, const auto&) { return l(labels_of(group.at("c0"))); });
    };
    t.cases.push_back({"nn.Embedding/" + std::to_string(labels) + " of " + std::to_string(classes),
                       kExact, products(0), run});
  }
}

void add_images(Table& t) {
  struct Pool {
    int kernel, stride, padding;
  };
  // As for the ops of the same names.
  for (const auto& [kernel, stride, padding] :
       {Pool{2, 2, 0}, Pool{3, 2, 1}, Pool{2, 1, 0}, Pool{3, 3, 1}, Pool{2, 3, 1}}) {
    const std::string sample = "/kernel " + std::to_string(kernel) + ", stride " +
                               std::to_string(stride) + ", padding " + std::to_string(padding);
    const PoolOptions options{.kernel = kernel, .stride = stride, .padding = padding};
    t.add<nn::AvgPool2d>("AvgPool2d" + sample, products(20), products(20), {}, options);
    t.add<nn::MaxPool2d>("MaxPool2d" + sample, kExact, chosen(0), {}, options);
  }
  for (const auto& [h, w] : {std::pair{1, 1}, {2, 3}, {3, 2}, {5, 4}, {7, 5}}) {
    t.add<nn::AdaptiveAvgPool2d>(
        "AdaptiveAvgPool2d/" + std::to_string(h) + " x " + std::to_string(w), products(24),
        products(24), {}, h, w);
  }
  for (const auto& [word, mode] : {std::pair{"nearest", nn::UpsampleMode::kNearest},
                                   std::pair{"bilinear", nn::UpsampleMode::kBilinear}}) {
    const Bound y = mode == nn::UpsampleMode::kNearest ? kExact : products(10);
    for (const auto& [scale, shape] :
         {std::pair{1, Shape{1, 2, 2, 3}}, std::pair{2, Shape{2, 2, 3, 2}},
          std::pair{3, Shape{1, 1, 2, 2}}, std::pair{2, Shape{1, 3, 1, 1}},
          std::pair{4, Shape{1, 1, 1, 3}}}) {
      t.add<nn::Upsample>(std::string("Upsample/") + word + ", " + times(scale, shape), y,
                          products(40), {}, scale, mode);
    }
  }
  for (const auto& [r, shape] : {std::pair{1, Shape{1, 2, 2, 3}}, std::pair{2, Shape{2, 4, 3, 2}},
                                 std::pair{2, Shape{1, 8, 1, 1}}, std::pair{3, Shape{1, 9, 2, 2}},
                                 std::pair{4, Shape{1, 16, 1, 2}}}) {
    t.add<nn::PixelShuffle>("PixelShuffle/" + std::to_string(r) + ", " + shape.str(), kExact,
                            kExact, {}, r);
  }
}

void add_small(Table& t) {
  t.add<nn::ReLU>("ReLU/default", kExact, kExact, {});
  t.add<nn::Tanh>("Tanh/default", element(4), largest(10), {});
  t.add<nn::Sigmoid>("Sigmoid/default", element(4), largest(8), {});
  t.add<nn::LeakyReLU>("LeakyReLU/default", element(2), element(2), {});
  t.add<nn::GELU>("GELU/default", largest(6), largest(12), {});
  t.add<nn::SiLU>("SiLU/default", element(5), largest(12), {});
  t.add<nn::Softplus>("Softplus/default", element(4), element(5), {});
  t.add<nn::ELU>("ELU/default", element(4), largest(6), {});
  t.add<nn::Softmax>("Softmax/default", largest(8), largest(12), {});
  t.add<nn::LeakyReLU>("LeakyReLU/slope 0.2", element(2), element(2), {}, 0.2);
  t.add<nn::ELU>("ELU/alpha 0.5", element(4), largest(6), {}, 0.5);
  t.add<nn::Softmax>("Softmax/axis 0", largest(8), largest(12), {}, 0);
  t.add<nn::Flatten>("Flatten/an image", kExact, kExact, {});
  t.add<nn::Reshape>("Reshape/to an image", kExact, kExact, {}, std::vector<int64_t>{3, 2, 2});
  t.add<nn::Dropout>("Dropout/evaluation", kExact, kExact, kEvaluation, 0.5);
}

struct TwoInARow : nn::Sequential {
  TwoInARow(nn::Module& parent, std::string name) : Sequential(parent, std::move(name)) {
    add<nn::Linear>(3, 4);
    add<nn::Tanh>();
    add<nn::Linear>(4, 2);
  }
};
struct TwoInAList : nn::ModuleList<nn::Linear> {
  TwoInAList(nn::Module& parent, std::string name) : ModuleList(parent, std::move(name)) {
    add(3, 4);
    add(4, 2);
  }
  Tensor forward(const Tensor& x) override { return (*this)[1](relu((*this)[0](x))); }
};

template <class Layer, class... Arguments>
void add_wrapped(Table& t, const std::string& kind, Arguments... arguments) {
  using Spectral = nn::SpectralNorm<Layer>;
  // A matrix times a vector, its length and a quotient, twice in each call: some 30 roundings, each
  // of numbers no larger than what comes of them.
  const Bound b = largest(32);
  t.add<Spectral>("SpectralNorm/" + kind, b, b, {}, arguments...);
  t.add<Spectral>("SpectralNorm/" + kind + ", evaluation", b, b, kEvaluation, arguments...);
  t.add<Spectral>("SpectralNorm/" + kind + ", three calls", b, b, kThreeCalls, arguments...);
  t.add<nn::WeightNorm<Layer>>("WeightNorm/" + kind, b, b, {}, arguments...);
}

void add_containers(Table& t) {
  const Bound b = largest(10);  // two short sums of products and a tanh
  t.add<TwoInARow>("Sequential/two layers", b, b, {});
  t.add<TwoInAList>("ModuleList/two layers", b, b, {});
  add_wrapped<nn::Linear>(t, "Linear", 4, 3);
  add_wrapped<nn::Conv2d>(t, "Conv2d", 2, 3, nn::Conv2dOptions{.kernel = 3, .padding = 1});
  add_wrapped<nn::ConvTranspose2d>(
      t, "ConvTranspose2d", 2, 3,
      nn::ConvTranspose2dOptions{.kernel = 4, .stride = 2, .padding = 1});
  add_wrapped<nn::Linear>(t, "Linear without a bias", 4, 1, false);
  t.add<nn::WeightNorm<nn::Linear>>("WeightNorm/evaluation", largest(32), largest(32), kEvaluation,
                                    4, 3);
}

}  // namespace

std::vector<ParityCase> layer_cases() {
  Table t;
  for (const auto add :
       {add_linear, add_norms, add_embedding, add_images, add_small, add_containers}) {
    add(t);
  }
  return t.cases;
}

}  // namespace forger::parity
