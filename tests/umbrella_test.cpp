// Tests that the README's example compiles with the one header forger.h.
#include <doctest/doctest.h>

#include "forger.h"
using namespace forger;

namespace {

struct Net : nn::Module {
  Net() : Module("net") {}
  nn::Linear hidden{*this, "hidden", 2, 32}, out{*this, "out", 32, 1};
  Tensor forward(const Tensor& x) override { return out(tanh(hidden(x))); }
};

}  // namespace

TEST_CASE("forger.h declares what the README's example and a chapter's loop use") {
  nn::seed_init(0);
  Net net;
  nn::Adam adam(net, {.lr = 0.01});
  Random random(0);
  Scalar first = 0, last = 0;
  for (int step = 0; step < 500; ++step) {
    const Tensor x = random.normal({64, 2});
    const Tensor loss = mse(net(x), sum(x * x, {1}, true));  // learn |x|^2
    adam.zero_grad();
    backward(loss);
    adam.step();
    if (step == 0) first = loss.item();
    last = loss.item();
  }
  CHECK(last < first / 10);
  const auto square = [](const std::vector<Tensor>& x) { return x[0] * x[0]; };
  CHECK(gradcheck(square, {Tensor::ones({2}).set_requires_grad()}).compared == 2);
  const NoGrad guard;
  const nn::EvalMode eval(net);
  CHECK(nn::to_string(net).starts_with("net  129 parameters"));
  CHECK(!nn::summary(net, {1, 2}).empty());
  CHECK(nn::ring_of_gaussians(8, random).shape() == Shape{8, 2});
  CHECK(nn::with_prefix("G.", net.state()).size() == 4);
  CHECK_THROWS_AS(nn::read_image_folder("/nowhere", 8, 1), Error);
  CHECK_THROWS_AS(nn::read_idx("/nowhere"), Error);
  CHECK_THROWS_AS(nn::read_file("/nowhere", 1), Error);
}
