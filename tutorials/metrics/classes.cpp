#include "tutorials/metrics/classes.h"

#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>

#include "autograd/error.h"

namespace forger::metrics {

std::vector<int64_t> class_histogram(const std::vector<int>& labels, int64_t classes,
                                     SourceLoc loc) {
  if (classes < 1) {
    fail("class_histogram", "there must be a class", {"found " + std::to_string(classes)}, loc);
  }
  std::vector<int64_t> counts(static_cast<size_t>(classes));
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      fail("class_histogram", "a label is out of range",
           {"found    " + std::to_string(labels[i]) + ", label " + std::to_string(i),
            "expected 0 to " + std::to_string(classes - 1)},
           loc);
    }
    ++counts[static_cast<size_t>(labels[i])];
  }
  return counts;
}

double total_variation(const std::vector<int64_t>& a, const std::vector<int64_t>& b,
                       SourceLoc loc) {
  if (a.size() != b.size()) {
    fail("total_variation", "the numbers of classes differ",
         {"a  " + std::to_string(a.size()), "b  " + std::to_string(b.size())}, loc);
  }
  const auto n = static_cast<double>(std::accumulate(a.begin(), a.end(), int64_t{0}));
  const auto m = static_cast<double>(std::accumulate(b.begin(), b.end(), int64_t{0}));
  if (n <= 0 || m <= 0) fail("total_variation", "a histogram is empty", {}, loc);
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += std::abs(static_cast<double>(a[i]) / n - static_cast<double>(b[i]) / m);
  }
  return sum / 2;
}

double agreement(const std::vector<int>& a, const std::vector<int>& b, SourceLoc loc) {
  if (a.size() != b.size() || a.empty()) {
    fail("agreement", "the numbers of labels differ, or there are none",
         {"a  " + std::to_string(a.size()), "b  " + std::to_string(b.size())}, loc);
  }
  int64_t equal = 0;
  for (size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

}  // namespace forger::metrics
