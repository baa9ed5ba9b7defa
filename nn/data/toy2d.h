#pragma once

#include <array>
#include <string>
#include <vector>

#include "autograd/random.h"

/// Distributions in the plane, on which a GAN's faults can be seen. Points are [n, 2], and lie
/// within about 2 of the origin except for the grid, which reaches 4.
namespace forger::nn {

/// Gaussians on a circle, the test for lost modes of Metz et al. 2017 (arXiv 1611.02163).
Tensor ring_of_gaussians(int64_t n, Random& random, int64_t modes = 8, double radius = 2,
                         double stddev = 0.02);
/// Their means, [modes, 2].
Tensor ring_centres(int64_t modes = 8, double radius = 2);

/// side x side Gaussians on a square grid (Srivastava et al. 2017, arXiv 1705.07761).
Tensor grid_of_gaussians(int64_t n, Random& random, int64_t side = 5, double spacing = 2,
                         double stddev = 0.05);
/// Their means, [side * side, 2].
Tensor grid_centres(int64_t side = 5, double spacing = 2);

/// Two interlocking half circles.
Tensor two_moons(int64_t n, Random& random, double noise = 0.05);
/// A spiral from the middle outwards: the Swiss roll seen from its end.
Tensor spiral(int64_t n, Random& random, double turns = 1.5, double noise = 0.05);
/// Curved arms, as of a toy windmill (Johnson et al. 2016, arXiv 1603.06277).
Tensor pinwheel(int64_t n, Random& random, int64_t arms = 5);
/// The normal distribution of a mean and a covariance {xx, xy, yy}. Throws Error unless the
/// covariance is positive semidefinite.
Tensor gaussian2d(int64_t n, Random& random, const std::array<double, 2>& mean,
                  const std::array<double, 3>& covariance, SourceLoc loc = SourceLoc::here());

/// One of the above with its default parameters.
struct Toy2d {
  std::string name;  // ring, grid, moons, spiral, pinwheel, gaussian
  Tensor (*sample)(int64_t n, Random& random);
  Tensor centres;  // [modes, 2], undefined where there are no modes to count
};

/// Throws Error that lists the names when there is none of that name.
Toy2d toy2d(const std::string& name, SourceLoc loc = SourceLoc::here());

}  // namespace forger::nn
