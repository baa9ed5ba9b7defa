#include "autograd/ops/check.h"

#include <algorithm>
#include <limits>
#include <string>

#include "autograd/error.h"

namespace forger {
namespace {

/// Returns one line per argument: its name and its shape, in two columns.
std::vector<std::string> list(const Argument* begin, const Argument* end) {
  size_t width = 0;
  for (const Argument* a = begin; a != end; ++a)
    width = std::max(width, std::string(a->name).size());
  std::vector<std::string> lines;
  for (const Argument* a = begin; a != end; ++a) {
    std::string line = a->name;
    line.resize(width + 2, ' ');
    lines.push_back(line + (a->tensor.defined() ? a->tensor.shape().str() : "undefined"));
  }
  return lines;
}

}  // namespace

void fail_undefined(const char* op, const Argument* begin, const Argument* end, SourceLoc loc) {
  std::vector<std::string> details = list(begin, end);
  details.push_back("a gradient is undefined until a backward pass has reached it");
  fail(op, "an argument is undefined", details, loc);
}

void check_same_shape(const char* op, const Argument& a, const Argument& b, SourceLoc loc) {
  const Argument both[] = {a, b};
  check_defined(op, {a, b}, loc);
  if (a.tensor.shape() == b.tensor.shape()) return;
  fail(op, std::string(a.name) + " and " + b.name + " need the same shape",
       list(std::begin(both), std::end(both)), loc);
}

void check_parts(const char* op, const std::vector<Tensor>& parts, SourceLoc loc) {
  if (parts.empty()) fail(op, "at least one part expected", {}, loc);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].defined()) continue;
    const std::string name = "part " + std::to_string(i);
    const Argument part{name.c_str(), parts[i]};
    fail_undefined(op, &part, &part + 1, loc);
  }
}

void check_eps(const char* op, double eps, SourceLoc loc) {
  if (eps >= 0) return;  // false for NaN
  fail(op, "an eps of at least 0 expected", {"eps  " + std::to_string(eps)}, loc);
}

int64_t saturating_product(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (int64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) {
      return std::numeric_limits<int64_t>::max();
    }
  }
  return product;
}

}  // namespace forger
