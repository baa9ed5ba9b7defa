#include "tutorials/models/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

namespace forger::models {
namespace {

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest_magnitude(const Vector& a) {
  double largest = 0;
  for (const double value : a) largest = std::max(largest, std::abs(value));
  return largest;
}

/// What one step taught about the curvature: the gradient changed by y along s.
struct Pair {
  Vector s, y;
  double sy;  // <s, y>, above 0
};

/// Returns -H g by the two loops of algorithm 7.4.
Vector direction(const Vector& g, const std::deque<Pair>& pairs) {
  Vector q = g;
  Vector alpha(pairs.size());
  for (size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = dot(pairs[i].s, q) / pairs[i].sy;
    for (size_t j = 0; j < q.size(); ++j) q[j] -= alpha[i] * pairs[i].y[j];
  }
  // The first guess of H is a multiple of the identity: the last step's inverse curvature.
  const double scale = pairs.empty() ? 1 / std::sqrt(dot(g, g))
                                     : pairs.back().sy / dot(pairs.back().y, pairs.back().y);
  for (double& value : q) value *= scale;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const double beta = dot(pairs[i].y, q) / pairs[i].sy;
    for (size_t j = 0; j < q.size(); ++j) q[j] += (alpha[i] - beta) * pairs[i].s[j];
  }
  for (double& value : q) value = -value;
  return q;
}

}  // namespace

Minimum minimise(const Objective& f, Vector x, const LbfgsOptions& options) {
  constexpr double kSufficientDecrease = 1e-4;  // of the decrease that the slope predicts
  constexpr int kHalvings = 20;
  Vector g(x.size()), new_g(x.size());
  double value = f(x, g);
  Minimum minimum{std::move(x), {value}};
  std::deque<Pair> pairs;
  for (int64_t k = 0; k < options.iterations && largest_magnitude(g) > options.tolerance; ++k) {
    const Vector p = direction(g, pairs);
    const double slope = dot(g, p);
    Vector new_x = minimum.x;
    double new_value = value, length = 1;
    bool lower = false;
    for (int halving = 0; halving < kHalvings && !lower; ++halving, length /= 2) {
      for (size_t j = 0; j < p.size(); ++j) new_x[j] = minimum.x[j] + length * p[j];
      new_value = f(new_x, new_g);
      lower = new_value <= value + kSufficientDecrease * length * slope;
    }
    if (!lower) break;

    Pair pair{new_x, new_g, 0};
    for (size_t j = 0; j < g.size(); ++j) {
      pair.s[j] -= minimum.x[j];
      pair.y[j] -= g[j];
    }
    pair.sy = dot(pair.s, pair.y);
    // H stays positive definite only with pairs of positive curvature.
    if (pair.sy > 1e-10 * dot(pair.y, pair.y)) pairs.push_back(std::move(pair));
    if (static_cast<int64_t>(pairs.size()) > options.memory) pairs.pop_front();
    minimum.x = std::move(new_x);
    std::swap(g, new_g);
    value = new_value;
    minimum.values.push_back(value);
  }
  return minimum;
}

}  // namespace forger::models
