#include "convolutional.h"

#include <algorithm>
#include <cstddef>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "tutorials/common/evaluate.h"

namespace forger::generative {
namespace {

constexpr int64_t kBatch = 64;
constexpr uint64_t kAugmentStream = uint64_t{'A'} << 56;  // of random numbers

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

void train(tutorials::Classifier& C, const nn::ImageSet& images, const Training& training,
           uint64_t seed) {
  nn::Adam optimizer(C, {.lr = training.lr});
  nn::Loader loader(images, std::min(kBatch, images.count), seed);
  Random random(seed, kAugmentStream);
  const tutorials::Augmentation& changes = training.augmentation;
  for (int64_t step = 0; step < training.steps; ++step) {
    optimizer.lr = nn::cosine_lr(training.lr, step, training.steps);
    const auto [x, labels] = loader.next();
    const bool changed = changes.shift > 0 || changes.flip;
    const Tensor logits = C(changed ? tutorials::augment(x, changes, random) : x);
    const Tensor loss = softmax_cross_entropy(logits, labels);
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
  train(C, labelled_union(real_train, other_train), {.steps = steps}, seed);
  return test_accuracy(C, labelled_union(real_test, other_test));
}

}  // namespace forger::generative
