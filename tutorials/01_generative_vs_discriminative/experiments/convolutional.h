#pragma once

#include <cstdint>

#include "nn/data/dataset.h"
#include "tutorials/common/augment.h"
#include "tutorials/common/classifier.h"

/// Chapter 1's convolutional classifier, trained within an experiment.
namespace forger::generative {

struct Training {
  int64_t steps;
  double lr = 3e-3;  // of Adam; falls to 0 along half a cosine
  tutorials::Augmentation augmentation = {};
};
/// Trains a classifier with its classes in `images`, in batches of 64, or of all images if there
/// are fewer. The order of the images and their augmentation are functions of the seed.
void train(tutorials::Classifier& C, const nn::ImageSet& images, const Training& training,
           uint64_t seed);

/// Returns the accuracy on all images of a set.
double test_accuracy(tutorials::Classifier& C, const nn::ImageSet& images);

/// Accuracy of a classifier that is trained to tell real images from others, on images that it has
/// not seen (Lopez-Paz & Oquab 2017, arXiv 1610.06545, section 2). It is 0.5 if both come from one
/// distribution. The sets of a pair have the same size.
double two_sample_accuracy(const nn::ImageSet& real_train, const nn::ImageSet& other_train,
                           const nn::ImageSet& real_test, const nn::ImageSet& other_test,
                           int64_t steps, uint64_t seed);

}  // namespace forger::generative
