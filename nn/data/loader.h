#pragma once

#include <cstdint>
#include <vector>

#include "nn/data/dataset.h"

namespace forger::nn {

/// Returns the images of a set in batches, in a new order every epoch. The order is a function of
/// seed and epoch alone, so epoch() and batch() are the whole state: a run that resumes with seek()
/// sees the images that it would have seen.
class Loader {
 public:
  struct Batch {
    Tensor images;            // [batch, channels, height, width] in [-1, 1]
    std::vector<int> labels;  // empty, or one per image
  };

  /// The set is not copied and must outlive the loader. Throws Error unless 1 <= batch_size <=
  /// count.
  Loader(const ImageSet& images, int64_t batch_size, uint64_t seed,
         SourceLoc loc = SourceLoc::here());
  Loader(ImageSet&& images, int64_t batch_size, uint64_t seed) = delete;

  /// Returns the next batch. If the last images of an epoch do not fill a batch, they are dropped;
  /// each epoch drops other images.
  Batch next();

  /// The position of the next batch, counted from 0. Batch 0 of the next epoch follows the last
  /// batch of an epoch.
  int64_t epoch() const { return epoch_; }
  int64_t batch() const { return batch_; }
  int64_t batches_per_epoch() const { return images_.count / batch_size_; }
  /// Continues at a position. Throws Error for one that epoch() and batch() cannot return.
  void seek(int64_t epoch, int64_t batch, SourceLoc loc = SourceLoc::here());

 private:
  void shuffle();

  const ImageSet& images_;
  int64_t batch_size_;
  uint64_t seed_;
  int64_t epoch_ = 0, batch_ = 0;
  std::vector<int64_t> order_;
};

}  // namespace forger::nn
