#include "tutorials/common/run_options.h"

#include <algorithm>

#include "nn/escape.h"

namespace forger::tutorials {
namespace {

constexpr IntegerRange kSteps = {1, kMostSteps};
constexpr IntegerRange kCounters = {0, INT64_MAX};

std::vector<Option> position_options(Position& position) {
  return {integer_option("step", position.step, kCounters, "", Kept::kInRun),
          integer_option("latent-counter", position.latent_counter, kCounters, "", Kept::kInRun),
          integer_option("loader-epoch", position.epoch, kCounters, "", Kept::kInRun),
          integer_option("loader-batch", position.batch, kCounters, "", Kept::kInRun),
          text_option("images", position.images, "a checksum", "", Kept::kInRun)};
}

/// True for an option that metadata lack in some runs: digits have no data folder, and keep-every
/// is younger than the format.
bool may_be_absent(const std::string& name) { return name == "data-dir" || name == "keep-every"; }

void read_values(const nn::Checkpoint& checkpoint, const std::string& source,
                 const std::vector<Option>& options) {
  for (const Option& option : options) {
    if (option.kept != Kept::kInRun) continue;
    const auto found = checkpoint.metadata.find(option.name);
    const bool absent = found == checkpoint.metadata.end();
    if (may_be_absent(option.name) && (absent || found->second.empty())) continue;
    if (absent) fail(source, "the metadata are incomplete", {"missing  " + option.name}, {});
    set_value(option, nn::unescape(found->second),
              source + ": " + option.name + " in the metadata");
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
  std::vector<Option> options = data_options(o.data, Kept::kInRun);
  const auto add = [&](const std::vector<Option>& more) {
    options.insert(options.end(), more.begin(), more.end());
  };
  add({integer_option("epochs", o.epochs, {1, 1'000'000}, "passes over the data (default {})"),
       integer_option("steps", o.steps, kSteps,
                      "training steps of the whole run, instead of --epochs", Kept::kInRun),
       integer_option("batch-size", o.batch_size, {1, 65536}, "images per step (default {})",
                      Kept::kInRun)});
  add(own);
  add({integer_option("seed", o.seed, kSeeds, "seed of all random numbers (default {})",
                      Kept::kInRun),
       integer_option("sample-every", o.sample_every, kSteps,
                      "steps between sample grids, each saved with a checkpoint (default {})",
                      Kept::kInRun),
       integer_option("keep-every", o.keep_every, kSteps,
                      "also keeps a checkpoint in checkpoints/ every N steps, and the last one "
                      "(default: none)",
                      Kept::kInRun),
       flag_option("quick", o.quick, quick_text(chapter), Kept::kInRun),
       text_option("out", o.out, "FOLDER",
                   "folder of the run (default out/" + chapter.name + ", or out/" + chapter.name +
                       "-2 and so on if it holds a run)"),
       flag_option("resume", o.resume,
                   "continues the run in --out (default: the newest run) exactly as if it had not "
                   "stopped; --epochs or --steps may be larger than before"),
       integer_option("threads", o.threads, {1, 1024},
                      "number of threads; results do not depend on it (default: one per core)")});
  return options;
}

std::map<std::string, std::string> to_metadata(const Chapter& chapter,
                                               const std::vector<Option>& table,
                                               Position position) {
  std::map<std::string, std::string> metadata = kept_values(table);
  if (metadata.at("keep-every") == "0") metadata.erase("keep-every");
  metadata.merge(kept_values(position_options(position)));
  for (auto& [name, value] : metadata) value = nn::escape(value);  // paths may not be UTF-8
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
  read_values(checkpoint, source, table);
  read_values(checkpoint, source, position_options(position));
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
  const RunOptions call = options;
  std::map<std::string, std::string> given;
  for (const Option& option : table) {
    if (option.given) given[option.name] = value_text(option);
  }
  from_metadata(checkpoint, source, chapter, table, position);
  for (const Option& option : table) {
    if (option.kept != Kept::kInRun || !given.contains(option.name)) continue;
    const std::string& name = option.name;
    if (name == "steps" || name == "keep-every" || name == "data" || name == "data-dir") continue;
    if (given[name] != value_text(option)) {
      fail_option("--" + name, "not that of the run to be continued", given[name],
                  value_text(option));
    }
  }
  if (given.contains("steps")) {
    options.steps = call.steps;
  } else if (given.contains("epochs")) {
    options.steps = 0;
  }
  if (given.contains("keep-every")) options.keep_every = call.keep_every;
  if (given.contains("data") || given.contains("data-dir")) {
    if (given.contains("data")) options.data.data = call.data.data;
    options.data.data_dir = call.data.data_dir;
  }
}

}  // namespace forger::tutorials
