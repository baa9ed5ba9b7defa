#include "nn/data/toy2d.h"

#include <cmath>
#include <cstdint>
#include <numbers>

#include "autograd/error.h"

namespace forger::nn {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int64_t kCurveMeans = 2048;  // of a curve's density; an even number, for two moons

using Point = std::array<double, 2>;

/// The checks of the parameters. `op` is the distribution's name.
struct Checked {
  const char* op;
  SourceLoc loc;

  void count(const char* name, int64_t value, int64_t least, int64_t most = kMost) const {
    if (value >= least && value <= most) return;
    fail(op,
         std::string(name) + " must be " + std::to_string(least) + " to " + std::to_string(most),
         {"found " + std::to_string(value)}, loc);
  }
  void finite(const char* name, double value) const {
    if (std::isfinite(value)) return;
    fail(op, std::string(name) + " must be finite", {"found " + std::to_string(value)}, loc);
  }
  void deviation(const char* name, double value) const {
    if (std::isfinite(value) && value >= 0) return;
    fail(op, std::string(name) + " must be finite and not negative",
         {"found " + std::to_string(value)}, loc);
  }

  static constexpr int64_t kMost = int64_t{1} << 40;  // more points than any memory holds
};

/// Returns [n, 2] with the rows point(0), point(1), ...
template <class MakePoint>
Tensor make_points(const Checked& checked, int64_t n, const MakePoint& point) {
  checked.count("n", n, 0);
  Tensor x = Tensor::empty({n, 2});
  Scalar* out = x.mutable_data();
  for (int64_t i = 0; i < n; ++i) {
    const Point p = point(i);
    *out++ = static_cast<Scalar>(p[0]);
    *out++ = static_cast<Scalar>(p[1]);
  }
  return x;
}

/// Adds normal noise to p. The two draws are statements because their order matters.
Point with_noise(const Point& p, double stddev, Random& random) {
  const double dx = random.normal(), dy = random.normal();
  return {p[0] + stddev * dx, p[1] + stddev * dy};
}

/// Draws from a mixture of equal Gaussians around centres [modes, 2].
Tensor mixture(const Checked& checked, int64_t n, Random& random, const Tensor& centres,
               double stddev) {
  checked.deviation("stddev", stddev);
  return make_points(checked, n, [&](int64_t) {
    const int64_t mode = random.below(centres.shape()[0]);
    return with_noise({centres.at({mode, 0}), centres.at({mode, 1})}, stddev, random);
  });
}

Point on_circle(double radius, double angle) {
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

Tensor ring(const Checked& checked, int64_t modes, double radius) {
  checked.count("modes", modes, 1);
  checked.finite("radius", radius);
  return make_points(checked, modes, [&](int64_t mode) {
    return on_circle(radius, 2 * kPi * static_cast<double>(mode) / static_cast<double>(modes));
  });
}

Tensor grid(const Checked& checked, int64_t side, double spacing) {
  checked.count("side", side, 1, int64_t{1} << 20);
  checked.finite("spacing", spacing);
  const double middle = static_cast<double>(side - 1) / 2;
  return make_points(checked, side * side, [&](int64_t mode) {
    return Point{spacing * (static_cast<double>(mode % side) - middle),
                 spacing * (static_cast<double>(mode / side) - middle)};
  });
}

// The curves take a number from 0 to 1 to a point, at equal probability for equal steps.

Point on_line(double u, double length) {
  return {0.8 * length * (u - 0.5), 0.6 * length * (u - 0.5)};
}

Point on_moon(bool lower, double angle) {
  const Point p = on_circle(1, angle);
  // The lower moon is the upper one, rotated by 180 degrees about (0.5, 0.25). Both are centred.
  const Point moon = lower ? Point{1 - p[0], 0.5 - p[1]} : p;
  return {moon[0] - 0.5, moon[1] - 0.25};
}

Point on_spiral(double u, double turns) {
  // The root spreads the points evenly along the arm: its length grows with the squared radius.
  const double t = std::sqrt(u);
  return on_circle(2 * t, 2 * kPi * turns * t);
}

Toy2d mixture_target(const std::string& name, Tensor (*sample)(int64_t, Random&),
                     const Tensor& centres, double stddev, double half_width) {
  return {name, sample, centres, centres, stddev, half_width};
}

Toy2d curve_target(const std::string& name, Tensor (*sample)(int64_t, Random&),
                   Point (*curve)(double u), double half_width) {
  const Tensor means = make_points({"toy2d", {}}, kCurveMeans, [&](int64_t i) {
    return curve((static_cast<double>(i) + 0.5) / static_cast<double>(kCurveMeans));
  });
  return {name, sample, {}, means, kCurveNoise, half_width};
}

}  // namespace

Tensor ring_centres(int64_t modes, double radius, SourceLoc loc) {
  return ring({"ring_centres", loc}, modes, radius);
}

Tensor ring_of_gaussians(int64_t n, Random& random, int64_t modes, double radius, double stddev,
                         SourceLoc loc) {
  const Checked checked{"ring_of_gaussians", loc};
  return mixture(checked, n, random, ring(checked, modes, radius), stddev);
}

Tensor grid_centres(int64_t side, double spacing, SourceLoc loc) {
  return grid({"grid_centres", loc}, side, spacing);
}

Tensor grid_of_gaussians(int64_t n, Random& random, int64_t side, double spacing, double stddev,
                         SourceLoc loc) {
  const Checked checked{"grid_of_gaussians", loc};
  return mixture(checked, n, random, grid(checked, side, spacing), stddev);
}

Tensor line_segment(int64_t n, Random& random, double length, double noise, SourceLoc loc) {
  const Checked checked{"line_segment", loc};
  checked.finite("length", length);
  checked.deviation("noise", noise);
  return make_points(checked, n, [&](int64_t) {
    return with_noise(on_line(random.uniform(), length), noise, random);
  });
}

Tensor two_moons(int64_t n, Random& random, double noise, SourceLoc loc) {
  const Checked checked{"two_moons", loc};
  checked.deviation("noise", noise);
  return make_points(checked, n, [&](int64_t) {
    const bool lower = random.below(2) == 1;
    return with_noise(on_moon(lower, random.uniform(0, kPi)), noise, random);
  });
}

Tensor spiral(int64_t n, Random& random, double turns, double noise, SourceLoc loc) {
  const Checked checked{"spiral", loc};
  checked.finite("turns", turns);
  checked.deviation("noise", noise);
  return make_points(checked, n, [&](int64_t) {
    return with_noise(on_spiral(random.uniform(), turns), noise, random);
  });
}

Tensor pinwheel(int64_t n, Random& random, int64_t arms, SourceLoc loc) {
  const Checked checked{"pinwheel", loc};
  checked.count("arms", arms, 1);
  return make_points(checked, n, [&](int64_t) {
    const auto arm = static_cast<double>(random.below(arms));
    const Point p = with_noise({0, 0}, 1, random);
    const double x = 1 + 0.3 * p[0], y = 0.05 * p[1];
    const double angle = 2 * kPi * arm / static_cast<double>(arms) + 0.25 * std::exp(x);
    return Point{x * std::cos(angle) - y * std::sin(angle),
                 x * std::sin(angle) + y * std::cos(angle)};
  });
}

Tensor gaussian2d(int64_t n, Random& random, const Point& mean,
                  const std::array<double, 3>& covariance, SourceLoc loc) {
  const Checked checked{"gaussian2d", loc};
  for (const double x : mean) checked.finite("the mean", x);
  for (const double x : covariance) checked.finite("the covariance", x);
  const auto [xx, xy, yy] = covariance;
  // The Cholesky factor of [[xx, xy], [xy, yy]]
  const double a = std::sqrt(xx), b = xx > 0 ? xy / a : 0, rest = yy - b * b;
  if (!(xx >= 0 && yy >= 0 && rest >= 0 && (xx > 0 || xy == 0))) {
    fail("gaussian2d", "the covariance must be positive semidefinite",
         {"found xx " + std::to_string(xx) + ", xy " + std::to_string(xy) + ", yy " +
          std::to_string(yy)},
         loc);
  }
  return make_points(checked, n, [&](int64_t) {
    const Point p = with_noise({0, 0}, 1, random);
    return Point{mean[0] + a * p[0], mean[1] + b * p[0] + std::sqrt(rest) * p[1]};
  });
}

Toy2d toy2d(const std::string& name, SourceLoc loc) {
  if (name == "ring") {
    return mixture_target(
        name, [](int64_t n, Random& random) { return ring_of_gaussians(n, random); },
        ring_centres(), kRingDeviation, 3);
  }
  if (name == "grid") {
    return mixture_target(
        name, [](int64_t n, Random& random) { return grid_of_gaussians(n, random); },
        grid_centres(), kGridDeviation, 5);
  }
  if (name == "line") {
    return curve_target(
        name, [](int64_t n, Random& random) { return line_segment(n, random); },
        [](double u) { return on_line(u, kLineLength); }, 3);
  }
  if (name == "spiral") {
    return curve_target(
        name, [](int64_t n, Random& random) { return spiral(n, random); },
        [](double u) { return on_spiral(u, kSpiralTurns); }, 3);
  }
  if (name == "moons") {
    return curve_target(
        name, [](int64_t n, Random& random) { return two_moons(n, random); },
        [](double u) { return on_moon(u >= 0.5, kPi * (u < 0.5 ? 2 * u : 2 * u - 1)); }, 2.5);
  }
  if (name == "pinwheel") {
    return {name, [](int64_t n, Random& random) { return pinwheel(n, random); }, {}, {}, 0, 3};
  }
  if (name == "gaussian") {
    return {name,
            [](int64_t n, Random& random) {
              return gaussian2d(n, random, {0, 0}, {1, 0.6, 0.5});
            },
            Tensor::zeros({1, 2}),
            {},
            0,
            4};
  }
  fail("toy2d", "no such distribution",
       {"found \"" + name + "\", expected ring, grid, line, spiral, moons, pinwheel or gaussian"},
       loc);
}

}  // namespace forger::nn
