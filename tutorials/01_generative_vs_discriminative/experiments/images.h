#pragma once

#include <cstdint>
#include <vector>

#include "autograd/tensor.h"
#include "nn/data/dataset.h"
#include "tutorials/common/experiment.h"
#include "tutorials/common/splits.h"

/// The images of the experiments. The models of tutorials/models take them as examples [n, pixels].
namespace forger::generative {

/// Returns Fashion-MNIST: 55,000 images to learn from, 5,000 for choices and 10,000 to test. With
/// --quick these are 3,000, 500 and 1,000, and drawn digits where Fashion-MNIST is not installed.
/// Throws Error that names the package otherwise.
tutorials::Splits experiment_images(const tutorials::Measurement& m);

/// Returns the pixels of the images, in [-1, 1]: [n, channels * height * width].
Tensor pixels(const nn::ImageSet& images);

/// Returns examples [n, pixels] as images like those of a set: the nearest bytes in 0 to 255.
nn::ImageSet to_images(const Tensor& x, const nn::ImageSet& like);

/// Returns the images of one class.
nn::ImageSet images_of_class(const nn::ImageSet& images, int label);

/// Returns the first images of a set, or all if there are fewer.
nn::ImageSet first_images(const nn::ImageSet& images, int64_t count);

}  // namespace forger::generative
