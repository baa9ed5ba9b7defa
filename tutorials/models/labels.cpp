#include "tutorials/models/labels.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

#include "autograd/error.h"

namespace forger::models {
namespace {

void check_pair(const char* op, const std::vector<int>& a, const std::vector<int>& b,
                SourceLoc loc) {
  if (a.size() == b.size() && !a.empty()) return;
  fail(op, "two lists of the same length, at least 1, expected",
       {"found " + std::to_string(a.size()) + " and " + std::to_string(b.size()) + " numbers"},
       loc);
}

}  // namespace

void check_labels(const char* op, const std::vector<int>& labels, int64_t n, int classes,
                  SourceLoc loc) {
  if (classes < 1) {
    fail(op, "classes out of range", {"found " + std::to_string(classes) + ", expected at least 1"},
         loc);
  }
  if (static_cast<int64_t>(labels.size()) != n) {
    fail(op, "each example needs one label",
         {"found " + std::to_string(labels.size()) + " labels for " + std::to_string(n) +
          " examples"},
         loc);
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && labels[i] < classes) continue;
    fail(op, "label out of range",
         {"found " + std::to_string(labels[i]) + " at index " + std::to_string(i) +
          ", expected 0 to " + std::to_string(classes - 1)},
         loc);
  }
}

double accuracy(const std::vector<int>& predicted, const std::vector<int>& labels, SourceLoc loc) {
  check_pair("accuracy", predicted, labels, loc);
  size_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

double purity(const std::vector<int>& clusters, const std::vector<int>& labels, SourceLoc loc) {
  check_pair("purity", clusters, labels, loc);
  std::map<int, std::map<int, int64_t>> counts;  // by cluster and class
  for (size_t i = 0; i < labels.size(); ++i) ++counts[clusters[i]][labels[i]];
  int64_t in_majority = 0;
  for (const auto& [cluster, classes] : counts) {
    int64_t most = 0;
    for (const auto& [label, count] : classes) most = std::max(most, count);
    in_majority += most;
  }
  return static_cast<double>(in_majority) / static_cast<double>(labels.size());
}

std::vector<int> row_argmax(const Matrix& scores) {
  std::vector<int> columns;
  for (int64_t i = 0; i < scores.rows; ++i) {
    const double* row = scores[i];
    columns.push_back(static_cast<int>(std::max_element(row, row + scores.columns) - row));
  }
  return columns;
}

}  // namespace forger::models
