#pragma once

#include <map>
#include <string>
#include <vector>

#include "networks.h"
#include "nn/state.h"
#include "tutorials/common/data.h"
#include "tutorials/common/options.h"

/// The options of the command line, and how a checkpoint keeps them.
namespace forger::dcgan {

constexpr const char* kChapter = "dcgan";

// The steps of a run. Adam counts them in a float, which is exact up to 2^24.
constexpr int64_t kMostSteps = 10'000'000;

// Streams of random numbers, one per purpose, so that none depends on what another draws. (Those of
// the loader begin with L, those of the digits with D.)
constexpr uint64_t kTrainingStream = uint64_t{'Z'} << 56;  // z of the training steps
constexpr uint64_t kSampleStream = uint64_t{'S'} << 56;    // z of the sample grids
constexpr uint64_t kGenerateStream = uint64_t{'G'} << 56;
constexpr uint64_t kInterpolateStream = uint64_t{'I'} << 56;

struct TrainOptions {
  tutorials::DataOptions data;
  int64_t epochs = 4;
  int64_t steps = 0;  // of the whole run; 0: as many as the epochs have
  int64_t batch_size = 64;
  double lr = 2e-4, beta1 = 0.5;  // Radford et al. 2015, section 4
  int64_t latent = 100, features = 64;
  int64_t seed = 0;
  int64_t sample_every = 100;
  bool quick = false;
  std::string out;
  bool resume = false;
  int64_t threads = 0;  // 0: OpenMP's choice

  NetworkOptions network() const { return {data.image_size, data.channels, latent, features}; }
};
std::vector<tutorials::Option> train_options(TrainOptions& options);

struct GenerateOptions {
  std::string checkpoint, out;
  int64_t count = 10000, seed = 0;
};
std::vector<tutorials::Option> generate_options(GenerateOptions& options);

struct InterpolateOptions {
  std::string checkpoint, out;
  int64_t rows = 8, columns = 10, seed = 0;
};
std::vector<tutorials::Option> interpolate_options(InterpolateOptions& options);

struct InspectOptions {
  tutorials::DataOptions data;
  int64_t seed = 0;
  std::string out;
};
std::vector<tutorials::Option> inspect_options(InspectOptions& options);

/// The position of a run. With its options and its tensors this is its whole state.
struct Position {
  int64_t step = 0;              // steps done
  int64_t latent_counter = 0;    // random numbers drawn for z so far
  int64_t epoch = 0, batch = 0;  // of the loader
  std::string images;            // fingerprint() of the data
};

/// Returns a checkpoint's metadata. They hold neither time nor machine, so equal runs give equal
/// files.
std::map<std::string, std::string> to_metadata(TrainOptions& options, Position& position);
/// Reads metadata back. Throws Error naming `source` unless they are of a run of this chapter and
/// all values are in range.
void from_metadata(const nn::Checkpoint& checkpoint, const std::string& source,
                   TrainOptions& options, Position& position);

/// Applies --quick: sets every option that was not given itself, so that the run ends within a
/// minute on two cores.
void apply_quick(TrainOptions& options, const std::vector<tutorials::Option>& given);

/// Applies --resume: takes everything that defines the run from `stored`, the options in its
/// checkpoint. Throws UsageError if an option other than --epochs and --steps was given with
/// another value.
void continue_run(TrainOptions& options, TrainOptions& stored,
                  const std::vector<tutorials::Option>& given);

}  // namespace forger::dcgan
