#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"
#include "nn/data/toy2d.h"
#include "nn/module.h"

namespace forger::tutorials {

/// The values of --target. PlaneTarget knows all but the last.
inline constexpr const char* kTargets = "ring, grid, line, spiral, moons or images";

/// How near points are to a shape.
struct PlaneScore {
  int64_t modes;    // found; 0 if the shape has none
  double good;      // share of points within 3 standard deviations of a mode; 0 without modes
  double distance;  // Jensen-Shannon distance to the exact density, on a grid
};

/// What a generator learns to draw in the plane: a named shape, whose density is known, or the
/// points of a file.
class PlaneTarget {
 public:
  /// A shape of kTargets. Throws UsageError naming --target for any other.
  explicit PlaneTarget(const std::string& shape);
  /// Points [n, 2] from nn::read_points(). Networks see them in a frame of their own.
  explicit PlaneTarget(const Tensor& points);

  /// Returns n points [n, 2]: of a shape new ones, of a file any of its points, each time anew.
  Tensor sample(int64_t n, Random& random) const;

  /// The shape; for a file only half_width is set.
  const nn::Toy2d& shape() const { return shape_; }
  /// Where the networks' coordinates lie in those of the file, for write_points(): the centre and
  /// the scale, [3]. Those of a shape are 0, 0 and 1.
  const Tensor& frame() const { return frame_; }

  /// The number of modes; 0 if the shape has none.
  int64_t modes() const { return shape_.centres.defined() ? shape_.centres.shape()[0] : 0; }
  /// Returns the modes that hold less than 1 % of the points [n, 2] within 3 standard deviations.
  std::vector<int64_t> lost_modes(const Tensor& points) const;
  /// Scores points [n, 2]. The target must be a shape.
  PlaneScore score(const Tensor& points) const;
  /// "8 of 8 modes, 0.686 good, Jensen-Shannon distance 0.342"
  std::string describe(const PlaneScore& score) const;
  /// Prints the score of 10,000 points of G, which takes z [n, latent] from `random`, and that of
  /// as many real points. Prints nothing for a file.
  void print_score(nn::Module& G, int64_t latent, Random random) const;

 private:
  nn::Toy2d shape_ = {};
  Tensor file_;  // [n, 2] in the frame; undefined for a shape
  Tensor frame_ = Tensor::from({3}, {0, 0, 1});
};

/// Draws `count` points and writes them into folder/points.csv, in the coordinates of the target.
/// `frame` is PlaneTarget::frame(). `draw_next(n)` returns the next n points [n, 2] and is always
/// called with the same n, so that a point does not depend on the count. Creates the folder and
/// replaces a file of that name.
void write_points(const std::filesystem::path& folder, int64_t count, const Tensor& frame,
                  const std::function<Tensor(int64_t n)>& draw_next);

}  // namespace forger::tutorials
