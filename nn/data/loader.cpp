#include "nn/data/loader.h"

#include "autograd/error.h"
#include "autograd/random.h"

namespace forger::nn {
namespace {

// Each epoch has its own stream of random numbers: this letter and the epoch.
constexpr uint64_t kStream = uint64_t{'L'} << 56;

}  // namespace

Loader::Loader(const ImageSet& images, int64_t batch_size, uint64_t seed, SourceLoc loc)
    : images_(images), batch_size_(batch_size), seed_(seed) {
  check_images(images, loc);
  if (batch_size < 1 || batch_size > images.count) {
    fail("loader", "batch size out of range",
         {"found " + std::to_string(batch_size) + ", expected 1 to " +
          std::to_string(images.count) + ", the images in " + images.source},
         loc);
  }
  shuffle();
}

Loader::Batch Loader::next() {
  const auto begin = order_.begin() + batch_ * batch_size_;
  const std::vector<int64_t> indices(begin, begin + batch_size_);
  Batch batch{.images = images_to_tensor(images_, indices), .labels = {}};
  if (!images_.labels.empty()) {
    for (const int64_t index : indices) {
      batch.labels.push_back(images_.labels[static_cast<size_t>(index)]);
    }
  }
  if (++batch_ == batches_per_epoch()) {
    batch_ = 0;
    ++epoch_;
    shuffle();
  }
  return batch;
}

void Loader::seek(int64_t epoch, int64_t batch, SourceLoc loc) {
  if (epoch < 0 || batch < 0 || batch >= batches_per_epoch()) {
    fail("loader", "no such position",
         {"found epoch " + std::to_string(epoch) + ", batch " + std::to_string(batch),
          "expected epoch >= 0, batch 0 to " + std::to_string(batches_per_epoch() - 1)},
         loc);
  }
  epoch_ = epoch;
  batch_ = batch;
  shuffle();
}

void Loader::shuffle() {
  // A stream of its own for each epoch: the order of an epoch must not depend on those before it.
  order_ = Random(seed_, kStream | static_cast<uint64_t>(epoch_)).permutation(images_.count);
}

}  // namespace forger::nn
