#include "tutorials/models/k_means.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "autograd/error.h"
#include "autograd/ops.h"

namespace forger::models {
namespace {

void check_clusters(const char* op, int64_t k, int64_t n, SourceLoc loc) {
  if (k >= 1 && k <= n) return;
  fail(op, "the number of clusters is out of range",
       {"found " + std::to_string(k) + ", expected 1 to the number of examples, " +
        std::to_string(n)},
       loc);
}

void copy_row(const Scalar* from, int64_t n, double* to) { std::copy(from, from + n, to); }

/// Returns for each example x the nearest centre c, by the products <x, c - m> with the centres'
/// mean m. |x - c|^2 is |c - m|^2 - 2 <x - m, c - m> up to a constant. The products are a matrix
/// product in float32, so two centres that are almost equally near may be exchanged.
std::vector<int> nearest_centres(const Tensor& x, const Matrix& centres) {
  const int64_t d = centres.columns;
  Vector mean(static_cast<size_t>(d)), offset(static_cast<size_t>(centres.rows));
  for (int64_t k = 0; k < centres.rows; ++k) {
    for (int64_t j = 0; j < d; ++j) {
      mean.data()[j] += centres[k][j] / static_cast<double>(centres.rows);
    }
  }
  const Tensor shifted = Tensor::empty({centres.rows, d});
  Scalar* c = shifted.mutable_data();
  for (int64_t k = 0; k < centres.rows; ++k) {
    for (int64_t j = 0; j < d; ++j, ++c) {
      *c = static_cast<Scalar>(centres[k][j] - mean.data()[j]);
      offset.data()[k] += *c * (*c + 2 * mean.data()[j]);
    }
  }
  const Tensor products = matmul(x.detach(), shifted, {.transpose_b = true});
  std::vector<int> nearest(static_cast<size_t>(x.shape()[0]));
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.shape()[0]; ++i) {
    const Scalar* row = products.data() + i * centres.rows;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t k = 0; k < centres.rows; ++k) {
      const double score = offset.data()[k] - 2.0 * row[k];
      if (score < least) {
        least = score;
        nearest.data()[i] = static_cast<int>(k);
      }
    }
  }
  return nearest;
}

/// Moves each example to the nearest centre and computes the squared distances in double. An
/// example leaves its cluster only for a centre that is nearer by these distances, so the inertia
/// cannot rise by the rounding of nearest_centres(). Returns true if an example has moved.
bool assign(const Tensor& x, const Examples& rows, KMeans& model, Vector& distances) {
  const std::vector<int> nearest = nearest_centres(x, model.centres);
  std::vector<char> moved(nearest.size());
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < rows.count; ++i) {
    int& cluster = model.clusters.data()[i];
    const int candidate = nearest.data()[i];
    double distance = squared_distance(rows[i], model.centres[cluster], rows.features);
    if (candidate != cluster) {
      const double other = squared_distance(rows[i], model.centres[candidate], rows.features);
      if (other < distance) {
        distance = other;
        cluster = candidate;
        moved.data()[i] = 1;
      }
    }
    distances.data()[i] = distance;
  }
  return std::find(moved.begin(), moved.end(), 1) != moved.end();
}

/// Moves each centre to the mean of its examples. A thread owns some of the columns.
void move_centres(const Examples& rows, KMeans& model, Vector& distances) {
  constexpr int64_t kColumns = 64;
  Vector counts(static_cast<size_t>(model.centres.rows));
  for (const int cluster : model.clusters) ++counts.data()[cluster];
  std::fill(model.centres.values.begin(), model.centres.values.end(), 0.0);
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < rows.features; first += kColumns) {
    const int64_t last = std::min(rows.features, first + kColumns);
    for (int64_t i = 0; i < rows.count; ++i) {
      double* centre = model.centres[model.clusters.data()[i]];
      for (int64_t j = first; j < last; ++j) centre[j] += rows[i][j];
    }
  }
  for (int64_t k = 0; k < model.centres.rows; ++k) {
    double* centre = model.centres[k];
    if (const double count = counts.data()[k]; count > 0) {
      for (int64_t j = 0; j < rows.features; ++j) centre[j] /= count;
    } else {
      const auto farthest = std::max_element(distances.begin(), distances.end());
      copy_row(rows[farthest - distances.begin()], rows.features, centre);
      *farthest = 0;  // the next empty cluster takes another example
    }
  }
}

}  // namespace

std::vector<int> KMeans::predict(const Tensor& x, SourceLoc loc) const {
  examples("predict", x, centres.columns, loc);
  return nearest_centres(x, centres);
}

Matrix random_centres(const Tensor& x, int64_t k, Random& random, SourceLoc loc) {
  const Examples rows = examples("random_centres", x, loc);
  check_clusters("random_centres", k, rows.count, loc);
  const std::vector<int64_t> order = random.permutation(rows.count);
  Matrix centres(k, rows.features);
  for (int64_t c = 0; c < k; ++c) copy_row(rows[order.data()[c]], rows.features, centres[c]);
  return centres;
}

Matrix plus_plus_centres(const Tensor& x, int64_t k, Random& random, SourceLoc loc) {
  const Examples rows = examples("plus_plus_centres", x, loc);
  check_clusters("plus_plus_centres", k, rows.count, loc);
  Matrix centres(k, rows.features);
  Vector nearest(static_cast<size_t>(rows.count), std::numeric_limits<double>::infinity());
  int64_t chosen = random.below(rows.count);
  for (int64_t c = 0; c < k; ++c) {
    copy_row(rows[chosen], rows.features, centres[c]);
    if (c + 1 == k) break;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows.count; ++i) {
      double& distance = nearest.data()[i];
      distance = std::min(distance, squared_distance(rows[i], centres[c], rows.features));
    }
    double total = 0;
    for (const double distance : nearest) total += distance;
    // The example whose interval of the running sum holds a point drawn from [0, total). If all
    // distances are 0, fewer than k examples differ, and any will do.
    double rest = total * random.uniform();
    if (total == 0) {
      chosen = random.below(rows.count);
      continue;
    }
    for (int64_t i = 0; i < rows.count; ++i) {
      if (nearest.data()[i] == 0) continue;  // a centre already, or equal to one
      chosen = i;
      rest -= nearest.data()[i];
      if (rest < 0) break;
    }
  }
  return centres;
}

KMeans k_means(const Tensor& x, Matrix centres, const KMeansOptions& options, SourceLoc loc) {
  const Examples rows = examples("k_means", x, centres.columns, loc);
  check_clusters("k_means", centres.rows, rows.count, loc);
  if (options.iterations < 1) {
    fail("k_means", "iterations out of range",
         {"found " + std::to_string(options.iterations) + ", expected at least 1"}, loc);
  }
  KMeans model{std::move(centres), {}, {}};
  model.clusters = nearest_centres(x, model.centres);
  Vector distances(static_cast<size_t>(rows.count));
  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    const bool moved = assign(x, rows, model, distances);
    double inertia = 0;
    for (const double distance : distances) inertia += distance;
    const double before =
        iteration == 0 ? std::numeric_limits<double>::infinity() : model.inertia.back();
    model.inertia.push_back(inertia);
    // The first assignment was made above, so that it never counts as a move.
    const bool settled = iteration > 0 && !moved;
    if (settled || before - inertia < options.tolerance * inertia) break;
    if (iteration + 1 < options.iterations) move_centres(rows, model, distances);
  }
  return model;
}

KMeans k_means(const Tensor& x, int64_t k, Random& random, const KMeansOptions& options,
               SourceLoc loc) {
  return k_means(x, plus_plus_centres(x, k, random, loc), options, loc);
}

}  // namespace forger::models
