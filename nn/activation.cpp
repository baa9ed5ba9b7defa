#include "nn/activation.h"

#include "autograd/scope.h"

namespace forger::nn {

Tensor ReLU::forward(const Tensor& x) { return relu(x, call_site()); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x, call_site()); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x, call_site()); }

LeakyReLU::LeakyReLU(Module& parent, std::string name, double slope)
    : Module(parent, std::move(name)), slope_(slope) {}

Tensor LeakyReLU::forward(const Tensor& x) { return leaky_relu(x, slope_, call_site()); }

std::string LeakyReLU::describe() const { return "LeakyReLU(" + short_number(slope_) + ")"; }

Tensor GELU::forward(const Tensor& x) { return gelu(x, call_site()); }
Tensor SiLU::forward(const Tensor& x) { return silu(x, call_site()); }
Tensor Softplus::forward(const Tensor& x) { return softplus(x, call_site()); }

ELU::ELU(Module& parent, std::string name, double alpha)
    : Module(parent, std::move(name)), alpha_(alpha) {}
Tensor ELU::forward(const Tensor& x) { return elu(x, alpha_, call_site()); }
std::string ELU::describe() const { return "ELU(" + short_number(alpha_) + ")"; }

Softmax::Softmax(Module& parent, std::string name, int axis)
    : Module(parent, std::move(name)), axis_(axis) {}
Tensor Softmax::forward(const Tensor& x) { return softmax(x, axis_, call_site()); }
std::string Softmax::describe() const { return "Softmax(axis " + std::to_string(axis_) + ")"; }

}  // namespace forger::nn
