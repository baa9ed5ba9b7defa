#include "autograd/debug/check_nan.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "autograd/error.h"
#include "autograd/graph.h"
#include "autograd/scope.h"

namespace forger {
namespace {

constexpr int kUnread = -1;
std::atomic<int> state{kUnread};

int read_environment() {
  const char* value = std::getenv("FORGER_CHECK_NAN");
  const std::string_view text = value ? value : "";
  if (text != "" && text != "0" && text != "1") {
    throw Error("FORGER_CHECK_NAN: no such setting\n  found " + std::string(text) +
                ", expected 0 or 1");
  }
  state = text == "1";
  return state;
}

bool not_finite(Scalar x) { return !std::isfinite(x); }

/// Returns "[2, 3], all finite, from -1 to 4" or
/// "[2, 3], 2 of 6 not finite, the first nan at {0, 1}".
std::string describe(const Tensor& x) {
  std::ostringstream out;
  out << x.shape().str();
  const Scalar *begin = x.data(), *end = begin + x.numel();
  const Scalar* first = std::find_if(begin, end, not_finite);
  if (begin == end) {
    out << ", empty";
  } else if (first == end) {
    const auto [low, high] = std::minmax_element(begin, end);
    out << ", all finite, from " << *low << " to " << *high;
  } else {
    out << ", " << std::count_if(begin, end, not_finite) << " of " << x.numel()
        << " not finite, the first " << *first << " at {";
    int64_t rest = first - begin, block = x.numel();
    for (int axis = 0; axis < x.rank(); ++axis) {
      block /= x.shape()[axis];
      out << (axis > 0 ? ", " : "") << rest / block;
      rest %= block;
    }
    out << "}";
  }
  return out.str();
}

}  // namespace

void set_check_nan(bool on) { state = on; }

bool check_nan() {
  const int known = state.load(std::memory_order_relaxed);
  return (known == kUnread ? read_environment() : known) != 0;
}

void check_finite(const char* op, const Tensor& y,
                  std::span<const std::reference_wrapper<const Tensor>> inputs, SourceLoc loc) {
  if (!y.defined() || std::none_of(y.data(), y.data() + y.numel(), not_finite)) return;
  std::vector<std::string> details = {"result   " + describe(y)};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    if (x.defined()) details.push_back("input " + std::to_string(i) + "  " + describe(x));
  }
  const Node* node = differentiated();
  if (node) details.push_back("in the rule of " + node->str());
  const Composite::Call* composite = Composite::outermost();
  if (composite && composite->op != std::string_view(op))
    details.push_back(std::string("inside ") + composite->op);
  // Not fail(), which names the composite op alone: the user needs the step that failed.
  throw Error(error_text(op, "made a number that is not finite", details,
                         node ? node->loc : Composite::user_line(loc)));
}

}  // namespace forger
