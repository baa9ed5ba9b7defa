#include "mlp.h"

#include <utility>

#include "nn/activation.h"

namespace forger::vanilla {

namespace {

constexpr double kSlope = 0.2;

}  // namespace

Mlp::Mlp(std::string name, const MlpOptions& o) : Module(std::move(name)) {
  main.add<nn::Linear>(o.in, o.hidden);
  main.add<nn::LeakyReLU>(kSlope);
  main.add<nn::Linear>(o.hidden, o.hidden);
  main.add<nn::LeakyReLU>(kSlope);
  main.add<nn::Linear>(o.hidden, o.out);
  if (o.in_range) main.add<nn::Tanh>();
}

}  // namespace forger::vanilla
