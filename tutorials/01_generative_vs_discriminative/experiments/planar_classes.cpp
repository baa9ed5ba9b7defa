#include "planar_classes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace forger::generative {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int64_t kNodes = 100;  // of the quadrature along a half circle

using Point = std::array<double, 2>;

template <class Draw>
LabelledPoints draw_points(int64_t n, const Draw& draw) {
  std::vector<Scalar> values;
  LabelledPoints points;
  for (int64_t i = 0; i < n; ++i) {
    points.labels.push_back(static_cast<int>(i % 2));
    for (const double value : draw(points.labels.back())) {
      values.push_back(static_cast<Scalar>(value));
    }
  }
  points.x = Tensor::from({n, 2}, values);
  return points;
}

/// Returns the distribution function of the standard normal distribution.
double phi(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

/// Returns a point of a moon at an angle from 0 to pi, without noise.
Point on_moon(int label, double angle) {
  const double x = std::cos(angle) - 0.5, y = std::sin(angle) - 0.25;
  return label == 0 ? Point{x, y} : Point{-x, -y};
}

/// Returns p(x | label).
double moon_density(int label, const Point& x) {
  constexpr double kVariance = kMoonNoise * kMoonNoise;
  double sum = 0;
  for (int64_t i = 0; i < kNodes; ++i) {
    const Point p = on_moon(label, kPi * (static_cast<double>(i) + 0.5) / kNodes);
    const double dx = x[0] - p[0], dy = x[1] - p[1];
    sum += std::exp(-(dx * dx + dy * dy) / (2 * kVariance));
  }
  return sum / (kNodes * 2 * kPi * kVariance);
}

}  // namespace

LabelledPoints two_gaussians(int64_t n, Random& random) {
  return draw_points(n, [&](int label) {
    const double a = random.normal(), b = random.normal();
    return Point{a + (label == 1 ? kHalfDistance : -kHalfDistance),
                 kCorrelation * a + std::sqrt(1 - kCorrelation * kCorrelation) * b};
  });
}

models::Vector posterior_of_two_gaussians(const Tensor& x) {
  // The log odds are w . x with w = S^-1 (m_1 - m_0), and 0 at the origin.
  constexpr double kDeterminant = 1 - kCorrelation * kCorrelation;
  constexpr double w[2] = {2 * kHalfDistance / kDeterminant,
                           -kCorrelation * 2 * kHalfDistance / kDeterminant};
  models::Vector posterior;
  for (int64_t i = 0; i < x.shape()[0]; ++i) {
    const double log_odds = w[0] * x.data()[2 * i] + w[1] * x.data()[2 * i + 1];
    posterior.push_back(1 / (1 + std::exp(-log_odds)));
  }
  return posterior;
}

double best_error_of_two_gaussians() {
  return phi(-kHalfDistance / std::sqrt(1 - kCorrelation * kCorrelation));
}

double naive_error_of_two_gaussians() { return phi(-kHalfDistance); }

LabelledPoints labelled_moons(int64_t n, Random& random) {
  return draw_points(n, [&](int label) {
    const Point p = on_moon(label, random.uniform(0, kPi));
    const double a = random.normal(), b = random.normal();
    return Point{p[0] + kMoonNoise * a, p[1] + kMoonNoise * b};
  });
}

models::Vector posterior_of_moons(const Tensor& x) {
  models::Vector posterior;
  for (int64_t i = 0; i < x.shape()[0]; ++i) {
    const Point at = {x.data()[2 * i], x.data()[2 * i + 1]};
    const double upper = moon_density(0, at), lower = moon_density(1, at);
    // Far from both moons, where the densities underflow, neither is more probable.
    posterior.push_back(upper + lower > 0 ? lower / (upper + lower) : 0.5);
  }
  return posterior;
}

double best_error_of_moons() {
  constexpr double kReach = 3, kCell = 0.05;  // beyond lies less than 1e-6 of the probability
  constexpr auto kCells = static_cast<int64_t>(2 * kReach / kCell);
  double sum = 0;
  for (int64_t row = 0; row < kCells; ++row) {
    for (int64_t column = 0; column < kCells; ++column) {
      const Point x = {(static_cast<double>(column) + 0.5) * kCell - kReach,
                       (static_cast<double>(row) + 0.5) * kCell - kReach};
      sum += std::min(moon_density(0, x), moon_density(1, x));
    }
  }
  return sum * kCell * kCell / 2;
}

}  // namespace forger::generative
