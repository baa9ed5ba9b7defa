// Times whole training steps of four GANs. bench/steps.py compares them with PyTorch's, and
// bench/compare.py those of two builds:
//
//     forger_steps MODEL REPEATS
//
// In a step, D learns from real images and from fakes, with a backward pass for each, and G learns
// from D's verdict on the same fakes. Adam updates each once. The models `op` and `graph` are no
// GANs: see run_chain() and run_graph(). Prints a line of JSON.
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/kernels/kernels.h"
#include "autograd/memory.h"
#include "autograd/random.h"
#include "nn/layers.h"
#include "nn/optim.h"

namespace forger::bench {
namespace {

/// A sequence of layers.
struct Net : nn::Module {
  explicit Net(const char* name) : Module(name) {}
  Tensor forward(const Tensor& x) override { return layers(x); }
  nn::Sequential layers{*this, "layers"};

  void conv(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    layers.add<nn::Conv2d>(in, out,
                           {.kernel = kernel, .stride = stride, .padding = padding, .bias = false});
  }
  void conv_transpose(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding) {
    layers.add<nn::ConvTranspose2d>(
        in, out, {.kernel = kernel, .stride = stride, .padding = padding, .bias = false});
  }
};

struct Gan {
  Net G{"G"}, D{"D"};
  int64_t batch = 64;
  Shape x, z;  // of a batch
};

/// Builds a DCGAN for `size` x `size` pixels, which is `base` x `base` doubled several times.
void build_dcgan(Gan& gan, int64_t size, int64_t channels, int64_t base) {
  constexpr int64_t kLatent = 100, kFeatures = 64;
  const int64_t widest = kFeatures * size / base / 2;
  gan.G.conv_transpose(kLatent, widest, base, 1, 0);
  for (int64_t width = widest; width >= kFeatures; width /= 2) {
    gan.G.layers.add<nn::BatchNorm2d>(width);
    gan.G.layers.add<nn::ReLU>();
    gan.G.conv_transpose(width, width == kFeatures ? channels : width / 2, 4, 2, 1);
  }
  gan.G.layers.add<nn::Tanh>();
  gan.D.conv(channels, kFeatures, 4, 2, 1);
  gan.D.layers.add<nn::LeakyReLU>(0.2);
  for (int64_t width = kFeatures; width < widest; width *= 2) {
    gan.D.conv(width, 2 * width, 4, 2, 1);
    gan.D.layers.add<nn::BatchNorm2d>(2 * width);
    gan.D.layers.add<nn::LeakyReLU>(0.2);
  }
  gan.D.conv(widest, 1, base, 1, 0);
  gan.x = {gan.batch, channels, size, size};
  gan.z = {gan.batch, kLatent, 1, 1};
}

template <class Activation, class... Arguments>
void build_mlp(Net& net, const std::vector<int64_t>& widths, Arguments... arguments) {
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    net.layers.add<nn::Linear>(widths[i], widths[i + 1]);
    if (i + 2 < widths.size()) net.layers.add<Activation>(arguments...);
  }
}

bool build(Gan& gan, const std::string& model) {
  if (model == "dcgan64") {
    gan.batch = 128;
    build_dcgan(gan, 64, 3, 4);
  } else if (model == "dcgan28") {
    build_dcgan(gan, 28, 1, 7);
  } else if (model == "mlp") {
    build_mlp<nn::LeakyReLU>(gan.G, {100, 256, 512, 1024, 784}, 0.2);
    gan.G.layers.add<nn::Tanh>();
    build_mlp<nn::LeakyReLU>(gan.D, {784, 512, 256, 1}, 0.2);
    gan.x = {gan.batch, 784};
    gan.z = {gan.batch, 100};
  } else if (model == "toy2d") {
    build_mlp<nn::ReLU>(gan.G, {2, 32, 32, 2});
    build_mlp<nn::ReLU>(gan.D, {2, 32, 32, 1});
    gan.x = gan.z = {gan.batch, 2};
  } else {
    return false;
  }
  return true;
}

/// Measures the cost of the graph: 1000 products of one element, forward, backward and release.
constexpr int kChain = 1000;
void run_chain() {
  const Tensor x = Tensor::scalar(1).set_requires_grad();
  Tensor y = x;
  for (int i = 0; i < kChain; ++i) y = y * 1.0001;
  backward(y, {x});
}

/// A million nodes, half of them in a chain and half in branches that join one sum. All are alive
/// when the backward pass begins, so this times the memory that nodes take, and the caches.
constexpr int kGraphNodes = 1'000'000;
void run_graph() {
  const Tensor x = Tensor::scalar(1).set_requires_grad(), w = Tensor::scalar(1).set_requires_grad();
  Tensor deep = x, wide = x;
  for (int i = 0; i < kGraphNodes / 4; ++i) {
    deep = neg(deep * w);
    wide = wide + neg(x);
  }
  backward(deep + wide, {x, w});
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Times `step` in groups of `inner` and prints a line of JSON.
int time_steps(const std::string& model, int repeats, int inner, double per_step,
               const std::function<void()>& step) {
  for (int i = 0; i < std::max(3, inner); ++i) step();  // warm-up: allocates the optimizers' state
  const uint64_t requests = memory::stats().system_requests;
  std::vector<double> milliseconds;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (int j = 0; j < inner; ++j) step();
    const std::chrono::duration<double, std::milli> all = std::chrono::steady_clock::now() - start;
    milliseconds.push_back(all.count() / inner / per_step);
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"model\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"median_ms\": %.6f, "
      "\"min_ms\": %.6f, \"peak_mib\": %.0f, \"system_requests\": %lu}\n",
      model.c_str(), kernels::active().name, omp_get_max_threads(), median(milliseconds),
      *std::min_element(milliseconds.begin(), milliseconds.end()),
      static_cast<double>(usage.ru_maxrss) / 1024, memory::stats().system_requests - requests);
  return 0;
}

int run(const std::string& model, int repeats) {
  if (model == "op") return time_steps(model, repeats, 200, kChain, run_chain);
  if (model == "graph") return time_steps(model, repeats, 1, kGraphNodes, run_graph);
  Gan gan;
  if (!build(gan, model)) {
    std::fprintf(stderr,
                 "forger_steps: no model '%s'; there are: dcgan64 dcgan28 mlp toy2d op graph\n",
                 model.c_str());
    return 2;
  }
  nn::Adam opt_g(gan.G, {.lr = 2e-4, .beta1 = 0.5}), opt_d(gan.D, {.lr = 2e-4, .beta1 = 0.5});
  Random random(1);
  const Tensor real = random.normal(gan.x);
  const auto step = [&] {
    opt_d.zero_grad();
    backward(bce_with_logits(gan.D(real), 1.0), gan.D.parameters());
    const Tensor fake = gan.G(random.normal(gan.z));
    backward(bce_with_logits(gan.D(fake.detach()), 0.0), gan.D.parameters());
    opt_d.step();
    opt_g.zero_grad();
    backward(bce_with_logits(gan.D(fake), 1.0), gan.G.parameters());
    opt_g.step();
  };

  return time_steps(model, repeats, model == "toy2d" ? 200 : 1, 1, step);
}

}  // namespace
}  // namespace forger::bench

int main(int argc, char** argv) {
  const int repeats = argc == 3 ? std::atoi(argv[2]) : 0;
  if (repeats < 1) {
    std::fprintf(stderr, "forger_steps: a model and a number of repeats expected\n");
    return 2;
  }
  return forger::bench::run(argv[1], repeats);
}
