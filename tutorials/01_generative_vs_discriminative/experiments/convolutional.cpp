#include "convolutional.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "tutorials/common/evaluate.h"

namespace forger::generative {
namespace {

constexpr int64_t kBatch = 64;

/// Returns both sets in one: label 1 for real images, 0 for others.
nn::ImageSet labelled_union(const nn::ImageSet& real, const nn::ImageSet& others) {
  nn::ImageSet both = real;
  both.class_names = {"other", "real"};
  both.labels.assign(static_cast<size_t>(real.count), 1);
  both.count += others.count;
  both.pixels.insert(both.pixels.end(), others.pixels.begin(), others.pixels.end());
  both.labels.resize(static_cast<size_t>(both.count), 0);
  return both;
}

}  // namespace

void train(tutorials::Classifier& C, const nn::ImageSet& images, int64_t steps, uint64_t seed) {
  nn::Adam optimizer(C, {.lr = 1e-3});
  nn::Loader loader(images, std::min(kBatch, images.count), seed);
  for (int64_t step = 0; step < steps; ++step) {
    const auto [x, labels] = loader.next();
    const Tensor loss = softmax_cross_entropy(C(x), labels);
    optimizer.zero_grad();
    backward(loss, C.parameters());
    optimizer.step();
  }
}

double test_accuracy(tutorials::Classifier& C, const nn::ImageSet& images) {
  return tutorials::accuracy(tutorials::evaluate(C, images), images.labels);
}

double two_sample_accuracy(const nn::ImageSet& real_train, const nn::ImageSet& other_train,
                           const nn::ImageSet& real_test, const nn::ImageSet& other_test,
                           int64_t steps, uint64_t seed) {
  nn::seed_init(seed);
  tutorials::Classifier C(
      {.image_size = real_train.height, .channels = real_train.channels, .classes = 2});
  train(C, labelled_union(real_train, other_train), steps, seed);
  return test_accuracy(C, labelled_union(real_test, other_test));
}

}  // namespace forger::generative
