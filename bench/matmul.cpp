#include <memory>
#include <vector>

#include "autograd/kernels/kernels.h"
#include "bench/bench.h"
#include "bench/peers/peers.h"

namespace forger::bench {
namespace {

struct Shape3 {
  int64_t m, n, k;
  double flops() const {
    return 2 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  }
  std::string str() const {
    return std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  }
};

constexpr Shape3 kSquares[] = {{64, 64, 64},       {128, 128, 128},    {256, 256, 256},
                               {384, 384, 384},    {512, 512, 512},    {768, 768, 768},
                               {1000, 1000, 1000}, {1024, 1024, 1024}, {2048, 2048, 2048}};

// The products of GANs' linear layers: [N, K] of a layer, for each size of batch.
constexpr int64_t kBatches[] = {1, 16, 64, 128, 256};
constexpr int64_t kLayers[][2] = {{256, 100}, {512, 256},  {1024, 512},  {784, 1024},
                                  {512, 784}, {8192, 100}, {4096, 2048}, {64, 4096}};

// Thin and skewed products, and some whose extents are no multiples of a tile.
constexpr Shape3 kOthers[] = {{64, 1, 1024},   {333, 777, 555}, {8192, 64, 1024}, {17, 1023, 65},
                              {100, 10, 1000}, {31, 2047, 300}, {700, 30, 129}};

std::vector<Shape3> shapes() {
  std::vector<Shape3> all(std::begin(kSquares), std::end(kSquares));
  for (const auto& [n, k] : kLayers) {
    for (const int64_t batch : kBatches) all.push_back({batch, n, k});
  }
  all.insert(all.end(), std::begin(kOthers), std::end(kOthers));
  return all;
}

/// The arrays of one shape, and the result of the reference kernel.
struct Data {
  explicit Data(const Shape3& s)
      : shape(s),
        a(small_integers({s.m, s.k}, 1)),
        b(small_integers({s.k, s.n}, 2)),
        c(Tensor::empty({s.m, s.n})),
        expected(Tensor::empty({s.m, s.n})) {
    if (!results_are_checked()) return;
    // The reference reads B along k, which is slow for a large B. So it gets a transposed copy.
    const Tensor bt = Tensor::empty({s.n, s.k});
    Scalar* const t = bt.mutable_data();
    for (int64_t p = 0; p < s.k; ++p) {
      for (int64_t j = 0; j < s.n; ++j) t[j * s.k + p] = b.data()[p * s.n + j];
    }
    kernels::kReference.gemm(
        {s.m, s.n, s.k, a.data(), s.k, 1, t, 1, s.k, expected.mutable_data(), s.n, false});
  }
  Shape3 shape;
  Tensor a, b, c, expected;
};

/// Returns the arrays. They are kept as long as the shape stays the same.
const Data& data_for(const Shape3& s) {
  static std::unique_ptr<const Data> data;
  if (!data || data->shape.str() != s.str()) data = std::make_unique<const Data>(s);
  return *data;
}

/// Adds one way to multiply, under the name of its kernel set or library.
void add_one(const Shape3& s, const std::string& who,
             const std::function<void(const Scalar* a, const Scalar* b, Scalar* c)>& multiply) {
  add("matmul", s.str(), who, [=](benchmark::State& state) {
    const Data& d = data_for(s);
    check_and_time(
        state, s.flops(), [&] { multiply(d.a.data(), d.b.data(), d.c.mutable_data()); }, d.c,
        d.expected);
  });
}

}  // namespace

void add_matmul() {
  for (const Shape3& s : shapes()) {
    for (int i = 0; i < kernels::available_count(); ++i) {
      const kernels::Kernels& set = kernels::available(i);
      if (&set == &kernels::kReference && s.flops() > kReferenceFlops) continue;
      add_one(s, set.name, [&set, s](const Scalar* a, const Scalar* b, Scalar* c) {
        set.gemm({s.m, s.n, s.k, a, s.k, 1, b, s.n, 1, c, s.n, false});
      });
    }
    for (const MatMulPeer& peer : matmul_peers()) {
      add_one(s, peer.name, [s, peer](const Scalar* a, const Scalar* b, Scalar* c) {
        peer.run(s.m, s.n, s.k, a, b, c);
      });
    }
  }
}

}  // namespace forger::bench
