#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/data/dataset.h"
#include "tutorials/common/data.h"
#include "tutorials/common/features.h"
#include "tutorials/metrics/scores.h"

namespace forger::tutorials {

/// What a yardstick found about a set of images.
struct Measured {
  int64_t given = 0;                  // images; those that were measured are scores.n
  metrics::Scores scores;             // against as many test images
  metrics::Scores real;               // test images against other test images; see Yardstick
  std::vector<int64_t> classes;       // images that the classifier takes for each class
  std::vector<int64_t> real_classes;  // the same for the test images
  std::vector<int64_t> labelled;      // per class, images with that label; empty without labels
  std::vector<int64_t> recognised;    // of these, images that the classifier takes for it
};

/// Measures sets of images in chapter 1's features, against the test images of a data set.
///
/// n images are compared with n test images, chosen at random by the seed; if there are more images
/// than test images, n images are chosen as well. Beside it stands what real images give: min(n,
/// half of the test set) test images against as many others. Nearest images are searched in the
/// whole training set and in the second half of the test set, to which no image of the first half
/// belongs.
///
/// The classifier knows the classes of Fashion-MNIST. For other labelled data an image's class is
/// that of the nearest training image, in these features.
class Yardstick {
 public:
  /// Throws Error unless both sets have labels and class names, and there are at least 12 test
  /// images: one half of them is measured against the other.
  Yardstick(nn::ImageSet training, nn::ImageSet test, std::string name, uint64_t seed = 0);
  /// Reads the data. Throws UsageError if they have no test images.
  static Yardstick of(DataOptions data, uint64_t seed = 0);

  /// Throws Error unless there are at least 6 images of 28 x 28 pixels with one channel, and
  /// labels, if there are any, are classes of the data.
  Measured measure(const nn::ImageSet& images);

  const nn::ImageSet& training() const { return training_; }
  const nn::ImageSet& test() const { return test_; }
  /// "fashion-mnist", "digits", or the folder of other data
  const std::string& data() const { return name_; }
  const std::vector<std::string>& class_names() const { return training_.class_names; }

  /// Returns the features and classes of some images.
  metrics::Sample sample(const nn::ImageSet& images);
  /// Returns the features of the training images.
  const Tensor& training_features();

 private:
  /// Computes the features of training and test images at the first use, which takes seconds.
  void prepare();
  std::vector<int> classes_of(const Tensor& features);
  metrics::Sample test_rows(int64_t begin, int64_t end) const;

  std::string name_;
  nn::ImageSet training_, test_;  // the test images in random order
  Features features_;
  Tensor training_features_;  // undefined until prepare()
  metrics::Sample test_sample_;
  uint64_t seed_;
};

}  // namespace forger::tutorials
