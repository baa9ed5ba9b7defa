#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "autograd/random.h"
#include "nn/data/image.h"
#include "nn/data/loader.h"
#include "options.h"
#include "tutorials/common/run.h"
#include "tutorials/plane/target.h"

namespace forger::vanilla {

/// The real examples of a game, as vectors [n, d]: points in the plane, or images with their pixels
/// in one row.
class RealExamples {
 public:
  /// Loads the images or the file that the options name. Throws Error if that is not possible.
  RealExamples(const TrainOptions& options, tutorials::Run& run);

  int64_t dimensions() const { return dimensions_; }
  /// Begins the run, with the loader of the images or the state of the target in the plane.
  void begin(tutorials::Run& run, tutorials::Run::Parts parts,
             const std::vector<const nn::Module*>& networks, Random& random);
  /// Returns the next batch. Points are drawn with `random`.
  Tensor next(Random& random);

  /// Null for images.
  const tutorials::PlaneTarget* plane() const { return plane_ ? &*plane_ : nullptr; }

 private:
  int64_t batch_size_, dimensions_ = 2;
  std::optional<nn::Loader> loader_;
  std::optional<tutorials::PlaneTarget> plane_;
};

/// Draws the game, always from the same random vectors: plane_picture(), or a grid of images.
nn::Image picture(nn::Module& G, nn::Module& D, const RealExamples& data,
                  const TrainOptions& options, int64_t step);

}  // namespace forger::vanilla
