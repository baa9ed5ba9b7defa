#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograd/source_loc.h"
#include "autograd/tensor.h"

namespace forger::metrics {

/// What the metrics need to know of a set of images.
struct Sample {
  Tensor features;           // [n, d]
  std::vector<int> classes;  // the class that a classifier sees in each image, or empty
};

/// The values of all metrics for images against real ones. A value is NaN if it was not measured.
/// training_ratio is infinite if every image equals a test image, and so has distance 0 from it.
struct Scores {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

  int64_t n = 0;     // images
  int64_t real = 0;  // real images that they were compared with
  double frechet = kNone;
  double mmd = kNone, mmd_sigma = kNone;  // squared, and its standard deviation around 0
  double nearest_neighbour_accuracy = kNone;
  double precision = kNone, recall = kNone;                // k = 3
  double density = kNone, coverage = kNone;                // k = 5
  double class_distance = kNone;                           // total variation
  double training_ratio = kNone, training_nearer = kNone;  // memorisation()
};

/// The real images that memorisation() compares with; both undefined if it is not wanted.
struct Originals {
  Tensor training, test;  // [., d]
};

/// Measures images against real ones. Values of different runs can be compared only if n, `real`
/// and the features are the same. MMD^2 and the nearest-neighbour accuracy need sets of equal size
/// and use the first rows of the larger one. The class distance needs the classes of both. Throws
/// Error like the metrics: there must be at least 6 images of each kind.
Scores score(const Sample& images, const Sample& real, const Originals& originals = {},
             SourceLoc loc = SourceLoc::here());

/// A metric as a table shows it.
struct Instrument {
  const char* key;    // in JSON: "frechet"
  const char* name;   // "Frechet distance"
  const char* paper;  // with its section
  double Scores::*value;
  int decimals;
};
const std::vector<Instrument>& instruments();

/// Returns a table with one line per instrument that has a value: the value for the images, that of
/// real images, and the source. "-" stands for one that has none. A line above tells how many
/// images each column compares.
std::string score_table(const Scores& images, const Scores& real);

}  // namespace forger::metrics
