#pragma once

#include <cstdint>
#include <vector>

#include "nn/data/dataset.h"
#include "tutorials/common/data.h"

namespace forger::tutorials {

/// Returns the images of these indices, in their order, with their labels.
nn::ImageSet subset(const nn::ImageSet& images, const std::vector<int64_t>& indices,
                    SourceLoc loc = SourceLoc::here());

/// Returns the indices of n images, equally many of each class, in random order. The images for a
/// larger n include those for a smaller one. Throws Error unless n is a multiple of the number of
/// classes and each class has enough images.
std::vector<int64_t> balanced(const nn::ImageSet& images, int64_t n, uint64_t seed,
                              SourceLoc loc = SourceLoc::here());

/// Labelled images in three sets. Weights are fitted to the first. Choices, such as the number of
/// epochs, are made by the second. The third is used once, for the number that is reported.
struct Splits {
  nn::ImageSet train, held_out, test;
};

/// Splits the images that load_data() returned for `options`. A twelfth of them is held out, which
/// is 5,000 of Fashion-MNIST's 60,000. The test set is Fashion-MNIST's own, or the 10,000 digits
/// that follow the training digits. A folder has no test set, so a sixth of it becomes one. The
/// sets are chosen at random, and are the same for every seed of a run.
///
/// Throws UsageError unless there are labels of at least two classes and three images.
Splits split(const nn::ImageSet& images, const DataOptions& options, uint64_t seed);

/// Throws UsageError if --batch-size is more than the number of training images.
void check_batch_size(int64_t batch_size, const nn::ImageSet& train);

}  // namespace forger::tutorials
