#include "options.h"

namespace forger::dcgan {
using tutorials::integer_option;
using tutorials::Kept;
using tutorials::number_option;

std::vector<tutorials::Option> train_options(TrainOptions& o) {
  return tutorials::run_options(
      o.run, kChapter,
      {number_option("lr", o.lr, {.low = 0, .high = 10, .with_low = false},
                     "Adam's learning rate for both networks (default {})", Kept::kInRun),
       number_option("beta1", o.beta1, {.low = 0, .high = 1, .with_high = false},
                     "Adam's decay rate for the mean gradient (default {})", Kept::kInRun),
       integer_option("latent", o.latent, {1, 4096}, "length of the random vector z (default {})",
                      Kept::kInForks),
       integer_option("features", o.features, {1, 1024},
                      "channels of the layer next to the image; each halving of the image's side "
                      "doubles them (default {})",
                      Kept::kInForks)});
}

}  // namespace forger::dcgan
