#include "tutorials/metrics/distances.h"

namespace forger::metrics {

std::vector<double> mean_row(const Tensor& x) {
  const int64_t n = x.shape()[0], d = x.shape()[1];
  std::vector<double> mean(static_cast<size_t>(d));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < d; ++j) mean[static_cast<size_t>(j)] += x.data()[i * d + j];
  }
  for (double& value : mean) value /= static_cast<double>(n);
  return mean;
}

Points::Points(const Tensor& features, const std::vector<double>& origin)
    : x(features),
      n(features.shape()[0]),
      d(features.shape()[1]),
      centred(Tensor::empty(features.shape())),
      squared_norms(Tensor::empty({n})),
      norms(static_cast<size_t>(n)) {
  Scalar *out = centred.mutable_data(), *squares = squared_norms.mutable_data();
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < d; ++j) {
      const auto value = static_cast<Scalar>(row(i)[j] - origin[static_cast<size_t>(j)]);
      out[i * d + j] = value;
      sum += static_cast<double>(value) * value;
    }
    squares[i] = static_cast<Scalar>(sum);
    norms[static_cast<size_t>(i)] = std::sqrt(sum);
    largest_norm = std::max(largest_norm, norms[static_cast<size_t>(i)]);
  }
}

}  // namespace forger::metrics
