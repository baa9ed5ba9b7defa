#include "commands.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "nn/escape.h"
#include "nn/state.h"
#include "testing.h"
#include "tutorials/common/classifier.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/splits.h"
#include "tutorials/common/trained.h"

namespace forger::generative {
namespace {

namespace fs = std::filesystem;

/// The classifier of a checkpoint, and the options and the images of its run.
struct TrainedC {
  fs::path path;
  TrainOptions options;
  tutorials::Data data;
  tutorials::ClassifierOptions network;
  std::unique_ptr<tutorials::Classifier> C;
};

TrainedC load_classifier(const std::string& given) {
  TrainedC trained;
  TrainOptions& options = trained.options;
  const auto checkpoint = tutorials::load_trained(given, kChapter, train_options(options));
  trained.path = checkpoint.path;
  const auto seed = static_cast<uint64_t>(options.run.seed);
  trained.data = tutorials::load_data(options.run.data, seed, true);
  tutorials::check_identity(kChapter, trained.data.images, checkpoint.position.images);
  trained.network = options.network(static_cast<int64_t>(trained.data.images.class_names.size()));
  trained.C = std::make_unique<tutorials::Classifier>(trained.network);
  nn::restore(checkpoint.checkpoint, "C.", trained.C->state(), checkpoint.path.string(), {});
  std::printf("classifier  %s\n", checkpoint.str().c_str());
  return trained;
}

}  // namespace

int test(const TestOptions& options) {
  const TrainedC trained = load_classifier(options.checkpoint);
  const tutorials::RunOptions& run = trained.options.run;
  const tutorials::Splits sets =
      tutorials::split(trained.data.images, run.data, static_cast<uint64_t>(run.seed));
  print_test(*trained.C, trained.network, sets.test);
  return 0;
}

int weights(const WeightsOptions& options) {
  const TrainedC trained = load_classifier(options.checkpoint);
  const fs::path path = options.out.empty() ? trained.path.parent_path() / "classifier.safetensors"
                                            : fs::path(options.out);
  nn::save_checkpoint(path, trained.C->state());
  std::printf("weights     %s numbers in %s\n",
              tutorials::grouped(trained.C->parameter_count()).c_str(), path.c_str());
  return 0;
}

}  // namespace forger::generative
