#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/losses.h"
#include "models/mlp.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

/// The options of the command line.
namespace forger::vanilla {

/// The target of --points, as a checkpoint names it.
constexpr const char* kPointsFile = "points";

inline const tutorials::Chapter kChapter = {
    .name = "gan",
    .quick = {{"steps", "1200"}, {"sample-every", "50"}},
    .next = "generate",
    .report = {
        .title = "Chapter 2: The GAN",
        .curves =
            {{"loss_D", "Losses",
              "Cross entropy of D on real examples plus that on G's. It is 1.386 (2 log 2) when D "
              "can only guess, and 0 when D is always right and sure."},
             {"loss_G", "Losses",
              "What G minimises. When D can only guess it is 0.693 (log 2), or -0.693 with the "
              "zero-sum loss. Neither loss measures quality: each falls when the other network "
              "gets worse."},
             {"D_x", "What D believes",
              "The probability that D gives to real examples of being real. It is 1/2 when D can "
              "only guess.",
              "D(x)"},
             {"D_G_z", "What D believes", "The same for G's examples, before the step's updates.",
              "D(G(z))"},
             {"modes", "Modes",
              "The number of modes that hold 1 % of the step's generated points within 3 standard "
              "deviations. A curve that falls shows modes that G has forgotten."}},
        .sample_columns = 0}};

// Streams of random numbers, one per purpose, so that none depends on what another draws.
constexpr uint64_t kTrainingStream = uint64_t{'Z'} << 56;  // z and points of the training steps
constexpr uint64_t kSampleStream = uint64_t{'S'} << 56;    // z and points of the pictures
constexpr uint64_t kGenerateStream = uint64_t{'G'} << 56;

struct TrainOptions {
  tutorials::RunOptions run = {.epochs = 20, .steps = 2000, .batch_size = 256, .sample_every = 50};
  std::string target = "ring";  // a shape, "images", or "points" of a file
  std::string points;           // CSV file
  std::string loss = "non-saturating";
  double lr = 3e-3, beta1 = 0.5, decay_from = 0.5, r1 = 0.1;
  int64_t latent = 2, hidden = 128;

  bool has_images() const { return target == "images"; }
  /// Throws UsageError if there is no loss of that name.
  GeneratorLoss generator_loss() const;
  /// The learning rate of a step, counted from 1.
  double lr_at(int64_t step) const;
  MlpOptions generator(int64_t dimensions) const {
    return {latent, hidden, dimensions, /*in_range=*/has_images()};
  }
  MlpOptions discriminator(int64_t dimensions) const { return {dimensions, hidden, 1}; }
};
std::vector<tutorials::Option> train_options(TrainOptions& options);

/// Completes what the command line left out: with --target images, the values for images. Throws
/// UsageError if --points and --target contradict each other.
void complete(TrainOptions& options, std::vector<tutorials::Option>& table);

}  // namespace forger::vanilla
