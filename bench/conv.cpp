#include <memory>

#include "autograd/kernels/kernels.h"
#include "bench/bench.h"
#include "bench/peers/peers.h"

namespace forger::bench {
namespace {

constexpr kernels::Conv2d layer(int64_t n, int64_t c, int64_t size, int64_t o, int64_t kernel,
                                int64_t stride, int64_t padding) {
  const int64_t out = (size + 2 * padding - kernel) / stride + 1;
  return {n, c, size, size, o, kernel, kernel, out, out, stride, padding, 1};
}

// The layers of a DCGAN on 64 x 64 pixels with batches of 128 and 16, of one on 28 x 28 pixels, and
// two layers of other networks. A generator's transposed convolution is the input gradient of the
// layer that it mirrors.
constexpr kernels::Conv2d kLayers[] = {
    layer(128, 3, 64, 64, 4, 2, 1),    layer(128, 64, 32, 128, 4, 2, 1),
    layer(128, 128, 16, 256, 4, 2, 1), layer(128, 256, 8, 512, 4, 2, 1),
    layer(128, 512, 4, 1, 4, 1, 0),    layer(128, 512, 4, 100, 4, 1, 0),
    layer(16, 3, 64, 64, 4, 2, 1),     layer(16, 64, 32, 128, 4, 2, 1),
    layer(16, 128, 16, 256, 4, 2, 1),  layer(16, 256, 8, 512, 4, 2, 1),
    layer(16, 512, 4, 1, 4, 1, 0),     layer(16, 512, 4, 100, 4, 1, 0),
    layer(64, 1, 28, 64, 4, 2, 1),     layer(64, 64, 14, 128, 4, 2, 1),
    layer(64, 128, 7, 1, 7, 1, 0),     layer(64, 128, 7, 100, 7, 1, 0),
    layer(64, 32, 28, 64, 3, 1, 1),    layer(32, 64, 56, 64, 3, 1, 1),
};

/// Relative to the largest result, for a peer whose transforms round where sums would be exact.
constexpr double kPeerTolerance = 1e-4;

constexpr Direction kDirections[] = {Direction::kForward, Direction::kInputGrad,
                                     Direction::kWeightGrad};

const char* name_of(Direction direction) {
  switch (direction) {
    case Direction::kForward:
      return "conv2d";
    case Direction::kInputGrad:
      return "conv2d_input_grad";
    case Direction::kWeightGrad:
      return "conv2d_weight_grad";
  }
  return "";
}

/// "n128_64x32x32_to_128_k4s2p1".
std::string str(const kernels::Conv2d& s) {
  const auto text = [](int64_t number) { return std::to_string(number); };
  return "n" + text(s.n) + "_" + text(s.c) + "x" + text(s.h) + "x" + text(s.w) + "_to_" +
         text(s.o) + "_k" + text(s.kh) + "s" + text(s.stride) + "p" + text(s.padding);
}

/// Flops of each of the three directions. Multiply-adds with padding are counted.
double flops(const kernels::Conv2d& s) {
  return 2 * static_cast<double>(s.n * s.o * s.oh * s.ow) * static_cast<double>(s.c * s.kh * s.kw);
}

void run_kernel(const kernels::Kernels& set, Direction direction, const kernels::Conv2d& s,
                const Scalar* first, const Scalar* second, Scalar* out) {
  switch (direction) {
    case Direction::kForward:
      return set.conv2d(s, first, second, out);
    case Direction::kInputGrad:
      return set.conv2d_input_grad(s, first, second, out);
    case Direction::kWeightGrad:
      return set.conv2d_weight_grad(s, first, second, out);
  }
}

/// The arrays of one layer and direction, and the results of the reference kernels.
struct Data {
  Data(const kernels::Conv2d& s, Direction direction) : name(str(s) + name_of(direction)) {
    const Shape x = {s.n, s.c, s.h, s.w}, w = {s.o, s.c, s.kh, s.kw}, g = {s.n, s.o, s.oh, s.ow};
    const bool forward = direction == Direction::kForward;
    const bool weight_grad = direction == Direction::kWeightGrad;
    first = small_integers(forward ? x : g, 1);
    second = small_integers(weight_grad ? x : w, 2);
    out = Tensor::empty(forward ? g : weight_grad ? w : x);
    expected = Tensor::empty(out.shape());
    if (!results_are_checked()) return;
    run_kernel(kernels::kReference, direction, s, first.data(), second.data(),
               expected.mutable_data());
  }
  std::string name;
  Tensor first, second, out, expected;
};

/// Returns the arrays. They are kept as long as layer and direction stay the same.
const Data& data_for(const kernels::Conv2d& s, Direction direction) {
  static std::unique_ptr<const Data> data;
  if (!data || data->name != str(s) + name_of(direction)) {
    data.reset();  // before the next, which may be large
    data = std::make_unique<const Data>(s, direction);
  }
  return *data;
}

/// Adds one way to compute a layer, under the name of its kernel set or library.
template <class Prepare>
void add_one(Direction direction, const kernels::Conv2d& s, const std::string& who,
             const Prepare& prepare) {
  add(name_of(direction), str(s), who, [=, &s](benchmark::State& state) {
    const Data& d = data_for(s, direction);
    const PreparedConv conv =
        prepare(direction, s, d.first.data(), d.second.data(), d.out.mutable_data());
    check_and_time(state, flops(s), conv.run, d.out, d.expected, conv.fetch,
                   conv.exact ? 0 : kPeerTolerance);
  });
}

void add_layer(Direction direction, const kernels::Conv2d& s) {
  for (int i = 0; i < kernels::available_count(); ++i) {
    const kernels::Kernels& set = kernels::available(i);
    if (&set == &kernels::kReference && flops(s) > kReferenceFlops) continue;
    add_one(direction, s, set.name,
            [&set](Direction way, const kernels::Conv2d& layer, const Scalar* first,
                   const Scalar* second, Scalar* out) -> PreparedConv {
              return {[=, &set] { run_kernel(set, way, layer, first, second, out); }, {}, true};
            });
  }
  for (const ConvPeer& peer : conv_peers()) {
    if (!peer.has || peer.has(direction, s)) add_one(direction, s, peer.name, peer.prepare);
  }
}

}  // namespace

void add_conv() {
  for (const kernels::Conv2d& s : kLayers) {
    for (Direction direction : kDirections) add_layer(direction, s);
  }
}

}  // namespace forger::bench
