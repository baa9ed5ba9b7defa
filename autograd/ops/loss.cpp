#include <limits>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/ops.h"
#include "autograd/ops/broadcast.h"
#include "autograd/ops/check.h"
#include "autograd/ops/unary.h"
#include "autograd/scope.h"

namespace forger {
namespace {

Tensor reduce(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kSum ? sum(losses) : mean(losses);
}

}  // namespace

struct BceWithLogits {
  Saved logits, targets;
  static constexpr const char* name = "bce_with_logits";

  // The usual formula, sigmoid(x) - t, would cancel where a confident prediction is correct.
  Gradients backward(const Tensor& g, const Context& ctx) const {
    const Tensor& x = logits;
    const Tensor& t = targets;
    return {ctx.wants(0) ? g * ((1 - t) * sigmoid(x) - t * sigmoid(-x)) : Tensor(),
            ctx.wants(1) ? -(g * x) : Tensor()};
  }
};

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, Reduction reduction,
                       SourceLoc loc) {
  const Composite here("bce_with_logits", loc);
  check_same_shape("bce_with_logits", {"logits", logits}, {"targets", targets}, loc);
  Tensor losses;
  {
    const NoGrad guard;  // the rule of BceWithLogits replaces those of these ops
    // With s = softplus(-|x|): softplus(x) = s + x and softplus(-x) = s for x > 0, and the other
    // way round for x < 0. masked() drops the infinite term of an infinite correct logit.
    const Tensor right = where(greater(logits, 0), 1 - targets, targets);
    const Tensor size = abs(logits);
    losses = softplus(-size) + masked(size, right);
  }
  losses = record(losses, {logits, targets}, BceWithLogits{logits, targets}, loc);
  return reduce(losses, reduction);
}

// For targets 0 and 1 the loss is softplus(x) and softplus(-x), without a tensor of targets.
Tensor bce_with_logits(const Tensor& logits, double target, Reduction reduction, SourceLoc loc) {
  const Composite here("bce_with_logits", loc);
  check_defined("bce_with_logits", {{"logits", logits}}, loc);
  if (target == 0) return reduce(softplus(logits), reduction);
  if (target == 1) return reduce(softplus(-logits), reduction);
  return bce_with_logits(logits, Tensor::full(logits.shape(), static_cast<Scalar>(target)),
                         reduction);
}

Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels,
                             Reduction reduction, SourceLoc loc) {
  const char* op = "softmax_cross_entropy";
  const Composite here(op, loc);
  check_defined(op, {{"logits", logits}}, loc);
  if (logits.rank() != 2 || logits.shape()[0] != static_cast<int64_t>(labels.size())) {
    fail(op, "one row of logits per label expected",
         {"logits  " + logits.shape().str() + "  (N, classes)",
          "labels  " + std::to_string(labels.size())},
         loc);
  }
  const int64_t classes = logits.shape()[1];
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < classes) continue;
    fail(op, "label out of range",
         {"label " + std::to_string(i) + " is " + std::to_string(labels[i]) + ", expected 0 to " +
          std::to_string(classes - 1)},
         loc);
  }
  // -log(e^x / (e^x + e^r)) = softplus(r - x), where x is the label's logit and r the logsumexp of
  // the other logits. -log_softmax would cancel where x is by far the largest.
  const int64_t n = logits.shape()[0];
  const Indices picked{{n, 1}, {labels.begin(), labels.end()}};
  const Tensor own = reshape_to(gather(logits, 1, picked), {n});
  constexpr double kNothing = std::numeric_limits<Scalar>::lowest();  // finite: e^kNothing is 0
  const Tensor others = where(one_hot(labels, classes), kNothing, logits);
  return reduce(softplus(logsumexp(others, {1}) - own), reduction);
}

Tensor mse(const Tensor& a, const Tensor& b, Reduction reduction, SourceLoc loc) {
  const Composite here("mse", loc);
  check_same_shape("mse", {"a", a}, {"b", b}, loc);
  const Tensor d = a - b;
  return reduce(d * d, reduction);
}

Tensor l1(const Tensor& a, const Tensor& b, Reduction reduction, SourceLoc loc) {
  const Composite here("l1", loc);
  check_same_shape("l1", {"a", a}, {"b", b}, loc);
  return reduce(abs(a - b), reduction);
}

struct SmoothL1 {
  Saved d;
  double beta;
  static constexpr const char* name = "smooth_l1";
  Gradients backward(const Tensor& g, const Context&) const {
    return {g * clamp(d.get() * (1 / beta), -1, 1)};
  }
};

Tensor smooth_l1(const Tensor& a, const Tensor& b, double beta, Reduction reduction,
                 SourceLoc loc) {
  const Composite here("smooth_l1", loc);
  check_same_shape("smooth_l1", {"a", a}, {"b", b}, loc);
  if (!(beta > 0)) {
    fail("smooth_l1", "a beta above 0 expected", {"beta  " + std::to_string(beta)}, loc);
  }
  const Tensor d = a - b;
  Tensor losses;
  {
    const NoGrad guard;  // the rule of SmoothL1 replaces those of these ops
    const Tensor near = clamp(d, -beta, beta);
    losses = near * (d - near * 0.5) * (1 / beta);  // |d| - beta / 2 where near is +-beta
  }
  return reduce(record(losses, {d}, SmoothL1{d, beta}, loc), reduction);
}

Tensor hinge(const Tensor& x, double target, Reduction reduction, SourceLoc loc) {
  const Composite here("hinge", loc);
  check_defined("hinge", {{"x", x}}, loc);
  return reduce(relu(1 - x * target), reduction);
}

Tensor kl_gaussian(const Tensor& mean1, const Tensor& log_var1, const Tensor& mean2,
                   const Tensor& log_var2, Reduction reduction, SourceLoc loc) {
  const char* op = "kl_gaussian";
  const Composite here(op, loc);
  check_defined(
      op, {{"mean1", mean1}, {"log_var1", log_var1}, {"mean2", mean2}, {"log_var2", log_var2}},
      loc);
  check_same_shape(op, {"mean1", mean1}, {"log_var1", log_var1}, loc);
  check_same_shape(op, {"mean1", mean1}, {"mean2", mean2}, loc);
  check_same_shape(op, {"mean2", mean2}, {"log_var2", log_var2}, loc);
  const Tensor d = mean1 - mean2;
  return reduce((expm2(log_var1 - log_var2) + d * d * exp(-log_var2)) * 0.5, reduction);
}

}  // namespace forger
