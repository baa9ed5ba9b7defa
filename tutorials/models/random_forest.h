#pragma once

#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"
#include "tutorials/models/matrix.h"

namespace forger::models {

/// A decision tree. Node 0 is the root. An inner node sends x to its left child if
/// x[feature] <= threshold, else to its right child.
struct DecisionTree {
  struct Node {
    int32_t feature = -1;  // -1 in a leaf
    Scalar threshold = 0;
    int32_t left = 0, right = 0;  // in a leaf, left is the row of `distributions`
  };
  std::vector<Node> nodes;
  std::vector<float> distributions;  // [leaves, classes]: shares of the classes

  /// Returns the node of the leaf that x falls into.
  const Node& leaf(const Scalar* x) const;
};

/// A random forest (Breiman 2001, Random Forests, Machine Learning 45): the mean of many decision
/// trees that differ because chance takes part in growing them.
struct RandomForest {
  int classes = 0;
  int64_t features = 0;
  std::vector<DecisionTree> trees;

  /// Returns the mean of the trees' class shares [n, classes] for each row of x [n, features].
  Matrix posterior(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
  /// Returns the most probable class of each row.
  std::vector<int> predict(const Tensor& x, SourceLoc loc = SourceLoc::here()) const;
};

struct RandomForestOptions {
  int64_t trees = 100;
  int64_t features_per_split = 0;  // drawn anew at each node; 0: the root of their number
  int64_t max_depth = 0;           // of the tree; 0: no limit
  bool bootstrap = true;           // each tree learns from n examples drawn with replacement
};

/// Grows the trees. Each node takes the split that leaves the least Gini impurity: with n_k of n
/// examples in class k, 1 - sum over k of (n_k / n)^2, averaged over the children. A tree grows
/// until its leaves are pure or their features equal.
///
/// The values of a feature are first numbered by bins, at most 256, so that all splits of a node
/// are found from one histogram of bins and classes. A feature with at most 256 different values,
/// such as a pixel, loses nothing by that. Each tree has its own random numbers, so the forest is
/// the same for any number of threads. Throws Error for options out of range.
RandomForest fit_random_forest(const Tensor& x, const std::vector<int>& labels, int classes,
                               uint64_t seed, const RandomForestOptions& options = {},
                               SourceLoc loc = SourceLoc::here());

}  // namespace forger::models
