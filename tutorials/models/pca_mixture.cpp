#include "tutorials/models/pca_mixture.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "autograd/error.h"

namespace forger::models {
namespace {

void check_noise(const char* op, const Pca& pca, SourceLoc loc) {
  if (pca.noise_variance > 0) return;
  fail(op, "the principal components leave no variance to the noise",
       {"found " + std::to_string(pca.components.shape()[0]) + " components of " +
            std::to_string(pca.components.shape()[1]) + " features",
        "expected fewer components than the examples have directions"},
       loc);
}

/// Infers z from the observed pixels o of an image.
///
/// In component k, z = m + L u with L L^T = S - s^2 I and u ~ N(0, I). The observed pixels are then
///
///     x_o = mean_o + V_o^T (m + L u) + e,
///
/// which is linear in u with Gaussian noise. With M = V_o V_o^T and t = V_o (x_o - mean_o), the
/// distribution of u given x_o is N(P^-1 b, P^-1), where (Bishop 2006, section 2.3.3)
///
///     P = I + L^T M L / s^2,  b = L^T (t - M m) / s^2.
///
/// By the matrix determinant lemma and Woodbury's identity, the density of the observed pixels is
///
///     log p(x_o) = -(|o| log(2 pi s^2) + log det P + |x_o - mean_o - V_o^T m|^2 / s^2
///                    - b^T P^-1 b) / 2.
///
/// So no matrix is larger than k x k, and only t and |x_o - mean_o|^2 depend on the image.
class Inference {
 public:
  Inference(const char* op, const PcaMixture& model, const std::vector<bool>& observed,
            SourceLoc loc)
      : model_(model),
        k_(model.pca.components.shape()[0]),
        d_(model.pca.components.shape()[1]),
        noise_(model.pca.noise_variance) {
    check_noise(op, model.pca, loc);
    if (!observed.empty() && static_cast<int64_t>(observed.size()) != d_) {
      fail(op, "one element of `observed` for each pixel expected",
           {"found " + std::to_string(observed.size()) + " for " + std::to_string(d_) + " pixels"},
           loc);
    }
    for (int64_t j = 0; j < d_; ++j) {
      const bool seen = observed.empty() || observed[static_cast<size_t>(j)];
      (seen ? observed_ : hidden_).push_back(j);
    }
    Matrix gram(k_, k_);
    for (int64_t a = 0; a < k_; ++a) {
      for (int64_t b = 0; b < k_; ++b) {
        for (const int64_t j : observed_) gram[a][b] += direction(a, j) * direction(b, j);
      }
    }
    for (int64_t c = 0; c < model.mixture.components(); ++c) {
      parts_.push_back(prepare(op, model.mixture.parts.data()[c], gram, loc));
      parts_.back().log_constant += std::log(model.mixture.weights.data()[c]);
    }
  }

  int64_t latents() const { return k_; }
  int64_t components() const { return static_cast<int64_t>(parts_.size()); }

  /// What the observed pixels of one image say about each component.
  struct Posterior {
    Vector log_joint;  // [components]: log(weight p(x_o | component))
    Matrix latent;     // [components, k]: P^-1 b
  };
  Posterior infer(const Scalar* x) const {
    Vector t(static_cast<size_t>(k_));
    double squares = 0;  // |x_o - mean_o|^2
    const Scalar* mean = model_.pca.mean.data();
    for (const int64_t j : observed_) {
      const double difference = x[j] - mean[j];
      squares += difference * difference;
    }
    for (int64_t a = 0; a < k_; ++a) {
      for (const int64_t j : observed_) t.data()[a] += direction(a, j) * (x[j] - mean[j]);
    }
    Posterior posterior{Vector(parts_.size()), Matrix(components(), k_)};
    for (int64_t c = 0; c < components(); ++c) {
      const Part& part = parts_.data()[c];
      double* b = posterior.latent[c];
      double residual = squares + part.mean_square;  // |x_o - mean_o - V_o^T m|^2
      for (int64_t a = 0; a < k_; ++a) residual -= 2 * part.mean.data()[a] * t.data()[a];
      for (int64_t e = 0; e < k_; ++e) {
        for (int64_t a = 0; a < k_; ++a) {
          b[e] += part.loading[e][a] * (t.data()[a] - part.seen_mean.data()[a]) / noise_;
        }
      }
      solve_lower(part.root, b);
      double explained = 0;  // b^T P^-1 b
      for (int64_t e = 0; e < k_; ++e) explained += b[e] * b[e];
      solve_lower_transposed(part.root, b);
      posterior.log_joint.data()[c] = part.log_constant - 0.5 * (residual / noise_ - explained);
    }
    return posterior;
  }

  /// Adds weight (m + L u) to z.
  void add_latent(int64_t component, const double* u, double weight, Vector& z) const {
    const Part& part = parts_.data()[component];
    for (int64_t a = 0; a < k_; ++a) {
      double value = part.mean.data()[a];
      for (int64_t e = 0; e < k_; ++e) value += part.loading[e][a] * u[e];
      z.data()[a] += weight * value;
    }
  }

  /// Replaces standard normal numbers by a sample of N(0, P^-1).
  void shape_noise(int64_t component, double* u) const {
    solve_lower_transposed(parts_.data()[component].root, u);
  }

  /// Writes mean + V^T z to the hidden pixels of x.
  void write_hidden(const Vector& z, Scalar* x) const {
    for (const int64_t j : hidden_) {
      double value = model_.pca.mean.data()[j];
      for (int64_t a = 0; a < k_; ++a) value += direction(a, j) * z.data()[a];
      x[j] = static_cast<Scalar>(value);
    }
  }
  const std::vector<int64_t>& hidden() const { return hidden_; }

 private:
  /// A component of the mixture.
  struct Part {
    Vector mean;          // m
    Vector seen_mean;     // M m
    double mean_square;   // m^T M m
    Matrix loading;       // L^T
    Matrix root;          // lower triangular, root root^T = P
    double log_constant;  // log weight - (|o| log(2 pi s^2) + log det P) / 2
  };

  double direction(int64_t a, int64_t j) const { return model_.pca.components.data()[a * d_ + j]; }

  Part prepare(const char* op, const MultivariateGaussian& gaussian, const Matrix& gram,
               SourceLoc loc) const {
    Part part{gaussian.mean, Vector(static_cast<size_t>(k_)), 0, Matrix(k_, k_), {}, 0};
    for (int64_t a = 0; a < k_; ++a) {
      for (int64_t b = 0; b < k_; ++b) {
        part.seen_mean.data()[a] += gram[a][b] * part.mean.data()[b];
      }
      part.mean_square += part.mean.data()[a] * part.seen_mean.data()[a];
    }
    // With S = U D U^T, L = U (D - s^2 I)^(1/2).
    const SymmetricEigen eigen = symmetric_eigen(gaussian.covariance, loc);
    const double least = eigen.values.back();
    if (least < noise_ * (1 - 1e-6)) {  // apart from rounding
      fail(op, "a component of the mixture has less variance than the noise in some direction",
           {"found " + std::to_string(least) + ", expected at least " + std::to_string(noise_)},
           loc);
    }
    for (int64_t e = 0; e < k_; ++e) {
      const double scale = std::sqrt(std::max(0.0, eigen.values.data()[e] - noise_));
      for (int64_t a = 0; a < k_; ++a) part.loading[e][a] = scale * eigen.vectors[e][a];
    }
    Matrix precision(k_, k_);
    for (int64_t e = 0; e < k_; ++e) {
      Vector seen(static_cast<size_t>(k_));  // row e of L^T M
      for (int64_t a = 0; a < k_; ++a) {
        for (int64_t b = 0; b < k_; ++b) seen.data()[b] += part.loading[e][a] * gram[a][b];
      }
      for (int64_t f = 0; f < k_; ++f) {
        precision[e][f] = e == f ? 1 : 0;
        for (int64_t b = 0; b < k_; ++b) {
          precision[e][f] += seen.data()[b] * part.loading[f][b] / noise_;
        }
      }
    }
    part.root = cholesky(precision, loc);
    part.log_constant =
        -0.5 * (static_cast<double>(observed_.size()) * std::log(2 * std::numbers::pi * noise_) +
                log_determinant(part.root));
    return part;
  }

  const PcaMixture& model_;
  int64_t k_, d_;
  double noise_;  // s^2
  std::vector<int64_t> observed_, hidden_;
  std::vector<Part> parts_;
};

}  // namespace

Vector PcaMixture::log_density(const Tensor& x, const std::vector<bool>& observed,
                               SourceLoc loc) const {
  const Examples rows = examples("log_density", x, pca.mean.numel(), loc);
  const Inference inference("log_density", *this, observed, loc);
  Vector result(static_cast<size_t>(rows.count));
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t i = 0; i < rows.count; ++i) {
    const Inference::Posterior posterior = inference.infer(rows[i]);
    result.data()[i] = log_sum_exp(posterior.log_joint.data(), inference.components());
  }
  return result;
}

Tensor PcaMixture::conditional_mean(const Tensor& x, const std::vector<bool>& observed,
                                    SourceLoc loc) const {
  const Examples rows = examples("conditional_mean", x, pca.mean.numel(), loc);
  const Inference inference("conditional_mean", *this, observed, loc);
  const Tensor filled = x.detach().clone(loc);
  Scalar* out = filled.mutable_data();
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t i = 0; i < rows.count; ++i) {
    const Inference::Posterior posterior = inference.infer(rows[i]);
    const double total = log_sum_exp(posterior.log_joint.data(), inference.components());
    Vector z(static_cast<size_t>(inference.latents()));
    for (int64_t c = 0; c < inference.components(); ++c) {
      const double responsibility = std::exp(posterior.log_joint.data()[c] - total);
      if (responsibility > 0) inference.add_latent(c, posterior.latent[c], responsibility, z);
    }
    inference.write_hidden(z, out + i * rows.features);
  }
  return filled;
}

Tensor PcaMixture::conditional_sample(const Tensor& x, const std::vector<bool>& observed,
                                      Random& random, bool with_noise, SourceLoc loc) const {
  const Examples rows = examples("conditional_sample", x, pca.mean.numel(), loc);
  const Inference inference("conditional_sample", *this, observed, loc);
  const int64_t k = inference.latents();
  const Tensor choice = random.uniform({rows.count}), normals = random.normal({rows.count, k});
  const Tensor noise =
      with_noise ? random.normal({rows.count, rows.features}, 0, std::sqrt(pca.noise_variance))
                 : Tensor::zeros({rows.count, rows.features});
  const Tensor filled = x.detach().clone(loc);
  Scalar* out = filled.mutable_data();
#pragma omp parallel for schedule(dynamic, 16)
  for (int64_t i = 0; i < rows.count; ++i) {
    const Inference::Posterior posterior = inference.infer(rows[i]);
    const double total = log_sum_exp(posterior.log_joint.data(), inference.components());
    int64_t component = 0;
    double rest = choice.data()[i];
    for (int64_t c = 0; c < inference.components(); ++c) {
      const double responsibility = std::exp(posterior.log_joint.data()[c] - total);
      if (responsibility == 0) continue;
      component = c;
      rest -= responsibility;
      if (rest < 0) break;
    }
    Vector u(normals.data() + i * k, normals.data() + (i + 1) * k);
    inference.shape_noise(component, u.data());
    for (int64_t e = 0; e < k; ++e) u.data()[e] += posterior.latent[component][e];
    Vector z(static_cast<size_t>(k));
    inference.add_latent(component, u.data(), 1, z);
    Scalar* image = out + i * rows.features;
    inference.write_hidden(z, image);
    for (const int64_t j : inference.hidden()) image[j] += noise.data()[i * rows.features + j];
  }
  return filled;
}

Tensor PcaMixture::sample(int64_t n, Random& random, bool with_noise, SourceLoc loc) const {
  // Nothing is observed, so that the conditional distribution is that of the model.
  const int64_t d = pca.mean.numel();
  return conditional_sample(Tensor::zeros({n, d}), std::vector<bool>(static_cast<size_t>(d), false),
                            random, with_noise, loc);
}

PcaMixture fit_pca_mixture(const Tensor& x, const Pca& pca, int64_t components, Random& random,
                           MixtureOptions options, SourceLoc loc) {
  check_noise("fit_pca_mixture", pca, loc);
  options.minimum_variance = std::max(options.minimum_variance, pca.noise_variance);
  return {pca, fit_mixture(pca.project(x, loc), components, random, options, loc).mixture};
}

}  // namespace forger::models
