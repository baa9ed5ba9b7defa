#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "../models/losses.h"
#include "../models/mlp.h"
#include "autograd/random.h"
#include "autograd/tensor.h"

/// The game of main.cpp, played within an experiment.
namespace forger::vanilla {

struct Play {
  int64_t steps, batch_size, latent;
  double lr_g, lr_d;
  double beta1 = 0.5;
  double decay_from = 0.5;  // share of the steps after which the rates fall linearly to 0; 1: never
  double r1 = 0;            // weight of the penalty on D's slope
  GeneratorLoss loss = GeneratorLoss::kNonSaturating;
  int64_t pack = 1;  // examples that D judges together (Lin et al. 2018, arXiv 1712.04086)
};

/// Trains both networks. `real` draws n real examples. D takes `pack` examples in a row.
/// `watch(step)` is called before the first step, with 0, and after each.
void play(
    Mlp& G, Mlp& D, const Play& options,
    const std::function<Tensor(int64_t n, Random& random)>& real, uint64_t seed,
    const std::function<void(int64_t step)>& watch = [](int64_t) {});

/// Calls f(seed) for each seed, in as many threads as OpenMP would use, each with one of its own.
/// The results are in the order of the seeds and do not depend on the number of threads. An Error
/// of f is thrown again.
template <class Result>
std::vector<Result> for_seeds(const std::vector<uint64_t>& seeds,
                              const std::function<Result(uint64_t seed)>& f);

/// The work of for_seeds(): calls f(i) for 0 <= i < n.
void in_threads(size_t n, const std::function<void(size_t i)>& f);

template <class Result>
std::vector<Result> for_seeds(const std::vector<uint64_t>& seeds,
                              const std::function<Result(uint64_t seed)>& f) {
  std::vector<Result> results(seeds.size());
  in_threads(seeds.size(), [&](size_t i) { results[i] = f(seeds[i]); });
  return results;
}

}  // namespace forger::vanilla
