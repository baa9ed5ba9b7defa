#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/engine.h"
#include "autograd/tensor.h"
#include "cases.h"

namespace forger::parity {

using In = const std::vector<Tensor>&;

/// The cases of ops. Each op is a function of inputs x and constants c.
struct Table {
  using Function = std::function<Tensor(In x, In c)>;
  std::vector<ParityCase> cases;

  void add(const std::string& name, Bound y, Bound d, Function f) {
    cases.push_back({name, y, d, [f = std::move(f)](const Group& group) { return run(f, group); }});
  }

 private:
  /// The op's result and the gradients of <y, g>, where the fixture has a cotangent g.
  static Group run(const Function& f, const Group& group) {
    std::vector<Tensor> x = numbered(group, 'x');
    const bool differentiate = group.contains("g");
    for (Tensor& input : x) input = input.detach().set_requires_grad(differentiate);
    const Tensor y = f(x, numbered(group, 'c'));
    Group results = {{"y", y}};
    if (!differentiate) return results;
    const std::vector<Tensor> d = grad({y}, x, {group.at("g")});
    for (size_t i = 0; i < d.size(); ++i) results["d" + std::to_string(i)] = d[i];
    return results;
  }
};

/// Those of norm_loss_cases.cpp.
void add_norms(Table& t);
void add_losses(Table& t);

}  // namespace forger::parity
