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
#include "tutorials/common/run_folder.h"
#include "tutorials/common/run_options.h"
#include "tutorials/common/splits.h"

namespace forger::generative {
namespace {

namespace fs = std::filesystem;

/// The classifier of a checkpoint, and the options and the images of its run.
struct Trained {
  fs::path path;
  TrainOptions options;
  tutorials::Data data;
  tutorials::ClassifierOptions network;
  std::unique_ptr<tutorials::Classifier> C;
};

Trained load_classifier(const std::string& given) {
  Trained trained;
  trained.path =
      given.empty()
          ? tutorials::checkpoint_path(tutorials::newest_run_folder(kChapter.name, "--checkpoint"))
          : fs::path(given);
  const std::string source = trained.path.string();
  const nn::Checkpoint checkpoint = nn::load_checkpoint(trained.path);
  TrainOptions& options = trained.options;
  tutorials::Position position;
  tutorials::from_metadata(checkpoint, source, kChapter, train_options(options), position);
  const auto seed = static_cast<uint64_t>(options.run.seed);
  trained.data = tutorials::load_data(options.run.data, seed, true);
  tutorials::check_same_images(trained.data.images, position.images);
  trained.network = options.network(static_cast<int64_t>(trained.data.images.class_names.size()));
  trained.C = std::make_unique<tutorials::Classifier>(trained.network);
  nn::restore(checkpoint, "C.", trained.C->state(), source, {});
  std::printf("classifier  %s, after step %s\n", source.c_str(),
              tutorials::grouped(position.step).c_str());
  return trained;
}

}  // namespace

int test(const TestOptions& options) {
  const Trained trained = load_classifier(options.checkpoint);
  const tutorials::RunOptions& run = trained.options.run;
  const tutorials::Splits sets =
      tutorials::split(trained.data.images, run.data, static_cast<uint64_t>(run.seed));
  print_test(*trained.C, trained.network, sets.test);
  return 0;
}

int weights(const WeightsOptions& options) {
  const Trained trained = load_classifier(options.checkpoint);
  const fs::path path = options.out.empty() ? trained.path.parent_path() / "classifier.safetensors"
                                            : fs::path(options.out);
  nn::save_checkpoint(path, trained.C->state());
  std::printf("weights     %s numbers in %s\n",
              tutorials::grouped(trained.C->parameter_count()).c_str(), path.c_str());
  return 0;
}

}  // namespace forger::generative
