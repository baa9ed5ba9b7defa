#pragma once

#include <vector>

/// Gaussian naive Bayes of some classes.
struct NaiveBayes {
  std::vector<double> prior;                  // [classes]: p(class)
  std::vector<std::vector<double>> mean;      // [classes][features]
  std::vector<std::vector<double>> variance;  // [classes][features], above 0
};

/// Returns p(class | x) [classes], by Bayes' rule:
///
///     p(class | x) = p(class) p(x | class) / sum over k of p(k) p(x | k),
///     p(x | class) = product over j of N(x[j]; mean[class][j], variance[class][j]).
///
/// The product of 784 densities is smaller than any double, or larger. Work with logarithms up to
/// the end: before exp, subtract the largest.
std::vector<double> posterior(const NaiveBayes& model, const std::vector<double>& x);
