#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nn/state.h"
#include "tutorials/common/data.h"
#include "tutorials/common/fork.h"
#include "tutorials/common/options.h"
#include "tutorials/common/report_page.h"

/// The options that every chapter's training has, and how a checkpoint keeps them.
namespace forger::tutorials {

/// The most steps of a run. Adam counts them in a float, which is exact up to 2^24.
constexpr int64_t kMostSteps = 10'000'000;
constexpr IntegerRange kSeeds = {0, INT64_MAX};

/// What the common code needs to know of a chapter.
struct Chapter {
  std::string name;  // "dcgan": names its program, its checkpoints and its runs in out/
  /// The options that --quick sets unless they are given, with their values: {"steps", "1200"}.
  std::vector<std::pair<std::string, std::string>> quick;
  std::string next;  // the commands that use what was trained: "generate, interpolate"
  ReportText report;
  bool uses_labels = false;  // the labels then belong to what identifies a run's images
};

struct RunOptions {
  DataOptions data = {};
  int64_t epochs = 4;
  int64_t steps = 0;  // of the whole run; 0: as many as the epochs have. Without images never 0
  int64_t batch_size = 64;
  int64_t seed = 0;
  int64_t sample_every = 100;
  int64_t keep_every = 0;  // 0: only the last checkpoint is kept
  bool quick = false;
  std::string out = {};
  bool resume = false;
  std::string fork = {};  // folder of a new run that continues the one in `out`; empty: none
  int64_t at = -1;        // step of the checkpoint that is forked; -1: the last one
  int64_t threads = 0;    // 0: OpenMP's choice
};
/// Returns the table of a chapter's training options: the common ones, and `own` after the batch
/// size.
std::vector<Option> run_options(RunOptions& options, const Chapter& chapter,
                                const std::vector<Option>& own);

/// The position of a run. With its options and its tensors this is its whole state.
struct Position {
  int64_t step = 0;              // steps done
  int64_t latent_counter = 0;    // random numbers drawn so far
  int64_t epoch = 0, batch = 0;  // of the loader
  std::string images;            // identity() of the images; empty in a run without images
  std::string file;              // size and checksum of a run's data file; empty if it has none
  std::vector<Fork> forks;       // through which the run came to be, the oldest first
};

/// Returns the options that apply to a run: all but --fork and --at, which the run's forks record.
/// Without images, those about images and epochs do not apply.
std::vector<Option> applying_options(const std::vector<Option>& table, bool with_images);

/// Returns what identifies a run's images, wherever they are: their fingerprint(), and a checksum
/// of the labels if the chapter uses them.
std::string identity(const Chapter& chapter, const nn::ImageSet& images);
/// Throws Error unless `expected` is the identity() of the images.
void check_identity(const Chapter& chapter, const nn::ImageSet& images,
                    const std::string& expected);

/// Returns a checkpoint's metadata. They hold neither time nor machine, so equal runs give equal
/// files.
std::map<std::string, std::string> to_metadata(const Chapter& chapter,
                                               const std::vector<Option>& table, Position position);
/// Reads metadata back into the table's variables. Throws Error naming `source` unless they are of
/// a run of this chapter and all values are in range.
void from_metadata(const nn::Checkpoint& checkpoint, const std::string& source,
                   const Chapter& chapter, const std::vector<Option>& table, Position& position);

/// Applies --quick: sets the chapter's quick values for options that were not given. Given epochs
/// count as given steps.
void apply_quick(const Chapter& chapter, const std::vector<Option>& table);

/// Applies --resume and --fork: takes everything that defines the run from its checkpoint. Throws
/// UsageError if an option was given with another value that Option::kept does not allow. Data may
/// have moved; their checksum identifies them. A fork is appended to position.forks.
void continue_run(RunOptions& options, const std::vector<Option>& table, const Chapter& chapter,
                  const nn::Checkpoint& checkpoint, const std::string& source, Position& position);

}  // namespace forger::tutorials
