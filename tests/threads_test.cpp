// Tests a caller's own threads, each with its own networks and tensors. The thread sanitizer
// runs this file (./forger test tsan), so no test here starts an OpenMP region.
#include "threads.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/kernels/kernels.h"
#include "autograd/memory.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "message.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/module.h"
#include "small_gans.h"

namespace forger {
namespace {

/// Calls f(0), f(1), ... at the same time, each in a thread of its own.
void at_once(int count, const std::function<void(int)>& f) {
  std::latch ready(count);  // all threads start at the same time
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      f(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

struct Net : nn::Module {
  Net(int64_t in, int64_t out) : Module("net"), fc(*this, "fc", in, out) {}
  Tensor forward(const Tensor& x) override { return fc(x); }
  nn::Linear fc;
};

std::vector<Scalar> first_weight() { return Net(5, 7).fc.weight.to_vector(); }

/// Builds a GAN, trains it for some steps and returns its state.
template <class Gan>
std::vector<Scalar> trained(uint64_t seed, int steps = 20) {
  nn::seed_init(seed);
  Gan gan(8);
  for (int i = 0; i < steps; ++i) gan.step();
  return gan.state();
}

}  // namespace

TEST_CASE_TEMPLATE("threads that train networks concurrently have the bits of single threads", Gan,
                   MlpGan, Dcgan, WganGp) {
  const std::vector<Scalar> alone[2] = {trained<Gan>(1), trained<Gan>(2)};
  std::vector<Scalar> found[2];
  at_once(2, [&](int i) { found[i] = trained<Gan>(static_cast<uint64_t>(i + 1)); });
  CHECK(same_bits(found[0], alone[0]));
  CHECK(same_bits(found[1], alone[1]));
  CHECK(!same_bits(found[0], found[1]));
}

TEST_CASE("each thread initialises weights from its own sequence with seed 0") {
  nn::seed_init(0);
  const std::vector<Scalar> first = first_weight();
  nn::seed_init(3);
  std::vector<Scalar> found[3];
  at_once(3, [&](int i) { found[i] = first_weight(); });
  for (const std::vector<Scalar>& weight : found) CHECK(same_bits(weight, first));
  nn::seed_init(0);
  first_weight();
  const std::vector<Scalar> second = first_weight();
  CHECK(!same_bits(second, first));
}

TEST_CASE("threads can read a shared tensor; errors, hooks and scopes are per thread") {
  const Tensor shared = Random(1).normal({64, 64});
  const Scalar expected = sum(matmul(shared, shared)).item();
  std::string messages[4];
  bool same[4] = {}, recorded[4] = {};
  at_once(4, [&](int i) {
    const auto index = static_cast<size_t>(i);
    Net net(64, 3);
    Tensor x = Tensor::ones({1, 64});
    x.set_requires_grad(true);
    int calls = 0;
    for (int step = 0; step < 20; ++step) {
      const Tensor copy = shared;  // counts handles, from four threads
      same[index] = sum(matmul(copy, copy)).item() == expected;
      const Tensor y = net(x);
      y.add_hook([&calls](const Tensor&) {
        ++calls;
        return Tensor();
      });
      backward(sum(y), {x});
      if (i % 2 == 0) {
        const NoGrad guard;
        recorded[index] = static_cast<bool>(sum(x).node());
      } else {
        recorded[index] = !sum(x).node();
      }
    }
    same[index] = same[index] && calls == 20;
    messages[index] = message_of([&] { matmul(shared, Tensor::ones({3 + i, 2})); });
  });
  for (int i = 0; i < 4; ++i) {
    const auto index = static_cast<size_t>(i);
    CHECK(same[index]);
    CHECK(!recorded[index]);
    CHECK(messages[index].find("[" + std::to_string(3 + i) + ", 2]") != std::string::npos);
  }
}

TEST_CASE("threads share the memory pool and can release each other's tensors") {
  const memory::Stats before = memory::stats();
  {
    Tensor made[2];
    at_once(2, [&](int i) { made[i] = Tensor::full({100, 100 * (1 + i)}, 2); });
    at_once(2, [&](int i) { made[1 - i] = Tensor::full({10 + i}, 3); });
    at_once(4, [](int i) {
      for (int64_t size = 1; size < 200; ++size) (void)Tensor::ones({size, 64 * (i + 1)});
    });
    CHECK(made[0].numel() + made[1].numel() == 21);
  }
  CHECK(memory::stats().in_use == before.in_use);
}

TEST_CASE("omp_set_num_threads applies to the calling thread only") {
  const Threads threads(3);
  int found = 0;
  at_once(1, [&](int) {
    omp_set_num_threads(5);
    found = omp_get_max_threads();
  });
  CHECK(found == 5);
  CHECK(omp_get_max_threads() == 3);
}

}  // namespace forger
