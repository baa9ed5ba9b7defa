#include "nn/optim.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/shared.h"
#include "autograd/ops.h"
#include "nn/state.h"

namespace forger::nn {
namespace {

/// Throws Error unless `ok`: "Adam: lr must be finite and at least 0".
void expect(bool ok, const char* op, const char* option, const char* range, double found,
            SourceLoc loc) {
  if (ok) return;
  fail(op, std::string(option) + " must be " + range, {"found " + short_number(found)}, loc);
}

void expect_finite_not_negative(const char* op, const char* option, double value, SourceLoc loc) {
  expect(value >= 0 && std::isfinite(value), op, option, "finite and at least 0", value, loc);
}

/// Throws Error unless 0 <= value < 1, the range of a moving average's decay.
void expect_decay(const char* op, const char* option, double value, SourceLoc loc) {
  expect(value >= 0 && value < 1, op, option, "at least 0 and below 1", value, loc);
}

NamedTensors parameters_of(const std::vector<const Module*>& modules) {
  if (modules.size() == 1) return modules[0]->named_parameters();
  NamedTensors all;
  for (const Module* module : modules) {
    for (auto& entry : with_prefix(module->name() + ".", module->named_parameters())) {
      all.push_back(std::move(entry));
    }
  }
  return all;
}

/// The tensors of a list, all of which are leaves that collect gradients, each given once.
const NamedTensors& checked(const char* op, const ParameterList& list, SourceLoc loc) {
  std::map<const Storage*, std::string> seen;
  std::set<std::string> names;
  for (const auto& [name, p] : list.tensors) {
    if (!p.defined()) fail(op, "parameter " + name + " is undefined", {}, loc);
    if (!p.node()) {
      fail(op, "parameter " + name + " requires no gradient",
           {"found " + p.shape().str() + " without set_requires_grad()"}, loc);
    }
    if (!p.node()->is_leaf()) {
      fail(op, "parameter " + name + " was computed", {"by " + p.node()->str()}, loc);
    }
    if (const auto [other, is_new] = seen.emplace(p.storage().get(), name); !is_new) {
      fail(op, "two parameters share their numbers", {other->second, name}, loc);
    }
    if (!names.insert(name).second) {
      fail(op, "two parameters have one name", {name, "expected modules of different names"}, loc);
    }
  }
  return list.tensors;
}

/// True if an optimizer moves this parameter and clipping counts it.
bool has_gradient(const Tensor& p) { return p.requires_grad() && p.grad().defined(); }

Tensor zeros_like(const Tensor& p) { return Tensor::zeros(p.shape()); }

/// In double, for 1e20 squared is no float, and in eight sums, which the compiler can vectorise.
double sum_of_squares(const Tensor& t) {
  constexpr int64_t kSums = 8;
  double sums[kSums] = {};
  const Scalar* const values = t.data();
  const int64_t whole = t.numel() / kSums * kSums;
  for (int64_t i = 0; i < whole; i += kSums) {
    for (int64_t l = 0; l < kSums; ++l) {
      sums[l] += static_cast<double>(values[i + l]) * static_cast<double>(values[i + l]);
    }
  }
  for (int64_t i = whole; i < t.numel(); ++i) {
    sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

ParameterList::ParameterList(const Module& module)
    : tensors(module.named_parameters()), modules{&module} {}

ParameterList::ParameterList(std::initializer_list<std::reference_wrapper<const Module>> several) {
  for (const Module& module : several) modules.push_back(&module);
  tensors = parameters_of(modules);
}

ParameterList::ParameterList(const std::vector<Tensor>& list) {
  std::set<std::string> names;
  for (const Tensor& p : list) {
    const std::string own = p.node() && p.node()->is_leaf() ? p.node()->module : "";
    const bool usable = !own.empty() && names.insert(own).second;
    tensors.emplace_back(usable ? own : "", p);
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    std::string& name = tensors[i].first;
    for (size_t n = i; name.empty(); ++n) {
      if (names.insert(std::to_string(n)).second) name = std::to_string(n);
    }
  }
}

Optimizer::Optimizer(const char* name, const ParameterList& list, double learning_rate,
                     SourceLoc loc)
    : lr(learning_rate),
      name_(name),
      parameters_(checked(name, list, loc)),
      modules_(list.modules) {
  if (parameters_.empty()) fail(name, "there are no parameters to train", {}, loc);
  expect_finite_not_negative(name, "lr", lr, loc);
}

void Optimizer::step(SourceLoc loc) {
  expect_finite_not_negative(name_, "lr", lr, loc);
  check_modules(loc);
  check_state(loc);
  // All parameters together are one sequence of elements, which one team of threads updates.
  // Starting a team takes longer than updating a small parameter.
  struct Part {
    size_t i;
    Tensor g;
    uint64_t version;      // of g before any update
    int64_t first, count;  // its place in the sequence
    RangeUpdate update;
  };
  std::vector<Part> parts;
  int64_t total = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor& p = parameters_[i].second;
    if (!has_gradient(p)) continue;
    const Tensor g = p.grad();
    parts.push_back({i, g, g.storage()->version, total, p.numel(), {}});
    total += (p.numel() + 15) / 16 * 16;  // so that each range begins at a whole vector
  }
  for (Part& part : parts) part.update = update(part.i, parameters_[part.i].second, part.g, loc);
  // A gradient may share its numbers with a parameter. One thread then makes the updates in order.
  const bool in_order = std::any_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.g.storage()->version != part.version;
  });
  const int64_t range = in_order ? std::max<int64_t>(1, total) : kernels::kChunkElements;
  kernels::parallel_chunks(total, range, [&parts](int64_t begin, int64_t end) {
    for (const Part& part : parts) {
      const int64_t from = std::max<int64_t>(0, begin - part.first);
      const int64_t to = std::min(part.count, end - part.first);
      if (from < to) part.update(from, to);
    }
  });
}

void Optimizer::check_modules(SourceLoc loc) const {
  size_t next = 0;   // All are found here, one after the other, as long as nothing changed.
  size_t count = 0;  // parameters of the modules seen so far
  for (const Module* module : modules_) {
    for (const Tensor& p : module->parameters()) {
      const auto is_same = [&p](const auto& ours) { return ours.second.node() == p.node(); };
      if (next < parameters_.size() && is_same(parameters_[next])) {
        ++next;
      } else if (std::none_of(parameters_.begin(), parameters_.end(), is_same)) {
        fail(name_, "a parameter was added after the optimizer was made",
             {parameters_of(modules_)[count].first + " " + p.shape().str(),
              "expected an optimizer that is made after all layers"},
             loc);
      }
      ++count;
    }
  }
}

void Optimizer::zero_grad() const {
  for (const auto& [name, p] : parameters_) p.zero_grad();
}

NamedTensors Optimizer::state() const {
  NamedTensors out;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    for (auto& entry : with_prefix(parameters_[i].first + ".", state_of(i))) {
      out.push_back(std::move(entry));
    }
  }
  return out;
}

Sgd::Sgd(const ParameterList& list, SgdOptions options, SourceLoc loc)
    : Optimizer("Sgd", list, options.lr, loc), options_(options) {
  expect_decay(name_, "momentum", options.momentum, loc);
  expect_finite_not_negative(name_, "weight_decay", options.weight_decay, loc);
  if (options.nesterov && options.momentum == 0) {
    fail(name_, "nesterov needs a momentum above 0", {"found 0"}, loc);
  }
  if (options.momentum == 0) return;
  for (const auto& [name, p] : parameters_) momentum_.push_back(zeros_like(p));
}

Optimizer::RangeUpdate Sgd::update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) {
  const kernels::Sgd hyper = {.lr = lr,
                              .momentum = options_.momentum,
                              .weight_decay = options_.weight_decay,
                              .nesterov = options_.nesterov};
  return [hyper, grad = g.data(), param = p.mutable_data(loc),
          v = momentum_.empty() ? nullptr : momentum_[i].mutable_data(loc)](int64_t begin,
                                                                            int64_t end) {
    kernels::sgd(hyper, end - begin, grad + begin, param + begin, v ? v + begin : nullptr);
  };
}

NamedTensors Sgd::state_of(size_t i) const {
  if (momentum_.empty()) return {};
  return {{"momentum_buffer", momentum_[i]}};
}

Adam::Adam(const char* name, const ParameterList& list, AdamOptions options, bool decoupled,
           SourceLoc loc)
    : Optimizer(name, list, options.lr, loc), decoupled_(decoupled), options_(options) {
  expect_decay(name, "beta1", options.beta1, loc);
  expect_decay(name, "beta2", options.beta2, loc);
  expect_finite_not_negative(name, "eps", options.eps, loc);
  expect_finite_not_negative(name, "weight_decay", options.weight_decay, loc);
  for (const auto& [parameter, p] : parameters_) {
    moments_.push_back({Tensor::scalar(0), zeros_like(p), zeros_like(p)});
  }
}

Optimizer::RangeUpdate Adam::update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) {
  const auto& [step, exp_avg, exp_avg_sq] = moments_[i];
  const double t = *step.mutable_data(loc) += 1;
  const kernels::Adam hyper = {.beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .eps = options_.eps,
                               .weight_decay = decoupled_ ? 0 : options_.weight_decay,
                               .shrink = decoupled_ ? 1 - lr * options_.weight_decay : 1,
                               .step_size = lr / (1 - std::pow(options_.beta1, t)),
                               .sqrt_correction = std::sqrt(1 - std::pow(options_.beta2, t))};
  return [hyper, kernel = kernels::active().adam, grad = g.data(), param = p.mutable_data(loc),
          m = exp_avg.mutable_data(loc),
          v = exp_avg_sq.mutable_data(loc)](int64_t begin, int64_t end) {
    kernel(hyper, end - begin, grad + begin, param + begin, m + begin, v + begin);
  };
}

void Adam::check_state(SourceLoc loc) const {
  for (size_t i = 0; i < moments_.size(); ++i) {
    const double step = moments_[i].step.item();
    expect(step >= 0 && step == std::floor(step) && std::isfinite(step), name_,
           (parameters_[i].first + ".step").c_str(), "a natural number", step, loc);
  }
}

NamedTensors Adam::state_of(size_t i) const {
  const auto& [step, exp_avg, exp_avg_sq] = moments_[i];
  return {{"step", step}, {"exp_avg", exp_avg}, {"exp_avg_sq", exp_avg_sq}};
}

AdamW::AdamW(const ParameterList& list, AdamWOptions options, SourceLoc loc)
    : Adam("AdamW", list,
           {.lr = options.lr,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .eps = options.eps,
            .weight_decay = options.weight_decay},
           true, loc) {}

RmsProp::RmsProp(const ParameterList& list, RmsPropOptions options, SourceLoc loc)
    : Optimizer("RmsProp", list, options.lr, loc), options_(options) {
  expect_decay(name_, "alpha", options.alpha, loc);
  expect_decay(name_, "momentum", options.momentum, loc);
  expect_finite_not_negative(name_, "eps", options.eps, loc);
  expect_finite_not_negative(name_, "weight_decay", options.weight_decay, loc);
  for (const auto& [name, p] : parameters_) {
    averages_.push_back({zeros_like(p), options.momentum != 0 ? zeros_like(p) : Tensor()});
  }
}

Optimizer::RangeUpdate RmsProp::update(size_t i, const Tensor& p, const Tensor& g, SourceLoc loc) {
  const kernels::RmsProp hyper = {.lr = lr,
                                  .alpha = options_.alpha,
                                  .eps = options_.eps,
                                  .weight_decay = options_.weight_decay,
                                  .momentum = options_.momentum};
  const auto& [square_avg, momentum] = averages_[i];
  return
      [hyper, grad = g.data(), param = p.mutable_data(loc), square = square_avg.mutable_data(loc),
       v = momentum.defined() ? momentum.mutable_data(loc) : nullptr](int64_t begin, int64_t end) {
        kernels::rmsprop(hyper, end - begin, grad + begin, param + begin, square + begin,
                         v ? v + begin : nullptr);
      };
}

NamedTensors RmsProp::state_of(size_t i) const {
  const auto& [square_avg, momentum] = averages_[i];
  if (!momentum.defined()) return {{"square_avg", square_avg}};
  return {{"square_avg", square_avg}, {"momentum_buffer", momentum}};
}

double clip_grad_norm(const ParameterList& list, double max_norm, SourceLoc loc) {
  expect(max_norm > 0, "clip_grad_norm", "max_norm", "above 0", max_norm, loc);
  double squares = 0;
  for (const auto& [name, p] : checked("clip_grad_norm", list, loc)) {
    if (has_gradient(p)) squares += sum_of_squares(p.grad());
  }
  const double norm = std::sqrt(squares);
  if (!(norm > max_norm) || !std::isfinite(norm)) return norm;
  const NoGrad guard;
  const Tensor factor = Tensor::scalar(static_cast<Scalar>(max_norm / norm));
  for (const auto& [name, p] : list.tensors) {
    if (has_gradient(p)) p.set_grad(mul(p.grad(), factor, loc), loc);
  }
  return norm;
}

void clip_grad_value(const ParameterList& list, double limit, SourceLoc loc) {
  expect(limit >= 0, "clip_grad_value", "limit", "at least 0", limit, loc);
  const NoGrad guard;
  for (const auto& [name, p] : checked("clip_grad_value", list, loc)) {
    if (has_gradient(p)) p.set_grad(clamp(p.grad(), -limit, limit, loc), loc);
  }
}

Ema::Ema(const Module& source, const Module& copy, double decay, SourceLoc loc)
    : source_(source), copy_(copy), decay_(decay) {
  expect(decay >= 0 && decay <= 1, "Ema", "decay", "from 0 to 1", decay, loc);
  for (const StatePair& pair : paired_state("Ema", source, copy, loc)) {
    if (pair.from.storage() == pair.into.storage()) {
      fail("Ema", "source and copy share their numbers", {pair.name}, loc);
    }
  }
  copy_state(source, copy, loc);
}

void Ema::update(SourceLoc loc) const {
  const std::vector<StatePair> pairs = paired_state("Ema", source_, copy_, loc);
  const NamedTensors averaged = source_.named_parameters();  // in the order of the pairs
  size_t next = 0;
  for (const auto& [name, from, into] : pairs) {
    const bool is_averaged = next < averaged.size() && averaged[next].first == name;
    if (is_averaged) ++next;
    const Scalar* source = from.data();
    Scalar* copy = into.mutable_data(loc);
    const auto rate = static_cast<Scalar>(is_averaged ? 1 - decay_ : 1);
    for (int64_t i = 0; i < from.numel(); ++i) {
      copy[i] = rate == 1 ? source[i] : copy[i] + rate * (source[i] - copy[i]);
    }
  }
}

namespace {

/// Checks what all schedules take: a rate, a step, and factors or rates.
void check_schedule(const char* op, double lr, int64_t t, double factor, const char* factor_name,
                    SourceLoc loc) {
  expect_finite_not_negative(op, "lr", lr, loc);
  expect(t >= 0, op, "t", "at least 0", static_cast<double>(t), loc);
  expect_finite_not_negative(op, factor_name, factor, loc);
}

void expect_span(const char* op, const char* option, int64_t span, SourceLoc loc) {
  expect(span >= 1, op, option, "at least 1", static_cast<double>(span), loc);
}

/// How much of a schedule of `total` steps is done at step t, from 0 to 1.
double share_done(int64_t t, int64_t total) {
  return static_cast<double>(std::min(t, total)) / static_cast<double>(total);
}

}  // namespace

double step_lr(double lr, int64_t t, int64_t period, double gamma, SourceLoc loc) {
  check_schedule("step_lr", lr, t, gamma, "gamma", loc);
  expect_span("step_lr", "period", period, loc);
  return lr * std::pow(gamma, static_cast<double>(t / period));
}

double exponential_lr(double lr, int64_t t, double gamma, SourceLoc loc) {
  check_schedule("exponential_lr", lr, t, gamma, "gamma", loc);
  return lr * std::pow(gamma, static_cast<double>(t));
}

double cosine_lr(double lr, int64_t t, int64_t total, double end, SourceLoc loc) {
  check_schedule("cosine_lr", lr, t, end, "end", loc);
  expect_span("cosine_lr", "total", total, loc);
  return end + (lr - end) * (1 + std::cos(std::numbers::pi * share_done(t, total))) / 2;
}

double linear_lr(double lr, int64_t t, int64_t total, double start, double finish, SourceLoc loc) {
  check_schedule("linear_lr", lr, t, start, "start", loc);
  expect_finite_not_negative("linear_lr", "finish", finish, loc);
  expect_span("linear_lr", "total", total, loc);
  return lr * (start + (finish - start) * share_done(t, total));
}

}  // namespace forger::nn
