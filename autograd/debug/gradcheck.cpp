#include "autograd/debug/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

#include "autograd/engine.h"
#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/random.h"

namespace forger {
namespace {

std::vector<Tensor> wanting_grad(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> out;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(out),
               [](const Tensor& x) { return x.requires_grad(); });
  return out;
}

double dot(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.numel(); ++i) sum += double{a.data()[i]} * double{b.data()[i]};
  return sum;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.data(), b.data(), static_cast<size_t>(a.numel()) * sizeof(Scalar)) == 0;
}

/// Returns the finite difference for d<f(inputs), v>/dx at element i of x, one of the inputs.
double numeric(const TensorFunction& f, const std::vector<Tensor>& inputs, const Tensor& v,
               const Tensor& x, int64_t i, double h) {
  const NoGrad guard;
  const Scalar middle = x.data()[i];
  const auto at = [&](double offset) {
    x.mutable_data()[i] = static_cast<Scalar>(double{middle} + offset);
    const double value = dot(f(inputs), v);
    x.mutable_data()[i] = middle;
    return value;
  };
  return (at(-2 * h) - 8 * at(-h) + 8 * at(h) - at(2 * h)) / (12 * h);
}

Tensor zeros_where_undefined(const Tensor& g, const Tensor& x) {
  return g.defined() ? g : Tensor::zeros(x.shape());
}

}  // namespace

GradCheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          GradCheckOptions options, SourceLoc loc) {
  const std::vector<Tensor> leaves = wanting_grad(inputs);
  if (leaves.empty()) fail("gradcheck", "no input requires a gradient", {}, loc);
  const Tensor y = f(inputs);
  const Tensor v = Random(options.seed).normal(y.shape());
  const auto analytic = [&] {
    if (!y.requires_grad()) return std::vector<Tensor>(leaves.size());
    return grad({y}, leaves, {v}, {.retain_graph = true, .allow_unused = true}, loc);
  };
  const std::vector<Tensor> gradients = analytic(), again = analytic();

  GradCheckResult result;
  for (size_t k = 0; k < leaves.size(); ++k) {
    const Tensor& x = leaves[k];
    const Tensor g = zeros_where_undefined(gradients[k], x);
    if (!same_bits(g, zeros_where_undefined(again[k], x))) {
      fail("gradcheck", "two backward passes differ", {"input " + std::to_string(k)}, loc);
    }
    for (int64_t i = 0; i < x.numel(); ++i) {
      const double found = g.data()[i], expected = numeric(f, inputs, v, x, i, options.step);
      const double tolerance = options.absolute + options.relative * std::abs(expected);
      const double deviation = std::abs(found - expected) / tolerance;
      if (!(deviation <= 1)) {  // so that NaN fails, too
        std::ostringstream values;
        values.precision(12);
        values << "rule " << found << ", finite difference " << expected << ", tolerance "
               << tolerance;
        fail("gradcheck", "the derivative is wrong",
             {"input " + std::to_string(k) + " " + x.shape().str() + ", element " +
                  std::to_string(i),
              values.str()},
             loc);
      }
      ++result.compared;
      result.nonzero += found != 0;
      result.largest = std::max(result.largest, std::abs(found));
      result.worst = std::max(result.worst, deviation);
    }
  }
  return result;
}

TensorFunction gradient_of(TensorFunction f, const std::vector<Tensor>& inputs, SourceLoc loc) {
  std::vector<bool> wanted;
  for (const Tensor& x : inputs) wanted.push_back(x.requires_grad());
  return [f = std::move(f), wanted, loc](const std::vector<Tensor>& arguments) {
    if (arguments.size() != wanted.size() + 1) {
      fail("gradient_of", "the inputs and a cotangent expected",
           {"found " + std::to_string(arguments.size()) + " arguments, expected " +
            std::to_string(wanted.size() + 1)},
           loc);
    }
    // The caller may not record (a finite difference does not), but the inner gradient needs a
    // graph.
    const WithGrad recording;
    const Tensor& v = arguments.back();
    std::vector<Tensor> inner(arguments.begin(), arguments.end() - 1), leaves;
    for (size_t i = 0; i < inner.size(); ++i) {
      if (!wanted[i]) continue;
      if (!inner[i].requires_grad()) inner[i] = inner[i].detach().set_requires_grad();
      leaves.push_back(inner[i]);
    }
    const Tensor y = f(inner);
    std::vector<Tensor> flat;
    const std::vector<Tensor> gradients =
        y.requires_grad() ? grad({y}, leaves, {v}, {.create_graph = true, .allow_unused = true})
                          : std::vector<Tensor>(leaves.size());
    for (size_t i = 0; i < leaves.size(); ++i) {
      flat.push_back(reshape(zeros_where_undefined(gradients[i], leaves[i]), {-1}));
    }
    return concat(flat, 0);
  };
}

GradCheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              GradCheckOptions options, SourceLoc loc) {
  Tensor v;
  {
    const NoGrad guard;
    v = Random(options.seed + 1).normal(f(inputs).shape());
  }
  std::vector<Tensor> arguments = inputs;
  arguments.push_back(v.set_requires_grad());
  return gradcheck(gradient_of(f, inputs, loc), arguments, options, loc);
}

}  // namespace forger
