#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tutorials/common/classifier.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

/// The options of the command line.
namespace forger::generative {

inline const tutorials::Chapter kChapter = {
    .name = "generative",
    .quick = {{"steps", "600"}, {"sample-every", "200"}},
    .next = "test, weights",
    .report =
        {.title = "Chapter 1: Generative and discriminative",
         .curves =
             {{"loss", "Loss",
               "Cross entropy of the classifier on the step's batch. It is 2.303 (log 10) when ten "
               "classes can only be guessed, and 0 when every label is right and sure."},
              {"accuracy", "Accuracy",
               "The share of the step's batch that was labelled correctly, before the step's "
               "update."},
              {"held-out", "Accuracy",
               "The same for a batch of images that the training never sees. Where this curve "
               "stays "
               "behind the other, the classifier has learnt images by heart."}}},
    .uses_labels = true};

// Streams of random numbers, one per purpose, as in chapter 3.
constexpr uint64_t kDrawingStream = uint64_t{'S'} << 56;

struct TrainOptions {
  TrainOptions() {
    run.epochs = 6;
    run.sample_every = 500;
  }

  tutorials::RunOptions run;
  double lr = 3e-3, decay = 0.6;
  int64_t width = 32, features = 64;

  tutorials::ClassifierOptions network(int64_t classes) const {
    return {.image_size = run.data.image_size,
            .channels = run.data.channels,
            .classes = classes,
            .width = width,
            .features = features};
  }
};
std::vector<tutorials::Option> train_options(TrainOptions& options);

struct TestOptions {
  std::string checkpoint;
};
std::vector<tutorials::Option> test_options(TestOptions& options);

struct WeightsOptions {
  std::string checkpoint, out;
};
std::vector<tutorials::Option> weights_options(WeightsOptions& options);

}  // namespace forger::generative
