#include "options.h"

namespace forger::generative {
namespace {

using tutorials::integer_option;
using tutorials::Kept;
using tutorials::number_option;
using tutorials::text_option;

tutorials::Option checkpoint_option(std::string& checkpoint) {
  return text_option("checkpoint", checkpoint, "FILE",
                     "checkpoint of a run (default: the newest in out/" + kChapter.name + "*)");
}

}  // namespace

std::vector<tutorials::Option> train_options(TrainOptions& o) {
  return tutorials::run_options(
      o.run, kChapter,
      {number_option("lr", o.lr, {.low = 0, .high = 10, .with_low = false},
                     "Adam's learning rate in the first epoch (default {})", Kept::kInRun),
       number_option("decay", o.decay, {.low = 0, .high = 1, .with_low = false},
                     "factor by which the learning rate falls after each epoch (default {})",
                     Kept::kInRun),
       integer_option("width", o.width, {1, 1024}, "channels of every convolution (default {})",
                      Kept::kInForks),
       integer_option("features", o.features, {1, 4096},
                      "length of the hidden layer before the logits (default {})",
                      Kept::kInForks)});
}

std::vector<tutorials::Option> test_options(TestOptions& o) {
  return {checkpoint_option(o.checkpoint)};
}

std::vector<tutorials::Option> weights_options(WeightsOptions& o) {
  return {checkpoint_option(o.checkpoint),
          text_option("out", o.out, "FILE",
                      "output file, which is replaced (default: classifier.safetensors beside the "
                      "checkpoint)")};
}

}  // namespace forger::generative
