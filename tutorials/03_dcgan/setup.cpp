#include "setup.h"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "tutorials/common/progress.h"
#include "tutorials/common/run_folder.h"

namespace forger::dcgan {

namespace fs = std::filesystem;

using tutorials::fail_option;
using tutorials::grouped;

nn::Checkpoint prepare(TrainOptions& options, const std::vector<tutorials::Option>& given,
                       Position& position) {
  tutorials::resolve_folders(options.data);
  if (options.resume) {
    if (options.out.empty()) {
      options.out = tutorials::newest_run_folder(kChapter, "--resume").string();
    }
    const fs::path path = tutorials::checkpoint_path(options.out);
    nn::Checkpoint checkpoint = nn::load_checkpoint(path);
    TrainOptions stored;
    from_metadata(checkpoint, path.string(), stored, position);
    continue_run(options, stored, given);
    return checkpoint;
  }
  if (options.quick) apply_quick(options, given);
  if (options.out.empty()) options.out = tutorials::new_run_folder(kChapter).string();
  const fs::path path = tutorials::checkpoint_path(options.out);
  std::error_code unreadable;
  if (fs::exists(path, unreadable)) {
    fail_option("--out", "this folder holds an earlier run", path.string(),
                "another folder, or --resume to continue that run");
  }
  return {};
}

void check_data(const TrainOptions& options, const tutorials::Data& data, Position& position) {
  if (options.batch_size > data.images.count) {
    fail_option(
        "--batch-size", "more than there are images", std::to_string(options.batch_size),
        "at most " + std::to_string(data.images.count) + ", the images in " + data.images.source);
  }
  const std::string images = tutorials::fingerprint(data.images);
  if (options.resume && images != position.images) {
    fail(data.images.source, "not the images with which the run began",
         {"found    " + images, "expected " + position.images}, {});
  }
  position.images = images;
}

void seek(nn::Loader& loader, const Position& position, const std::string& source) {
  const int64_t batches = loader.batches_per_epoch();
  if (position.epoch != position.step / batches || position.batch != position.step % batches) {
    fail(source, "the metadata contradict each other",
         {"found    step " + std::to_string(position.step) + " at epoch " +
              std::to_string(position.epoch) + ", batch " + std::to_string(position.batch),
          "expected epoch " + std::to_string(position.step / batches) + ", batch " +
              std::to_string(position.step % batches)},
         {});
  }
  loader.seek(position.epoch, position.batch);
}

void count_steps(TrainOptions& options, int64_t steps_per_epoch, const Position& position) {
  const bool by_epochs = options.steps == 0;
  if (by_epochs) options.steps = options.epochs * steps_per_epoch;
  if (options.steps > kMostSteps) {
    fail_option("--epochs", "too many", std::to_string(options.epochs),
                "at most " + std::to_string(kMostSteps / steps_per_epoch) + ", of " +
                    std::to_string(steps_per_epoch) + " steps each");
  }
  if (options.steps < position.step) {
    fail_option(by_epochs ? "--epochs" : "--steps", "the run is beyond that already",
                std::to_string(options.steps) + " steps",
                "more than " + std::to_string(position.step) + ", the steps done");
  }
  options.epochs = (options.steps + steps_per_epoch - 1) / steps_per_epoch;
}

void print_start(const TrainOptions& options, const tutorials::Data& data, const nn::Module& G,
                 const nn::Module& D, const Position& position) {
  std::printf("data     %s, %s\n         %s, %s\n%s\n%s%s\n", data.name.c_str(),
              data.reason.c_str(), tutorials::describe_images(data.images).c_str(),
              data.images.source.c_str(), tutorials::describe_skipped(data).c_str(),
              nn::to_string(G).c_str(), nn::to_string(D).c_str());
  const std::string done = position.step > 0 ? ", " + grouped(position.step) + " done" : "";
  std::printf("steps    %s of %s images each%s, seed %s\n", grouped(options.steps).c_str(),
              grouped(options.batch_size).c_str(), done.c_str(),
              std::to_string(options.seed).c_str());
  std::printf("kernels  %s\n", tutorials::describe_machine().c_str());
  std::printf("output   %s: samples/, metrics.csv, checkpoint.safetensors, run.json\n",
              options.out.c_str());
  std::printf("stop     Ctrl-C saves and ends; --resume --out %s goes on\n\n", options.out.c_str());
  std::fflush(stdout);
}

}  // namespace forger::dcgan
