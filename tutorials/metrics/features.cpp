#include "tutorials/metrics/features.h"

#include <cmath>
#include <string>

#include "autograd/error.h"

namespace forger::metrics {
namespace {

constexpr double kLargest = 1e15;  // squares of distances stay finite as floats

}  // namespace

void check_features(const char* op, const char* argument, const Tensor& x, int64_t least,
                    SourceLoc loc) {
  if (!x.defined() || x.rank() != 2 || x.shape()[0] < least || x.shape()[1] < 1) {
    fail(op, "these are no features of enough images",
         {argument + ("  " + (x.defined() ? x.shape().str() : "undefined")),
          "expected  [n, d], n >= " + std::to_string(least) + ", d >= 1"},
         loc);
  }
  const Scalar* numbers = x.data();
  for (int64_t i = 0; i < x.numel(); ++i) {
    if (std::abs(static_cast<double>(numbers[i])) <= kLargest) continue;
    const int64_t d = x.shape()[1];
    fail(op, "features must be finite, and at most 1e15",
         {std::string(argument) + "  row " + std::to_string(i / d) + ", column " +
          std::to_string(i % d) + ": " + std::to_string(numbers[i])},
         loc);
  }
}

void check_features(const char* op, const char* name_a, const Tensor& a, const char* name_b,
                    const Tensor& b, int64_t least, SourceLoc loc) {
  check_features(op, name_a, a, least, loc);
  check_features(op, name_b, b, least, loc);
  if (a.shape()[1] != b.shape()[1]) {
    fail(op, "the features have different widths",
         {name_a + ("  " + a.shape().str()), name_b + ("  " + b.shape().str())}, loc);
  }
}

}  // namespace forger::metrics
