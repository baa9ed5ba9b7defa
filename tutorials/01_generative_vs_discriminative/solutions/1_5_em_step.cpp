#include "1_5_em_step.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

std::vector<Component> em_step(const std::vector<double>& x,
                               const std::vector<Component>& mixture) {
  std::vector<std::vector<double>> r;  // [n][components]
  for (const double value : x) {
    std::vector<double> p;  // log(weight N), up to a constant
    for (const Component& c : mixture) {
      const double d = value - c.mean;
      p.push_back(std::log(c.weight) - (std::log(c.variance) + d * d / c.variance) / 2);
    }
    const double largest = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& one : p) sum += one = std::exp(one - largest);
    for (double& one : p) one /= sum;
    r.push_back(p);
  }
  std::vector<Component> next;
  for (size_t k = 0; k < mixture.size(); ++k) {
    double total = 0, mean = 0, variance = 0;
    for (size_t i = 0; i < x.size(); ++i) total += r[i][k];
    for (size_t i = 0; i < x.size(); ++i) mean += r[i][k] / total * x[i];
    for (size_t i = 0; i < x.size(); ++i) variance += r[i][k] / total * std::pow(x[i] - mean, 2);
    next.push_back({total / static_cast<double>(x.size()), mean, variance});
  }
  return next;
}
