#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autograd/source_loc.h"
#include "nn/data/dataset.h"

/// Spoilt sets of images: each has one known fault, by which the metrics are tested.
namespace forger::tutorials {

/// Returns the images without those of one class. Throws Error if there are no labels.
nn::ImageSet without_class(const nn::ImageSet& images, int label,
                           SourceLoc loc = SourceLoc::here());

/// Returns the images smoothed by a Gaussian of this standard deviation in pixels, cut off at three
/// of them. Beyond the edge everything is black. Throws Error unless 0 < stddev <= 100.
nn::ImageSet blurred(const nn::ImageSet& images, double stddev, SourceLoc loc = SourceLoc::here());

/// Replaces a share of the images, chosen at random, by noise: independent bytes, each of them
/// equally probable. Throws Error unless 0 <= share <= 1.
nn::ImageSet with_noise_images(const nn::ImageSet& images, double share, uint64_t seed,
                               SourceLoc loc = SourceLoc::here());

/// Returns the images moved by whole pixels, to the right and down. What moves in is black.
nn::ImageSet shifted(const nn::ImageSet& images, int64_t right, int64_t down);

/// Keeps this share of each class, at least one image: those that are nearest in pixels to the
/// first image of the class. The shares of the classes hardly change, but within each class the
/// variety does. Throws Error if there are no labels, or unless 0 < share <= 1.
nn::ImageSet fewer_modes(const nn::ImageSet& images, double share,
                         SourceLoc loc = SourceLoc::here());

struct SpoiltSet {
  std::string name;
  nn::ImageSet images;
};

/// Returns the six spoilt sets of experiment 1.6. Five are made of `images`: without the second to
/// last class ("one class removed"), smoothed by one pixel ("blur"), one in ten replaced by noise
/// ("noise images"), moved by two pixels to the right and down ("shift"), and the quarter of each
/// class that is nearest to one image ("fewer modes"). "training copies" are as many training
/// images. Throws Error if there are no labels, only one class, or fewer training images than
/// images.
std::vector<SpoiltSet> spoilt_sets(const nn::ImageSet& images, const nn::ImageSet& training,
                                   uint64_t seed, SourceLoc loc = SourceLoc::here());

/// Returns how far a metric's value is from the mean of its values for real images, in standard
/// deviations of these (divided by n - 1). Returns nothing if they are all equal: there is then no
/// scale to measure by. Throws Error for fewer than two values.
std::optional<double> in_deviations(double value, const std::vector<double>& real,
                                    SourceLoc loc = SourceLoc::here());

}  // namespace forger::tutorials
