#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "autograd/random.h"
#include "autograd/source_loc.h"
#include "autograd/tensor.h"

/// Distributions in the plane, which make the faults of a GAN visible. Points are [n, 2]. They lie
/// within about 2 of the origin; the grid reaches 4. All functions throw Error for a count out of
/// range, a deviation below 0, or a number that is not finite.
namespace forger::nn {

// The defaults, which toy2d() shares.
inline constexpr double kRingDeviation = 0.02, kGridDeviation = 0.05, kCurveNoise = 0.05;
inline constexpr double kLineLength = 4, kSpiralTurns = 1.5;

/// Gaussians on a circle, the test for lost modes of Metz et al. 2017 (arXiv 1611.02163).
Tensor ring_of_gaussians(int64_t n, Random& random, int64_t modes = 8, double radius = 2,
                         double stddev = kRingDeviation, SourceLoc loc = SourceLoc::here());
/// Their means, [modes, 2].
Tensor ring_centres(int64_t modes = 8, double radius = 2, SourceLoc loc = SourceLoc::here());

/// side x side Gaussians on a square grid (Srivastava et al. 2017, arXiv 1705.07761).
Tensor grid_of_gaussians(int64_t n, Random& random, int64_t side = 5, double spacing = 2,
                         double stddev = kGridDeviation, SourceLoc loc = SourceLoc::here());
/// Their means, [side * side, 2].
Tensor grid_centres(int64_t side = 5, double spacing = 2, SourceLoc loc = SourceLoc::here());

/// A segment through the origin, at the slope 3/4.
Tensor line_segment(int64_t n, Random& random, double length = kLineLength,
                    double noise = kCurveNoise, SourceLoc loc = SourceLoc::here());
/// Two interlocking half circles.
Tensor two_moons(int64_t n, Random& random, double noise = kCurveNoise,
                 SourceLoc loc = SourceLoc::here());
/// A spiral from the middle outwards: a section of the Swiss roll.
Tensor spiral(int64_t n, Random& random, double turns = kSpiralTurns, double noise = kCurveNoise,
              SourceLoc loc = SourceLoc::here());
/// Curved arms like those of a toy windmill (Johnson et al. 2016, arXiv 1603.06277).
Tensor pinwheel(int64_t n, Random& random, int64_t arms = 5, SourceLoc loc = SourceLoc::here());
/// The normal distribution of a mean and a covariance {xx, xy, yy}. Throws Error unless the
/// covariance is positive semidefinite.
Tensor gaussian2d(int64_t n, Random& random, const std::array<double, 2>& mean,
                  const std::array<double, 3>& covariance, SourceLoc loc = SourceLoc::here());

/// One of these distributions with its default parameters.
struct Toy2d {
  std::string name;  // ring, grid, line, spiral, moons, pinwheel, gaussian
  Tensor (*sample)(int64_t n, Random& random);
  Tensor centres;  // [modes, 2]; undefined if the distribution has no modes

  // The density: an equal mixture of Gaussians around `means`, with `stddev` along both axes.
  // Those of a ring or grid are its modes. Those of a curve lie along it with equal probability
  // between them, so closely that the sum differs from the integral by less than 1 % anywhere.
  // Undefined and 0 for pinwheel and gaussian.
  Tensor means;  // [k, 2]
  double stddev;

  double half_width;  // a picture shows [-half_width, half_width]^2
};

/// Returns a distribution by its name. Throws Error that lists the names for any other.
Toy2d toy2d(const std::string& name, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
