#include "tutorials/models/pca.h"

#include <algorithm>
#include <string>

#include "autograd/error.h"
#include "autograd/ops.h"

namespace forger::models {

Pca fit_pca(const Tensor& x, int64_t k, SourceLoc loc) {
  const int64_t d = examples("fit_pca", x, loc).features;
  if (k < 1 || k > d) {
    fail("fit_pca", "the number of components is out of range",
         {"found " + std::to_string(k) + ", expected 1 to the number of features, " +
          std::to_string(d)},
         loc);
  }
  const Moments fitted = moments(x, loc);
  const SymmetricEigen eigen = symmetric_eigen(fitted.covariance, loc);

  Pca pca{Tensor::empty({d}), Tensor::empty({k, d}), {}, 0};
  const auto round = [](double value) { return static_cast<Scalar>(value); };
  std::transform(fitted.mean.begin(), fitted.mean.end(), pca.mean.mutable_data(), round);
  std::transform(eigen.vectors[0], eigen.vectors[k], pca.components.mutable_data(), round);
  for (int64_t i = 0; i < d; ++i) {
    const double variance = std::max(0.0, eigen.values.data()[i]);  // rounding may make it negative
    if (i < k) {
      pca.variances.push_back(variance);
    } else {
      pca.noise_variance += variance / static_cast<double>(d - k);
    }
  }
  return pca;
}

Tensor Pca::project(const Tensor& x, SourceLoc loc) const {
  examples("project", x, mean.numel(), loc);
  return matmul(sub(x.detach(), mean), components, {.transpose_b = true});
}

Tensor Pca::reconstruct(const Tensor& z, SourceLoc loc) const {
  examples("reconstruct", z, components.shape()[0], loc);
  return add(matmul(z.detach(), components), mean);
}

}  // namespace forger::models
