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

/// Gaussians on a circle, the test for lost modes of Metz et al. 2017 (arXiv 1611.02163).
Tensor ring_of_gaussians(int64_t n, Random& random, int64_t modes = 8, double radius = 2,
                         double stddev = 0.02, SourceLoc loc = SourceLoc::here());
/// Their means, [modes, 2].
Tensor ring_centres(int64_t modes = 8, double radius = 2, SourceLoc loc = SourceLoc::here());

/// side x side Gaussians on a square grid (Srivastava et al. 2017, arXiv 1705.07761).
Tensor grid_of_gaussians(int64_t n, Random& random, int64_t side = 5, double spacing = 2,
                         double stddev = 0.05, SourceLoc loc = SourceLoc::here());
/// Their means, [side * side, 2].
Tensor grid_centres(int64_t side = 5, double spacing = 2, SourceLoc loc = SourceLoc::here());

/// Two interlocking half circles.
Tensor two_moons(int64_t n, Random& random, double noise = 0.05, SourceLoc loc = SourceLoc::here());
/// A spiral from the middle outwards: a section of the Swiss roll.
Tensor spiral(int64_t n, Random& random, double turns = 1.5, double noise = 0.05,
              SourceLoc loc = SourceLoc::here());
/// Curved arms like those of a toy windmill (Johnson et al. 2016, arXiv 1603.06277).
Tensor pinwheel(int64_t n, Random& random, int64_t arms = 5, SourceLoc loc = SourceLoc::here());
/// The normal distribution of a mean and a covariance {xx, xy, yy}. Throws Error unless the
/// covariance is positive semidefinite.
Tensor gaussian2d(int64_t n, Random& random, const std::array<double, 2>& mean,
                  const std::array<double, 3>& covariance, SourceLoc loc = SourceLoc::here());

/// One of these distributions with its default parameters.
struct Toy2d {
  std::string name;  // ring, grid, moons, spiral, pinwheel, gaussian
  Tensor (*sample)(int64_t n, Random& random);
  Tensor centres;  // [modes, 2]; undefined if the distribution has no modes
};

/// Returns a distribution by its name. Throws Error that lists the names for any other.
Toy2d toy2d(const std::string& name, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
