#pragma once

#include "nn/data/loader.h"
#include "options.h"

/// What happens before the first step: which run this is, with which data, from where to where.
namespace forger::dcgan {

/// Completes the options by --quick or, for --resume, by the run that is continued, whose
/// checkpoint it returns. Sets --out to the run's folder; an earlier run is never overwritten.
nn::Checkpoint prepare(TrainOptions& options, const std::vector<tutorials::Option>& given,
                       Position& position);

/// Throws unless there are images for a batch and, in a run that is continued, the same as at its
/// beginning. Notes their checksum.
void check_data(const TrainOptions& options, const tutorials::Data& data, Position& position);

/// Puts the loader where the run stands. Throws Error when the metadata contradict each other.
void seek(nn::Loader& loader, const Position& position, const std::string& source);

/// Fills in --steps from --epochs, or the other way round. Throws UsageError when the run has more
/// steps behind it.
void count_steps(TrainOptions& options, int64_t steps_per_epoch, const Position& position);

/// What is trained, on what, and where it goes.
void print_start(const TrainOptions& options, const tutorials::Data& data, const nn::Module& G,
                 const nn::Module& D, const Position& position);

}  // namespace forger::dcgan
