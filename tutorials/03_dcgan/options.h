#pragma once

#include <cstdint>
#include <vector>

#include "networks.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

/// The options of the command line.
namespace forger::dcgan {

inline const tutorials::Chapter kChapter = {
    .name = "dcgan",
    // Networks of half the width take a third of the time per step and train as stably at a larger
    // learning rate.
    .quick = {{"steps", "1200"}, {"features", "32"}, {"lr", "0.0005"}, {"sample-every", "50"}},
    .next = "generate, interpolate",
    .report = {
        .title = "Chapter 3: DCGAN",
        .curves = {
            {"loss_D", "Losses",
             "Cross entropy of D on real images plus that on G's. It is 1.386 (2 log 2) when D can "
             "only guess, and 0 when D is always right and sure."},
            {"loss_G", "Losses",
             "Cross entropy of D on G's images, had they been real. It is 0.693 (log 2) when D can "
             "only guess, and grows with D's certainty. Neither loss measures quality: each falls "
             "when the other network gets worse."},
            {"D_x", "What D believes",
             "The probability that D gives to real images of being real. In a healthy run it stays "
             "above D(G(z)), and below 1.",
             "D(x)"},
            {"D_G_z", "What D believes",
             "The same for G's images, before the step's updates. In a healthy run it stays above "
             "0.",
             "D(G(z))"},
            {"grad_norm_D", "Gradient norms", "Length of the gradient by all parameters of D."},
            {"grad_norm_G", "Gradient norms",
             "The same for G. A sudden rise by a factor of 100 is a sign of trouble."}}}};

// Streams of random numbers, one per purpose, so that none depends on what another draws. (Those of
// the loader begin with L, those of the digits with D.)
constexpr uint64_t kTrainingStream = uint64_t{'Z'} << 56;  // z of the training steps
constexpr uint64_t kSampleStream = uint64_t{'S'} << 56;    // z of the sample grids
constexpr uint64_t kGenerateStream = uint64_t{'G'} << 56;
constexpr uint64_t kInterpolateStream = uint64_t{'I'} << 56;

struct TrainOptions {
  tutorials::RunOptions run;
  double lr = 2e-4, beta1 = 0.5;  // Radford et al. 2015, section 4
  int64_t latent = 100, features = 64;

  NetworkOptions network() const {
    return {run.data.image_size, run.data.channels, latent, features};
  }
};
std::vector<tutorials::Option> train_options(TrainOptions& options);

}  // namespace forger::dcgan
