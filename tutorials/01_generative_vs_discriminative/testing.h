#pragma once

#include <cstdint>

#include "nn/data/dataset.h"
#include "tutorials/common/classifier.h"

/// How well a classifier labels images that it has not seen.
namespace forger::generative {

/// Returns the accuracy on one batch of 64 images of a set; the batches repeat. It takes a fraction
/// of a training step, and depends on nothing but the weights and the number of the batch.
double held_out_accuracy(tutorials::Classifier& C, const nn::ImageSet& held_out, int64_t batch);

/// Prints the accuracy on a test set, and for each class its share of right labels and the class
/// that is most often named instead. Prints how sure the classifier is of its own drawings.
void print_test(tutorials::Classifier& C, const tutorials::ClassifierOptions& options,
                const nn::ImageSet& test);

}  // namespace forger::generative
