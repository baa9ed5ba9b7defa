#include "tutorials/models/mixture.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "tutorials/models/k_means.h"

namespace forger::models {
namespace {

constexpr int64_t kChunk = 256;  // examples per task

void check_mixture(const char* op, const GaussianMixture& mixture, SourceLoc loc) {
  if (!mixture.parts.empty() && mixture.weights.size() == mixture.parts.size()) return;
  fail(op, "a mixture needs a component, and a weight for each",
       {"found " + std::to_string(mixture.parts.size()) + " components and " +
        std::to_string(mixture.weights.size()) + " weights"},
       loc);
}

/// log_joint() of rows that are checked already.
Matrix log_joint_of(const GaussianMixture& mixture, const Examples& rows, SourceLoc loc) {
  std::vector<GaussianDensity> densities;
  for (const MultivariateGaussian& part : mixture.parts) densities.emplace_back(part, loc);
  Matrix joint(rows.count, mixture.components());
#pragma omp parallel for schedule(dynamic)
  for (int64_t begin = 0; begin < rows.count; begin += kChunk) {
    const int64_t end = std::min(rows.count, begin + kChunk);
    for (int64_t k = 0; k < joint.columns; ++k) {
      densities.data()[k](rows, begin, end, joint.values.data() + k, joint.columns);
      const double log_weight = std::log(mixture.weights.data()[k]);  // -infinity for weight 0
      for (int64_t i = begin; i < end; ++i) joint[i][k] += log_weight;
    }
  }
  return joint;
}

/// Raises the eigenvalues of a covariance to at least `least`.
void bound_below(Matrix& covariance, double least, SourceLoc loc) {
  const SymmetricEigen eigen = symmetric_eigen(covariance, loc);
  const int64_t d = covariance.rows;
  for (int64_t e = 0; e < d; ++e) {
    const double missing = least - eigen.values.data()[e];
    if (missing <= 0) continue;
    const double* v = eigen.vectors[e];
    for (int64_t i = 0; i < d; ++i) {
      for (int64_t j = 0; j < d; ++j) covariance[i][j] += missing * v[i] * v[j];
    }
  }
}

/// The M-step of one component: the mean and the covariance of all examples, weighted by the
/// responsibilities in column k. Returns their sum.
double fit_part(const Examples& rows, const Matrix& responsibilities, int64_t k,
                MultivariateGaussian& part) {
  const int64_t d = rows.features;
  double total = 0;
  Vector sums(static_cast<size_t>(d));
  for (int64_t i = 0; i < rows.count; ++i) {
    const double r = responsibilities[i][k];
    total += r;
    for (int64_t j = 0; j < d; ++j) sums.data()[j] += r * rows[i][j];
  }
  if (total == 0) return 0;  // every r underflowed: the component keeps its shape and gets weight 0
  for (int64_t j = 0; j < d; ++j) part.mean.data()[j] = sums.data()[j] / total;

  Matrix scatter(d, d);
  Vector centred(static_cast<size_t>(d));
  for (int64_t i = 0; i < rows.count; ++i) {
    const double r = responsibilities[i][k];
    if (r < 1e-300) continue;  // products with denormal numbers are slow
    for (int64_t j = 0; j < d; ++j) centred.data()[j] = rows[i][j] - part.mean.data()[j];
    for (int64_t a = 0; a < d; ++a) {
      const double factor = r * centred.data()[a];
      for (int64_t b = 0; b <= a; ++b) scatter[a][b] += factor * centred.data()[b];
    }
  }
  for (int64_t a = 0; a < d; ++a) {
    for (int64_t b = 0; b <= a; ++b) {
      part.covariance[a][b] = part.covariance[b][a] = scatter[a][b] / total;
    }
  }
  return total;
}

void check_minimum_variance(const char* op, double minimum_variance, SourceLoc loc) {
  if (minimum_variance > 0 && std::isfinite(minimum_variance)) return;
  fail(op, "minimum_variance out of range",
       {"found " + std::to_string(minimum_variance) + ", expected a number above 0"}, loc);
}

/// Fits the parts and weights to given responsibilities.
void maximise(const Examples& rows, const Matrix& responsibilities, double minimum_variance,
              GaussianMixture& mixture, SourceLoc loc) {
#pragma omp parallel for schedule(dynamic)
  for (int64_t k = 0; k < mixture.components(); ++k) {
    const double total = fit_part(rows, responsibilities, k, mixture.parts.data()[k]);
    mixture.weights.data()[k] = total / static_cast<double>(rows.count);
  }
  for (MultivariateGaussian& part : mixture.parts) {
    bound_below(part.covariance, minimum_variance, loc);
  }
}

}  // namespace

Matrix GaussianMixture::log_joint(const Tensor& x, SourceLoc loc) const {
  check_mixture("log_joint", *this, loc);
  return log_joint_of(*this, examples("log_joint", x, dimensions(), loc), loc);
}

Vector GaussianMixture::log_density(const Tensor& x, SourceLoc loc) const {
  const Matrix joint = log_joint(x, loc);
  Vector result;
  for (int64_t i = 0; i < joint.rows; ++i) {
    result.push_back(log_sum_exp(joint[i], joint.columns));
  }
  return result;
}

Tensor GaussianMixture::sample(int64_t n, Random& random, SourceLoc loc) const {
  check_mixture("sample", *this, loc);
  const int64_t d = dimensions();
  std::vector<std::vector<int64_t>> rows(parts.size());  // of each component
  for (int64_t i = 0; i < n; ++i) {
    double rest = random.uniform();
    size_t k = 0;
    while (k + 1 < parts.size() && rest >= weights[k]) rest -= weights[k++];
    while (weights[k] == 0 && k > 0) --k;  // the weights' sum may be rounded below 1
    rows[k].push_back(i);
  }
  const Tensor x = Tensor::empty({n, d});
  Scalar* out = x.mutable_data();
  for (size_t k = 0; k < parts.size(); ++k) {
    const int64_t count = static_cast<int64_t>(rows[k].size());
    if (count == 0) continue;
    const Tensor drawn = parts[k].sample(count, random, loc);
    for (int64_t i = 0; i < count; ++i) {
      std::copy_n(drawn.data() + i * d, d, out + rows[k].data()[i] * d);
    }
  }
  return x;
}

GaussianMixture GaussianMixture::conditional(const std::vector<int64_t>& given,
                                             const Vector& values, SourceLoc loc) const {
  check_mixture("conditional", *this, loc);
  GaussianMixture result;
  Vector log_weights;
  for (size_t k = 0; k < parts.size(); ++k) {
    result.parts.push_back(parts[k].conditional(given, values, loc));
    log_weights.push_back(std::log(weights[k]) + parts[k].marginal(given, loc).log_density(values));
  }
  const double total = log_sum_exp(log_weights.data(), components());
  for (const double log_weight : log_weights) {
    result.weights.push_back(std::exp(log_weight - total));
  }
  return result;
}

Vector GaussianMixture::mean() const {
  Vector result(parts.front().mean.size());
  for (size_t k = 0; k < parts.size(); ++k) {
    for (size_t j = 0; j < result.size(); ++j) result[j] += weights[k] * parts[k].mean[j];
  }
  return result;
}

GaussianMixture merge(const std::vector<GaussianMixture>& mixtures, const Vector& weights,
                      SourceLoc loc) {
  if (mixtures.empty() || mixtures.size() != weights.size()) {
    fail("merge", "one weight for each mixture, and at least one mixture, expected",
         {"found " + std::to_string(mixtures.size()) + " mixtures and " +
          std::to_string(weights.size()) + " weights"},
         loc);
  }
  GaussianMixture result;
  for (size_t m = 0; m < mixtures.size(); ++m) {
    for (size_t k = 0; k < mixtures[m].parts.size(); ++k) {
      result.parts.push_back(mixtures[m].parts[k]);
      result.weights.push_back(weights[m] * mixtures[m].weights[k]);
    }
  }
  return result;
}

double em_step(const Tensor& x, GaussianMixture& mixture, double minimum_variance, SourceLoc loc) {
  check_mixture("em_step", mixture, loc);
  check_minimum_variance("em_step", minimum_variance, loc);
  const Examples rows = examples("em_step", x, mixture.dimensions(), loc);
  Matrix r = log_joint_of(mixture, rows, loc);
  double log_likelihood = 0;
  for (int64_t i = 0; i < r.rows; ++i) {
    const double log_p = log_sum_exp(r[i], r.columns);
    for (int64_t k = 0; k < r.columns; ++k) r[i][k] = std::exp(r[i][k] - log_p);
    log_likelihood += log_p;
  }
  maximise(rows, r, minimum_variance, mixture, loc);
  return log_likelihood / static_cast<double>(rows.count);
}

FittedMixture fit_mixture(const Tensor& x, GaussianMixture start, const MixtureOptions& options,
                          SourceLoc loc) {
  FittedMixture fitted{std::move(start), {}};
  Vector& history = fitted.log_likelihood;
  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    GaussianMixture next = fitted.mixture;
    history.push_back(em_step(x, next, options.minimum_variance, loc));
    const size_t n = history.size();
    if (n > 1 && history[n - 1] - history[n - 2] < options.tolerance) return fitted;
    fitted.mixture = std::move(next);
  }
  const Vector last = fitted.mixture.log_density(x, loc);
  double sum = 0;
  for (const double value : last) sum += value;
  history.push_back(sum / static_cast<double>(last.size()));
  return fitted;
}

FittedMixture fit_mixture(const Tensor& x, int64_t components, Random& random,
                          const MixtureOptions& options, SourceLoc loc) {
  check_minimum_variance("fit_mixture", options.minimum_variance, loc);
  const KMeans clusters = k_means(x, components, random, {.tolerance = 1e-4}, loc);
  const Examples rows = examples("fit_mixture", x, loc);
  Matrix in_cluster(rows.count, components);
  for (int64_t i = 0; i < rows.count; ++i) in_cluster[i][clusters.clusters.data()[i]] = 1;

  GaussianMixture start;
  start.weights.resize(static_cast<size_t>(components));
  for (int64_t k = 0; k < components; ++k) {
    // What a cluster without examples keeps.
    const double* centre = clusters.centres[k];
    start.parts.push_back(
        {Vector(centre, centre + rows.features), Matrix(rows.features, rows.features)});
  }
  maximise(rows, in_cluster, options.minimum_variance, start, loc);
  return fit_mixture(x, std::move(start), options, loc);
}

}  // namespace forger::models
