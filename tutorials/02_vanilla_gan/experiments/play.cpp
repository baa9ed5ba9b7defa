#include "play.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/optim.h"

namespace forger::vanilla {

void play(Mlp& G, Mlp& D, const Play& o,
          const std::function<Tensor(int64_t n, Random& random)>& real, uint64_t seed,
          const std::function<void(int64_t step)>& watch) {
  nn::Adam opt_g(G, {.lr = o.lr_g, .beta1 = o.beta1}), opt_d(D, {.lr = o.lr_d, .beta1 = o.beta1});
  Random random(seed);
  const auto packed = [&](const Tensor& x) {
    return reshape(x, {o.batch_size / o.pack, o.pack * x.shape()[1]});
  };
  watch(0);
  for (int64_t step = 1; step <= o.steps; ++step) {
    const double left = static_cast<double>(o.steps - step + 1) / static_cast<double>(o.steps);
    const double factor = std::min(1.0, left / (1 - o.decay_from));
    opt_g.lr = factor * o.lr_g;
    opt_d.lr = factor * o.lr_d;
    const Tensor x = packed(real(o.batch_size, random));
    const Tensor fake = packed(G(random.normal({o.batch_size, o.latent})));

    const Tensor loss_d = discriminator_loss(D(x), D(fake.detach()));
    opt_d.zero_grad();
    backward(o.r1 > 0 ? loss_d + r1_penalty(D, x, o.r1) : loss_d, D.parameters());
    opt_d.step();

    opt_g.zero_grad();
    backward(generator_loss(D(fake), o.loss), G.parameters());
    opt_g.step();
    watch(step);
  }
}

void in_threads(size_t n, const std::function<void(size_t i)>& f) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    omp_set_num_threads(1);  // applies to this thread alone
    for (size_t i = next++; i < n; i = next++) {
      try {
        f(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        error = std::current_exception();
        next = n;
      }
    }
  };
  std::vector<std::thread> threads;
  const auto count = std::min(n, static_cast<size_t>(omp_get_max_threads()));
  for (size_t t = 0; t < count; ++t) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace forger::vanilla
