#pragma once

#include "nn/data/loader.h"
#include "options.h"

/// The preparations before the first step: which run, which data, from which step to which.
namespace forger::dcgan {

/// Completes the options: by --quick, or for --resume from the checkpoint of the run to be
/// continued, which it returns. Sets --out to the run's folder. Throws UsageError rather than
/// overwrite an earlier run.
nn::Checkpoint prepare(TrainOptions& options, const std::vector<tutorials::Option>& given,
                       Position& position);

/// Throws unless there are enough images for a batch and, in a run that is continued, they are
/// those of its beginning. Notes their checksum.
void check_data(const TrainOptions& options, const tutorials::Data& data, Position& position);

/// Sets the loader to the position of the run. Throws Error when the metadata contradict each
/// other.
void seek(nn::Loader& loader, const Position& position, const std::string& source);

/// Fills in --steps from --epochs, or the other way round. Throws UsageError when the run has done
/// more steps already.
void count_steps(TrainOptions& options, int64_t steps_per_epoch, const Position& position);

/// Prints the data, the networks, the number of steps and the folder of the run.
void print_start(const TrainOptions& options, const tutorials::Data& data, const nn::Module& G,
                 const nn::Module& D, const Position& position);

}  // namespace forger::dcgan
