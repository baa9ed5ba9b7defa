#include <algorithm>

#include "autograd/error.h"
#include "autograd/ops.h"

namespace forger {
namespace {

Tensor reduce(const Tensor& losses, Reduction reduction, SourceLoc loc) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kSum ? sum(losses, loc) : mean(losses, loc);
}

Tensor number(double x) { return Tensor::scalar(static_cast<Scalar>(x)); }

void check_same_shape(const char* op, const std::string& a_name, const Tensor& a,
                      const std::string& b_name, const Tensor& b, SourceLoc loc) {
  if (a.shape() == b.shape()) return;
  const size_t width = std::max(a_name.size(), b_name.size()) + 2;
  const auto line = [width](const std::string& name, const Tensor& x) {
    return name + std::string(width - name.size(), ' ') + x.shape().str();
  };
  fail(op, a_name + " and " + b_name + " need the same shape", {line(a_name, a), line(b_name, b)},
       loc);
}

}  // namespace

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, Reduction reduction,
                       SourceLoc loc) {
  check_same_shape("bce_with_logits", "logits", logits, "targets", targets, loc);
  return reduce(sub(softplus(logits, loc), mul(logits, targets, loc), loc), reduction, loc);
}

// Without a tensor of targets: t x is 0 for fakes, and softplus(x) - x = softplus(-x) for reals.
Tensor bce_with_logits(const Tensor& logits, double target, Reduction reduction, SourceLoc loc) {
  if (target == 0) return reduce(softplus(logits, loc), reduction, loc);
  if (target == 1) return reduce(softplus(neg(logits, loc), loc), reduction, loc);
  return bce_with_logits(logits, Tensor::full(logits.shape(), static_cast<Scalar>(target)),
                         reduction, loc);
}

Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels,
                             Reduction reduction, SourceLoc loc) {
  const char* op = "softmax_cross_entropy";
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
  const Indices picked{{logits.shape()[0], 1}, {labels.begin(), labels.end()}};
  const Tensor log_p = gather(log_softmax(logits, -1, loc), 1, picked, loc);
  return reduce(neg(reshape_to(log_p, {logits.shape()[0]}, loc), loc), reduction, loc);
}

Tensor mse(const Tensor& a, const Tensor& b, Reduction reduction, SourceLoc loc) {
  check_same_shape("mse", "a", a, "b", b, loc);
  const Tensor d = sub(a, b, loc);
  return reduce(mul(d, d, loc), reduction, loc);
}

Tensor l1(const Tensor& a, const Tensor& b, Reduction reduction, SourceLoc loc) {
  check_same_shape("l1", "a", a, "b", b, loc);
  return reduce(abs(sub(a, b, loc), loc), reduction, loc);
}

Tensor smooth_l1(const Tensor& a, const Tensor& b, double beta, Reduction reduction,
                 SourceLoc loc) {
  check_same_shape("smooth_l1", "a", a, "b", b, loc);
  if (!(beta > 0)) {
    fail("smooth_l1", "a beta above 0 expected", {"beta  " + std::to_string(beta)}, loc);
  }
  const Tensor d = sub(a, b, loc), size = abs(d, loc);
  const Tensor parabola = mul(mul(d, d, loc), number(0.5 / beta), loc);
  const Tensor lines = sub(size, number(beta / 2), loc);
  return reduce(where(less(size, beta), {parabola, loc}, {lines, loc}), reduction, loc);
}

Tensor hinge(const Tensor& x, double target, Reduction reduction, SourceLoc loc) {
  return reduce(relu(sub(number(1), mul(x, number(target), loc), loc), loc), reduction, loc);
}

Tensor kl_gaussian(const Tensor& mean1, const Tensor& log_var1, const Tensor& mean2,
                   const Tensor& log_var2, Reduction reduction, SourceLoc loc) {
  const char* op = "kl_gaussian";
  check_same_shape(op, "mean1", mean1, "log_var1", log_var1, loc);
  check_same_shape(op, "mean1", mean1, "mean2", mean2, loc);
  check_same_shape(op, "mean2", mean2, "log_var2", log_var2, loc);
  const Tensor d = sub(mean1, mean2, loc), log_ratio = sub(log_var1, log_var2, loc);
  const Tensor distance = mul(mul(d, d, loc), exp(neg(log_var2, loc), loc), loc);
  const Tensor spread = sub(sub(exp(log_ratio, loc), log_ratio, loc), number(1), loc);
  return reduce(mul(add(spread, distance, loc), number(0.5), loc), reduction, loc);
}

}  // namespace forger
