#include "nn/activation.h"

#include <cmath>

#include "autograd/ops.h"
#include "autograd/scope.h"

namespace forger::nn {

Tensor ReLU::forward(const Tensor& x) { return relu(x, call_site()); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x, call_site()); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x, call_site()); }

LeakyReLU::LeakyReLU(Module& parent, std::string name, double slope, SourceLoc loc)
    : Module(parent, std::move(name), loc), slope_(slope) {
  expect(slope >= 0 && std::isfinite(slope), "LeakyReLU", "a finite slope of at least 0",
         short_number(slope));
}

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, slope_, call_site()); }

std::string LeakyReLU::describe() const { return "LeakyReLU(" + short_number(slope_) + ")"; }

Tensor GELU::forward(const Tensor& x) { return gelu(x, call_site()); }
Tensor SiLU::forward(const Tensor& x) { return silu(x, call_site()); }
Tensor Softplus::forward(const Tensor& x) { return softplus(x, call_site()); }

ELU::ELU(Module& parent, std::string name, double alpha, SourceLoc loc)
    : Module(parent, std::move(name), loc), alpha_(alpha) {
  expect(alpha >= 0 && std::isfinite(alpha), "ELU", "a finite alpha of at least 0",
         short_number(alpha));
}
Tensor ELU::forward(const Tensor& x) { return elu(x, alpha_, call_site()); }
std::string ELU::describe() const { return "ELU(" + short_number(alpha_) + ")"; }

Softmax::Softmax(Module& parent, std::string name, int axis, SourceLoc loc)
    : Module(parent, std::move(name), loc), axis_(axis) {
  expect(axis >= -Shape::kMaxRank && axis < Shape::kMaxRank, "Softmax", "an axis of -4 to 3",
         std::to_string(axis));
}
Tensor Softmax::forward(const Tensor& x) { return softmax(x, axis_, call_site()); }
std::string Softmax::describe() const { return "Softmax(axis " + std::to_string(axis_) + ")"; }

}  // namespace forger::nn
