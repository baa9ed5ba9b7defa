#include "tutorials/models/random_forest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/random.h"
#include "tutorials/models/labels.h"

namespace forger::models {
namespace {

constexpr size_t kMostBins = 256;

/// A feature's values, numbered by bins in ascending order.
struct BinnedFeature {
  std::vector<uint8_t> bins;      // of each example
  std::vector<Scalar> low, high;  // the smallest and the largest value in each bin

  /// Returns a threshold between the values of two bins, left < right.
  Scalar threshold(size_t left, size_t right) const {
    const Scalar middle = high[left] + (low[right] - high[left]) / 2;
    return middle < low[right] ? middle : high[left];  // it may have been rounded up
  }
};

BinnedFeature bin_feature(const Examples& x, int64_t feature) {
  std::vector<Scalar> values;
  for (int64_t i = 0; i < x.count; ++i) values.push_back(x[i][feature]);
  std::sort(values.begin(), values.end());
  std::vector<Scalar> distinct = values;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());

  BinnedFeature result;
  if (distinct.size() <= kMostBins) {
    result.low = result.high = distinct;
  } else {
    // Bins of about equal counts. Equal values share a bin, so some bins may hold more.
    const size_t n = values.size();
    for (size_t bin = 0, begin = 0; bin < kMostBins && begin < n; ++bin) {
      const Scalar high = values[std::max(begin, n * (bin + 1) / kMostBins - 1)];
      result.low.push_back(values[begin]);
      result.high.push_back(high);
      begin = static_cast<size_t>(std::upper_bound(values.begin(), values.end(), high) -
                                  values.begin());
    }
  }
  for (int64_t i = 0; i < x.count; ++i) {
    const auto at = std::lower_bound(result.high.begin(), result.high.end(), x[i][feature]);
    result.bins.push_back(static_cast<uint8_t>(at - result.high.begin()));
  }
  return result;
}

/// What all trees learn from.
struct TrainingSet {
  std::vector<BinnedFeature> features;
  const std::vector<int>& labels;
  int classes;
  RandomForestOptions options;
};

/// Grows one tree.
class Grower {
 public:
  Grower(const TrainingSet& set, uint64_t seed, uint64_t stream)
      : set_(set),
        random_(seed, stream),
        classes_(static_cast<size_t>(set.classes)),
        order_(set.features.size()),
        counts_(kMostBins * classes_),
        totals_(kMostBins) {
    std::iota(order_.begin(), order_.end(), 0);
  }

  DecisionTree grow() {
    draw_examples();
    DecisionTree tree;
    tree.nodes.emplace_back();
    std::vector<Task> tasks = {{0, 0, drawn_.size(), 0}};
    while (!tasks.empty()) {
      const Task task = tasks.back();
      tasks.pop_back();
      count_classes(task);
      const Split split = wants_split(task) ? best_split(task) : Split();
      if (split.feature < 0) {
        tree.nodes[task.node].left = static_cast<int32_t>(tree.distributions.size() / classes_);
        for (const int64_t count : node_counts_) {
          tree.distributions.push_back(static_cast<float>(count) / static_cast<float>(node_total_));
        }
        continue;
      }
      const uint8_t* bins = set_.features[static_cast<size_t>(split.feature)].bins.data();
      const auto goes_left = [&](const Drawn& drawn) {
        return bins[drawn.example] <= split.last_left_bin;
      };
      const auto begin = drawn_.begin();
      const size_t middle =
          static_cast<size_t>(std::partition(begin + static_cast<ptrdiff_t>(task.begin),
                                             begin + static_cast<ptrdiff_t>(task.end), goes_left) -
                              begin);
      const size_t left = tree.nodes.size();
      tree.nodes.resize(left + 2);
      tree.nodes[task.node] = {split.feature, split.threshold, static_cast<int32_t>(left),
                               static_cast<int32_t>(left + 1)};
      tasks.push_back({left + 1, middle, task.end, task.depth + 1});
      tasks.push_back({left, task.begin, middle, task.depth + 1});
    }
    return tree;
  }

 private:
  /// An example that the tree learns from.
  struct Drawn {
    int32_t example, label;
    int32_t times;  // drawn
  };
  /// A node and its examples, drawn_[begin] to drawn_[end - 1].
  struct Task {
    size_t node, begin, end;
    int64_t depth;
  };
  struct Split {
    int32_t feature = -1;
    size_t last_left_bin = 0;
    Scalar threshold = 0;
    double score = 0;
  };

  void draw_examples() {
    const int64_t n = static_cast<int64_t>(set_.labels.size());
    std::vector<int32_t> times(set_.labels.size());
    for (int64_t i = 0; i < n; ++i) ++times.data()[set_.options.bootstrap ? random_.below(n) : i];
    for (int32_t i = 0; i < n; ++i) {
      if (times.data()[i] > 0) drawn_.push_back({i, set_.labels.data()[i], times.data()[i]});
    }
  }

  void count_classes(const Task& task) {
    node_counts_.assign(classes_, 0);
    for (size_t i = task.begin; i < task.end; ++i) {
      node_counts_.data()[drawn_[i].label] += drawn_[i].times;
    }
    node_total_ = std::accumulate(node_counts_.begin(), node_counts_.end(), int64_t{0});
  }

  bool wants_split(const Task& task) const {
    const bool pure = *std::max_element(node_counts_.begin(), node_counts_.end()) == node_total_;
    return !pure && (set_.options.max_depth == 0 || task.depth < set_.options.max_depth);
  }

  /// Tries as many features as the options say, and more while none of them varies in this node.
  Split best_split(const Task& task) {
    Split best;
    for (size_t tried = 0; tried < order_.size(); ++tried) {
      if (static_cast<int64_t>(tried) >= set_.options.features_per_split && best.feature >= 0)
        break;
      // The next place of a random permutation of the features (Fisher & Yates).
      const int64_t rest = static_cast<int64_t>(order_.size() - tried);
      std::swap(order_[tried], order_[tried + static_cast<size_t>(random_.below(rest))]);
      try_feature(order_[tried], task, best);
    }
    return best;
  }

  /// Improves `best` by the best threshold of a feature, if that is better.
  ///
  /// With n_k examples of class k among n, a child's impurity times n is n - (sum of n_k^2) / n.
  /// The best split has the largest sum of (sum of n_k^2) / n over both children. The sums of
  /// squares are integers, so they are exact however often they are updated.
  void try_feature(int32_t feature, const Task& task, Split& best) {
    const BinnedFeature& binned = set_.features[static_cast<size_t>(feature)];
    for (size_t i = task.begin; i < task.end; ++i) {
      const Drawn& drawn = drawn_[i];
      const size_t bin = binned.bins.data()[drawn.example];
      totals_[bin] += drawn.times;
      counts_[bin * classes_ + static_cast<size_t>(drawn.label)] += drawn.times;
    }
    left_.assign(classes_, 0);
    right_ = node_counts_;
    int64_t n_left = 0, n_right = node_total_;
    int64_t squares_left = 0, squares_right = 0;
    for (const int64_t count : right_) squares_right += count * count;
    size_t last_left_bin = 0;
    // Each bin moves to the left child in turn, and its counts are cleared for the next feature.
    for (size_t bin = 0; n_right > 0; ++bin) {
      if (totals_[bin] == 0) continue;
      if (n_left > 0) {
        const double score = static_cast<double>(squares_left) / static_cast<double>(n_left) +
                             static_cast<double>(squares_right) / static_cast<double>(n_right);
        if (score > best.score) {
          best = {feature, last_left_bin, binned.threshold(last_left_bin, bin), score};
        }
      }
      for (size_t k = 0; k < classes_; ++k) {
        const int64_t count = std::exchange(counts_[bin * classes_ + k], 0);
        squares_left += count * (2 * left_[k] + count);
        squares_right -= count * (2 * right_[k] - count);
        left_[k] += count;
        right_[k] -= count;
      }
      const int64_t count = std::exchange(totals_[bin], 0);
      n_left += count;
      n_right -= count;
      last_left_bin = bin;
    }
  }

  const TrainingSet& set_;
  Random random_;
  size_t classes_;
  std::vector<Drawn> drawn_;           // grouped by node
  std::vector<int32_t> order_;         // a permutation of the features
  std::vector<int32_t> counts_;        // [bins, classes]; all 0 between calls of try_feature()
  std::vector<int32_t> totals_;        // [bins]; likewise
  std::vector<int64_t> node_counts_;   // [classes], of the current node
  int64_t node_total_ = 0;             // their sum
  std::vector<int64_t> left_, right_;  // [classes], of the children
};

void check_range(const char* name, int64_t value, int64_t least, int64_t most, SourceLoc loc) {
  if (value >= least && value <= most) return;
  fail("fit_random_forest", std::string(name) + " out of range",
       {"found " + std::to_string(value) + ", expected " + std::to_string(least) + " to " +
        std::to_string(most)},
       loc);
}

}  // namespace

const DecisionTree::Node& DecisionTree::leaf(const Scalar* x) const {
  const Node* node = nodes.data();
  while (node->feature >= 0) {
    node = nodes.data() + (x[node->feature] <= node->threshold ? node->left : node->right);
  }
  return *node;
}

RandomForest fit_random_forest(const Tensor& x, const std::vector<int>& labels, int classes,
                               uint64_t seed, const RandomForestOptions& options, SourceLoc loc) {
  const Examples rows = examples("fit_random_forest", x, loc);
  check_labels("fit_random_forest", labels, rows.count, classes, loc);
  check_range("examples", rows.count, 1, INT32_MAX, loc);
  check_range("trees", options.trees, 1, 1'000'000, loc);
  check_range("features_per_split", options.features_per_split, 0, rows.features, loc);
  check_range("max_depth", options.max_depth, 0, INT32_MAX, loc);

  TrainingSet set{std::vector<BinnedFeature>(static_cast<size_t>(rows.features)), labels, classes,
                  options};
  if (options.features_per_split == 0) {
    set.options.features_per_split =
        static_cast<int64_t>(std::sqrt(static_cast<double>(rows.features)));
  }
#pragma omp parallel for schedule(dynamic)
  for (int64_t j = 0; j < rows.features; ++j) set.features.data()[j] = bin_feature(rows, j);

  RandomForest forest{classes, rows.features,
                      std::vector<DecisionTree>(static_cast<size_t>(options.trees))};
#pragma omp parallel for schedule(dynamic)
  for (int64_t t = 0; t < options.trees; ++t) {
    forest.trees.data()[t] = Grower(set, seed, static_cast<uint64_t>(t)).grow();
  }
  return forest;
}

Matrix RandomForest::posterior(const Tensor& x, SourceLoc loc) const {
  const Examples rows = examples("posterior", x, features, loc);
  Matrix p(rows.count, classes);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows.count; ++i) {
    for (const DecisionTree& tree : trees) {
      const float* shares = tree.distributions.data() + tree.leaf(rows[i]).left * classes;
      for (int k = 0; k < classes; ++k) p[i][k] += shares[k];
    }
    for (int k = 0; k < classes; ++k) p[i][k] /= static_cast<double>(trees.size());
  }
  return p;
}

std::vector<int> RandomForest::predict(const Tensor& x, SourceLoc loc) const {
  return row_argmax(posterior(x, loc));
}

}  // namespace forger::models
