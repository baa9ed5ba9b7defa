#include "tutorials/common/run_options.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/escape.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/records.h"

namespace forger::tutorials {
namespace {

constexpr IntegerRange kSteps = {1, kMostSteps};
constexpr IntegerRange kCounters = {0, INT64_MAX};

constexpr const char* kImageOptions[] = {"data", "data-dir", "image-size", "channels", "epochs"};

/// The position as options, except for the forks.
std::vector<Option> position_options(Position& position, bool with_images) {
  std::vector<Option> options = {
      integer_option("step", position.step, kCounters, "", Kept::kInRun),
      integer_option("latent-counter", position.latent_counter, kCounters, "", Kept::kInRun),
      text_option("file", position.file, "a checksum", "", Kept::kInRun)};
  if (with_images) {
    options.push_back(integer_option("loader-epoch", position.epoch, kCounters, "", Kept::kInRun));
    options.push_back(integer_option("loader-batch", position.batch, kCounters, "", Kept::kInRun));
    options.push_back(text_option("images", position.images, "a checksum", "", Kept::kInRun));
  }
  return options;
}

/// True for an option that metadata lack in some runs: digits have no data folder, few runs have a
/// data file, and keep-every is younger than the format.
bool may_be_absent(const std::string& name) {
  return name == "data-dir" || name == "keep-every" || name == "file";
}

void read_values(const nn::Checkpoint& checkpoint, const std::string& source,
                 const std::vector<Option>& options) {
  for (const Option& option : options) {
    if (option.kept == Kept::kNowhere) continue;
    const auto found = checkpoint.metadata.find(option.name);
    const bool absent = found == checkpoint.metadata.end();
    if (absent && !may_be_absent(option.name)) {
      fail(source, "the metadata are incomplete", {"missing  " + option.name}, {});
    }
    const std::string value = absent ? "" : nn::unescape(found->second);
    auto* const* text = std::get_if<std::string*>(&option.value);
    if (text != nullptr) **text = value;  // may be empty: there was no data file
    if (text != nullptr || absent) continue;
    set_value(option, value, source + ": " + option.name + " in the metadata");
  }
}

/// The sentence about --quick for --help: "sets --steps 1200 --features 32 unless they are given".
std::string quick_text(const Chapter& chapter) {
  std::string text = "runs less than a minute on two cores: sets";
  for (const auto& [name, value] : chapter.quick) text += " --" + name + " " + value;
  return text + " unless they are given";
}

}  // namespace

std::vector<Option> run_options(RunOptions& o, const Chapter& chapter,
                                const std::vector<Option>& own) {
  std::vector<Option> options = data_options(o.data, Kept::kInForks);
  for (Option& option : options) {
    if (option.name.starts_with("data")) option.kept = Kept::kUntilResume;
  }
  const bool by_epochs = o.steps == 0;
  const auto add = [&](const std::vector<Option>& more) {
    options.insert(options.end(), more.begin(), more.end());
  };
  add({integer_option("epochs", o.epochs, {1, 1'000'000},
                      by_epochs ? "passes over the data (default {})"
                                : "passes over the images, instead of --steps"),
       integer_option("steps", o.steps, kSteps,
                      by_epochs ? "training steps of the whole run, instead of --epochs"
                                : "training steps of the whole run (default {})",
                      Kept::kUntilResume),
       integer_option("batch-size", o.batch_size, {1, 65536},
                      std::string(by_epochs ? "images" : "examples") + " per step (default {})",
                      Kept::kInRun)});
  add(own);
  add({integer_option("seed", o.seed, kSeeds, "seed of all random numbers (default {})",
                      Kept::kInForks),
       integer_option("sample-every", o.sample_every, kSteps,
                      "steps between pictures in samples/, each saved with a checkpoint "
                      "(default {})",
                      Kept::kInRun),
       integer_option("keep-every", o.keep_every, kSteps,
                      "also keeps a checkpoint in checkpoints/ every N steps, and the last one "
                      "(default: none)",
                      Kept::kUntilResume),
       flag_option("quick", o.quick, quick_text(chapter), Kept::kInForks),
       text_option("out", o.out, "FOLDER",
                   "folder of the run (default out/" + chapter.name + ", or out/" + chapter.name +
                       "-2 and so on if it holds a run)"),
       flag_option("resume", o.resume,
                   "continues the run in --out (default: the newest run) exactly as if it had not "
                   "stopped; --epochs or --steps may be larger than before"),
       text_option("fork", o.fork, "NEW",
                   "with --resume: leaves that run as it is and continues it in this new folder. "
                   "Other options may change from there on, except for shapes, data and seed"),
       integer_option("at", o.at, {0, kMostSteps},
                      "with --fork: the step from which it continues, of which --keep-every has "
                      "kept a checkpoint (default: the last)"),
       integer_option("threads", o.threads, {1, 1024},
                      "number of threads; results do not depend on it (default: one per core)")});
  return options;
}

std::vector<Option> applying_options(const std::vector<Option>& table, bool with_images) {
  std::vector<Option> options;
  for (const Option& option : table) {
    const bool image_option = std::find(std::begin(kImageOptions), std::end(kImageOptions),
                                        option.name) != std::end(kImageOptions);
    if (option.name == "fork" || option.name == "at") continue;
    if (with_images || !image_option) options.push_back(option);
  }
  return options;
}

std::string identity(const Chapter& chapter, const nn::ImageSet& images) {
  if (!chapter.uses_labels) return fingerprint(images);
  std::string labels;
  for (const int label : images.labels) labels += std::to_string(label) + ",";
  return fingerprint(images) + ", of the labels " + checksum(labels);
}

void check_identity(const Chapter& chapter, const nn::ImageSet& images,
                    const std::string& expected) {
  const std::string found = identity(chapter, images), pixels = fingerprint(images);
  if (found == expected) return;
  if (!expected.starts_with(pixels)) check_same_images(images, expected);
  fail(images.source, "not the labels with which the run began",
       {"found    " + found, "expected " + expected}, {});
}

std::map<std::string, std::string> to_metadata(const Chapter& chapter,
                                               const std::vector<Option>& table,
                                               Position position) {
  const bool with_images = !position.images.empty();
  std::map<std::string, std::string> metadata = kept_values(applying_options(table, with_images));
  if (metadata.at("keep-every") == "0") metadata.erase("keep-every");
  metadata.merge(kept_values(position_options(position, with_images)));
  if (position.file.empty()) metadata.erase("file");
  for (auto& [name, value] : metadata) value = nn::escape(value);  // paths may not be UTF-8
  if (!position.forks.empty()) metadata["forks"] = forks_text(position.forks);
  metadata["chapter"] = chapter.name;
  return metadata;
}

void from_metadata(const nn::Checkpoint& checkpoint, const std::string& source,
                   const Chapter& chapter, const std::vector<Option>& table, Position& position) {
  const auto found = checkpoint.metadata.find("chapter");
  const bool none = found == checkpoint.metadata.end();
  if (none || found->second != chapter.name) {
    fail(source, "not a checkpoint of this chapter",
         {"found    " + (none ? "no chapter in the metadata" : "chapter " + found->second),
          "expected chapter " + chapter.name},
         {});
  }
  const bool with_images = checkpoint.metadata.contains("images");
  read_values(checkpoint, source, applying_options(table, with_images));
  read_values(checkpoint, source, position_options(position, with_images));
  if (const auto forks = checkpoint.metadata.find("forks"); forks != checkpoint.metadata.end()) {
    position.forks = parse_forks(forks->second, source + ": forks in the metadata");
  }
  const std::string step = std::to_string(position.step);
  const std::string steps = value_text(find_option(table, "steps"));
  if (position.step > std::stoll(steps)) {
    fail(source, "the metadata contradict each other", {"found    step " + step + " of " + steps},
         {});
  }
}

void apply_quick(const Chapter& chapter, const std::vector<Option>& table) {
  const auto given = [&](const char* name) { return find_option(table, name).given; };
  for (const auto& [name, value] : chapter.quick) {
    const Option& option = find_option(table, name);
    if (option.given || (name == "steps" && given("epochs"))) continue;
    set_value(option, value, "--quick: " + name);
  }
}

void continue_run(RunOptions& options, const std::vector<Option>& table, const Chapter& chapter,
                  const nn::Checkpoint& checkpoint, const std::string& source, Position& position) {
  // The command line's values, before the checkpoint's take their place.
  std::map<std::string, std::string> given;
  for (const Option& option : table) {
    if (option.given) given[option.name] = value_text(option);
  }
  from_metadata(checkpoint, source, chapter, table, position);
  const bool forks = !options.fork.empty();
  std::vector<Change> changes;
  for (const Option& option : table) {
    if (option.kept == Kept::kNowhere || !given.contains(option.name)) continue;
    const std::string name = "--" + option.name, &value = given[option.name],
                      kept = value_text(option);
    if (value == kept) continue;
    if (option.kept == Kept::kInForks && forks) {
      fail_option(name, "a fork cannot change this", value, kept + ", as in the run to be forked");
    }
    if (option.kept != Kept::kUntilResume) {
      if (!forks) fail_option(name, "not that of the run to be continued", value, kept);
      changes.push_back({option.name, nn::escape(kept), nn::escape(value)});
    }
    set_value(option, value, name);
  }
  if (given.contains("epochs") && !given.contains("steps")) options.steps = 0;
  if (given.contains("data") && !given.contains("data-dir")) options.data.data_dir.clear();
  if (forks) {
    position.forks.push_back(
        {nn::escape(nn::absolute_path(options.out).string()), position.step, changes});
  }
}

}  // namespace forger::tutorials
