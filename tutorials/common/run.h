#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograd/random.h"
#include "nn/data/image.h"
#include "nn/data/loader.h"
#include "nn/file.h"
#include "nn/module.h"
#include "nn/state.h"
#include "tutorials/common/data.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/run_folder.h"
#include "tutorials/common/run_options.h"

namespace forger::tutorials {

/// What a chapter's training does beside its game: the run's folder, the images, checkpoints,
/// --resume, --fork, pictures, metrics, progress and signals. The training loop stays in the
/// chapter:
///
///     Run run(kChapter, options.run, table);
///     const nn::ImageSet& images = run.load_images();  // unless the game has no images
///     ... networks, optimizers, loader ...
///     run.begin({{"G.", G.state()}, ...}, {&G, &D}, loader, &latent);
///     if (run.is_new()) run.save(contact_sheet(draw(G, sample_z)));
///     while (run.next_step()) {
///       ... one step of the game ...
///       run.log({{"loss_D", loss_d.item()}, ...});
///       if (run.save_is_due()) run.save(contact_sheet(draw(G, sample_z)));
///     }
///     return run.end();
class Run {
 public:
  /// Completes the options, by --quick or from the checkpoint of the run to be continued. `table`
  /// is the table of `options`, as the command line left it. Writes nothing. Throws UsageError
  /// rather than overwrite an earlier run.
  Run(const Chapter& chapter, RunOptions& options, std::vector<Option>& table);

  /// Loads the images that --data names, and completes the image size and the channels. Throws
  /// UsageError or Error like load_data(), and if --resume finds other images than the run had.
  const nn::ImageSet& load_images();
  /// Makes the file that an option names (a text option, Kept::kUntilResume) the data of a run
  /// without images. Returns its absolute path, which it also gives the option. Throws Error if the
  /// file cannot be read, and if --resume finds another file than the run had; it may have moved.
  std::filesystem::path use_file(const std::string& option);
  uint64_t seed() const { return static_cast<uint64_t>(options_.seed); }

  /// The tensors that a checkpoint holds, in parts: the prefix of their names, and the tensors.
  using Parts = std::vector<std::pair<std::string, nn::NamedTensors>>;
  /// Registers the state that a checkpoint stores, and restores it for --resume. Creates the run's
  /// folder and prints the first lines, which show `networks`. Every step must draw
  /// `batches_per_step` batches from `loader`, which loads from load_images(). `latent` is the
  /// stream of a game's random vectors, if it has any. Both must outlive the run.
  void begin(const Parts& parts, const std::vector<const nn::Module*>& networks, nn::Loader& loader,
             Random* latent = nullptr, int64_t batches_per_step = 1);
  /// The same for a game without images. Its run has no epochs, so RunOptions::steps must have a
  /// default. Everything that a step draws comes from `latent`, or from the number of the step.
  /// Throws UsageError if --epochs or an option about images was given.
  void begin(const Parts& parts, const std::vector<const nn::Module*>& networks,
             Random* latent = nullptr);
  /// The number of the current step, from 1; 0 before the first.
  int64_t step() const { return position_.step; }
  /// True before the first step.
  bool is_new() const { return position_.step == 0; }

  /// Begins a step. Returns false when the run has all its steps or a signal arrived.
  bool next_step();
  /// Ends a step: appends the metrics to metrics.csv and shows them. Throws Error if one is not
  /// finite; the last checkpoint is then of an earlier step.
  void log(const Metrics& metrics);
  /// True every --sample-every and --keep-every steps and after the last.
  bool save_is_due() const;
  /// Writes a checkpoint, and at most every ten seconds the report.
  void save();
  /// Writes the picture to samples/ as well.
  void save(const nn::Image& picture);
  /// Saves if a signal ended the loop, writes the report, prints how to go on, and returns the exit
  /// status.
  int end();

 private:
  void prepare_new();
  void prepare_resume();
  void check_images();
  void start(const std::vector<const nn::Module*>& networks);
  void restore();
  void seek();
  int64_t steps_of(int64_t epochs) const;
  void count_steps();
  void check_steps(const char* option) const;
  void create_folder();
  void fork();
  void write_settings() const;
  void print_start(const std::vector<const nn::Module*>& networks) const;
  bool is_kept(int64_t step) const;
  void save_checkpoint();

  const Chapter& chapter_;
  RunOptions& options_;
  std::vector<Option>& table_;
  std::optional<FolderLock> lock_;
  nn::Checkpoint checkpoint_;     // read for --resume; empty after begin()
  std::filesystem::path source_;  // the file of that checkpoint
  Data data_;                     // no images in a run without
  Position position_;
  std::filesystem::path folder_;

  Parts parts_;
  nn::Loader* loader_ = nullptr;  // null without images
  Random* latent_ = nullptr;
  int64_t batches_per_step_ = 1;
  int64_t epoch_ = 0;  // of the current step, from 1; 0 without images
  int64_t saved_step_ = -1;
  std::optional<std::chrono::steady_clock::time_point> reported_at_;
  std::optional<nn::CsvWriter> metrics_;  // begins with the first row, which names the columns
  std::optional<Progress> progress_;
};

}  // namespace forger::tutorials
