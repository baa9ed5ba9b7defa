#include "autograd/error.h"
#include "autograd/ops.h"

namespace forger {

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, SourceLoc loc) {
  if (!(logits.shape() == targets.shape())) {
    fail("bce_with_logits", "logits and targets need the same shape",
         {"logits   " + logits.shape().str(), "targets  " + targets.shape().str()}, loc);
  }
  return mean(sub(softplus(logits, loc), mul(logits, targets, loc), loc), loc);
}

// Without a tensor of targets: t x is 0 for fakes, and softplus(x) - x = softplus(-x) for reals.
Tensor bce_with_logits(const Tensor& logits, double target, SourceLoc loc) {
  if (target == 0) return mean(softplus(logits, loc), loc);
  if (target == 1) return mean(softplus(neg(logits, loc), loc), loc);
  return bce_with_logits(logits, Tensor::full(logits.shape(), static_cast<Scalar>(target)), loc);
}

Tensor softmax_cross_entropy(const Tensor& logits, const std::vector<int>& labels, SourceLoc loc) {
  const char* op = "softmax_cross_entropy";
  if (logits.rank() != 2 || logits.shape()[0] != static_cast<int64_t>(labels.size())) {
    fail(op, "one row of logits per label expected",
         {"logits  " + logits.shape().str() + "  (N, classes)",
          "labels  " + std::to_string(labels.size())},
         loc);
  }
  const int64_t classes = logits.shape()[1];
  const Tensor one_hot = Tensor::zeros(logits.shape());
  Scalar* row = one_hot.mutable_data(loc);
  for (size_t i = 0; i < labels.size(); ++i, row += classes) {
    if (labels[i] < 0 || labels[i] >= classes) {
      fail(op, "label out of range",
           {"label " + std::to_string(i) + " is " + std::to_string(labels[i]) + ", expected 0 to " +
            std::to_string(classes - 1)},
           loc);
    }
    row[labels[i]] = 1;
  }
  const Tensor picked = sum(mul(log_softmax(logits, loc), one_hot, loc), {1}, false, loc);
  return neg(mean(picked, loc), loc);
}

Tensor mse(const Tensor& a, const Tensor& b, SourceLoc loc) {
  if (!(a.shape() == b.shape())) {
    fail("mse", "the same shape expected", {"a  " + a.shape().str(), "b  " + b.shape().str()}, loc);
  }
  const Tensor d = sub(a, b, loc);
  return mean(mul(d, d, loc), loc);
}

}  // namespace forger
