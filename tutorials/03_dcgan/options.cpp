#include "options.h"

namespace forger::dcgan {
namespace {

using tutorials::fail_option;
using tutorials::find_option;
using tutorials::flag_option;
using tutorials::integer_option;
using tutorials::IntegerRange;
using tutorials::Kept;
using tutorials::number_option;
using tutorials::Option;
using tutorials::text_option;

// The settings of --quick. Networks of half the width take a third of the time per step and train
// as stably at a larger learning rate.
constexpr int64_t kQuickSteps = 1200, kQuickFeatures = 32, kQuickSampleEvery = 50;
constexpr double kQuickLr = 5e-4;

constexpr IntegerRange kSteps = {1, kMostSteps};
constexpr IntegerRange kSeeds = {0, INT64_MAX};
constexpr IntegerRange kCounters = {0, INT64_MAX};

std::vector<Option> position_options(Position& position) {
  return {integer_option("step", position.step, kCounters, "", Kept::kInRun),
          integer_option("latent-counter", position.latent_counter, kCounters, "", Kept::kInRun),
          integer_option("loader-epoch", position.epoch, kCounters, "", Kept::kInRun),
          integer_option("loader-batch", position.batch, kCounters, "", Kept::kInRun),
          text_option("images", position.images, "a checksum", "", Kept::kInRun)};
}

void read_values(const nn::Checkpoint& checkpoint, const std::string& source,
                 const std::vector<Option>& options) {
  for (const Option& option : options) {
    if (option.kept != Kept::kInRun) continue;
    const auto found = checkpoint.metadata.find(option.name);
    if (found == checkpoint.metadata.end()) {
      fail(source, "the metadata are incomplete", {"missing  " + option.name}, {});
    }
    // Digits have no data folder; otherwise no value is empty.
    if (option.name == "data-dir" && found->second.empty()) continue;
    set_value(option, found->second, source + ": " + option.name + " in the metadata");
  }
}

}  // namespace

std::vector<Option> train_options(TrainOptions& o) {
  std::vector<Option> options = tutorials::data_options(o.data, Kept::kInRun);
  const std::vector<Option> others = {
      integer_option("epochs", o.epochs, {1, 1'000'000}, "passes over the data (default {})"),
      integer_option("steps", o.steps, kSteps,
                     "training steps of the whole run, instead of --epochs", Kept::kInRun),
      integer_option("batch-size", o.batch_size, {1, 65536}, "images per step (default {})",
                     Kept::kInRun),
      number_option("lr", o.lr, {.low = 0, .high = 10, .with_low = false},
                    "Adam's learning rate for both networks (default {})", Kept::kInRun),
      number_option("beta1", o.beta1, {.low = 0, .high = 1, .with_high = false},
                    "Adam's decay rate for the mean gradient (default {})", Kept::kInRun),
      integer_option("latent", o.latent, {1, 4096}, "length of the random vector z (default {})",
                     Kept::kInRun),
      integer_option("features", o.features, {1, 1024},
                     "channels of the layer next to the image; each halving of the image's side "
                     "doubles them (default {})",
                     Kept::kInRun),
      integer_option("seed", o.seed, kSeeds, "seed of all random numbers (default {})",
                     Kept::kInRun),
      integer_option("sample-every", o.sample_every, kSteps,
                     "steps between sample grids, each saved with a checkpoint (default {})",
                     Kept::kInRun),
      flag_option("quick", o.quick,
                  "runs less than a minute on two cores: sets --steps " +
                      std::to_string(kQuickSteps) + " --features " +
                      std::to_string(kQuickFeatures) + " --lr " + tutorials::number_text(kQuickLr) +
                      " --sample-every " + std::to_string(kQuickSampleEvery) +
                      " unless they are given",
                  Kept::kInRun),
      text_option(
          "out", o.out, "FOLDER",
          "folder of the run (default out/dcgan, or out/dcgan-2 and so on if it holds a run)"),
      flag_option("resume", o.resume,
                  "continues the run in --out (default: the newest run) exactly as if it had not "
                  "stopped; --epochs or --steps may be larger than before"),
      integer_option("threads", o.threads, {1, 1024},
                     "number of threads; results do not depend on it (default: one per core)")};
  options.insert(options.end(), others.begin(), others.end());
  return options;
}

std::vector<Option> generate_options(GenerateOptions& o) {
  return {text_option("checkpoint", o.checkpoint, "FILE",
                      "checkpoint of a run (default: the newest in out/dcgan*)"),
          integer_option("count", o.count, {1, 10'000'000}, "number of images (default {})"),
          text_option("out", o.out, "FOLDER",
                      "output folder (default: generated/ beside the checkpoint)"),
          integer_option("seed", o.seed, kSeeds, "seed of the random vectors (default {})")};
}

std::vector<Option> interpolate_options(InterpolateOptions& o) {
  return {
      text_option("checkpoint", o.checkpoint, "FILE",
                  "checkpoint of a run (default: the newest in out/dcgan*)"),
      text_option("out", o.out, "FILE.png",
                  "output file (default: interpolation.png beside the checkpoint)"),
      integer_option("rows", o.rows, {1, 100}, "number of pairs of random vectors (default {})"),
      integer_option("columns", o.columns, {2, 100},
                     "images from one vector of a pair to the other (default {})"),
      integer_option("seed", o.seed, kSeeds, "seed of the random vectors (default {})")};
}

std::vector<Option> inspect_options(InspectOptions& o) {
  std::vector<Option> options = tutorials::data_options(o.data, Kept::kNowhere);
  options.push_back(integer_option("seed", o.seed, kSeeds, "seed of the digits (default {})"));
  options.push_back(
      text_option("out", o.out, "FILE.png", "writes a grid of the first training images"));
  return options;
}

std::map<std::string, std::string> to_metadata(TrainOptions& options, Position& position) {
  std::map<std::string, std::string> metadata = kept_values(train_options(options));
  metadata.merge(kept_values(position_options(position)));
  metadata["chapter"] = kChapter;
  return metadata;
}

void from_metadata(const nn::Checkpoint& checkpoint, const std::string& source,
                   TrainOptions& options, Position& position) {
  const auto chapter = checkpoint.metadata.find("chapter");
  if (chapter == checkpoint.metadata.end() || chapter->second != kChapter) {
    const bool none = chapter == checkpoint.metadata.end();
    fail(source, "not a checkpoint of this chapter",
         {"found    " + (none ? "no chapter in the metadata" : "chapter " + chapter->second),
          std::string("expected chapter ") + kChapter},
         {});
  }
  read_values(checkpoint, source, train_options(options));
  read_values(checkpoint, source, position_options(position));
  if (position.step > options.steps) {
    fail(
        source, "the metadata contradict each other",
        {"found    step " + std::to_string(position.step) + " of " + std::to_string(options.steps)},
        {});
  }
}

void apply_quick(TrainOptions& options, const std::vector<Option>& given) {
  const auto open = [&](const char* name) { return !find_option(given, name).given; };
  if (open("steps") && open("epochs")) options.steps = kQuickSteps;
  if (open("features")) options.features = kQuickFeatures;
  if (open("lr")) options.lr = kQuickLr;
  if (open("sample-every")) options.sample_every = kQuickSampleEvery;
}

void continue_run(TrainOptions& options, TrainOptions& stored, const std::vector<Option>& given) {
  const std::vector<Option> stored_options = train_options(stored);
  for (const Option& option : given) {
    if (!option.given || option.kept != Kept::kInRun || option.name == "steps") continue;
    const std::string found = value_text(option);
    const std::string expected = value_text(find_option(stored_options, option.name));
    if (found == expected) continue;
    fail_option("--" + option.name, "not that of the run to be continued", found, expected);
  }
  const TrainOptions call = options;
  options = stored;
  options.out = call.out;
  options.resume = true;
  options.threads = call.threads;
  if (find_option(given, "steps").given) {
    options.steps = call.steps;
  } else if (find_option(given, "epochs").given) {
    options.epochs = call.epochs;
    options.steps = 0;
  }
}

}  // namespace forger::dcgan
