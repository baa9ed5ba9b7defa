#include "1_2_log_domain.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

std::vector<double> posterior(const NaiveBayes& model, const std::vector<double>& x) {
  std::vector<double> p;  // log p(class, x) at first
  for (size_t k = 0; k < model.prior.size(); ++k) {
    p.push_back(std::log(model.prior[k]));
    for (size_t j = 0; j < x.size(); ++j) {
      const double v = model.variance[k][j], d = x[j] - model.mean[k][j];
      p[k] -= (std::log(2 * std::numbers::pi * v) + d * d / v) / 2;
    }
  }
  // Subtracting a constant from all logarithms divides numerator and denominator by the same
  // number.
  const double largest = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (double& value : p) sum += value = std::exp(value - largest);
  for (double& value : p) value /= sum;
  return p;
}
