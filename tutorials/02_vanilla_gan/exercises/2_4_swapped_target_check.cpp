#include "2_4_swapped_target.h"
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tutorials/common/exercise.h"

namespace {

using namespace forger;

/// G's number is z + shift.
struct Shift : nn::Module {
  Shift() : Module("G") {}
  Tensor forward(const Tensor& z) override { return z + shift; }
  nn::Parameter shift = parameter("shift", Tensor::zeros({1}));
};

struct Judge : nn::Module {
  Judge() : Module("D") {
    main.add<nn::Linear>(1, 16);
    main.add<nn::LeakyReLU>(0.2);
    main.add<nn::Linear>(16, 1);
  }
  Tensor forward(const Tensor& x) override { return main(x); }
  nn::Sequential main{*this, "main"};
};

double mean_logit(nn::Module& D, const Tensor& x) {
  const NoGrad no_grad;
  return mean(D(x)).item();
}

void check_all(tutorials::Check& check) {
  nn::seed_init(0);
  Random random(0);
  Shift G;
  Judge D;
  // A step in which one player's rate is 0 shows what the other one does.
  nn::Sgd still_g(G, {.lr = 0}), still_d(D, {.lr = 0});
  nn::Sgd slow_g(G, {.lr = 0.1}), slow_d(D, {.lr = 0.1});
  const Tensor real = random.normal({128, 1}, 3, 0.5), z = random.normal({128, 1}, 0, 0.5);
  const double on_real = mean_logit(D, real), on_fake = mean_logit(D, G(z));
  train_step(G, D, still_g, slow_d, real, z);
  check.at_least("a step of D alone: rise of its mean logit on real numbers less that on fakes",
                 (mean_logit(D, real) - on_real) - (mean_logit(D, G(z)) - on_fake), 1e-3);
  const double before = mean_logit(D, G(z));
  train_step(G, D, slow_g, still_d, real, z);
  check.at_least("a step of G alone: rise of D's mean logit on its numbers",
                 mean_logit(D, G(z)) - before, 1e-6);

  nn::Adam opt_g(G, {.lr = 0.02, .beta1 = 0.5}), opt_d(D, {.lr = 0.02, .beta1 = 0.5});
  for (int step = 0; step < 1000; ++step) {
    train_step(G, D, opt_g, opt_d, random.normal({128, 1}, 3, 0.5),
               random.normal({128, 1}, 0, 0.5));
  }
  check.about("1,000 steps: the mean of G's numbers, where the real ones have 3", G.shift.at({0}),
              3, 0.5);
}

}  // namespace

int main() { return tutorials::check_exercise("2.4", "The swapped target", check_all); }
