#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tutorials/common/experiment.h"
#include "tutorials/common/experiment_inputs.h"
#include "tutorials/common/fork.h"
#include "tutorials/common/options.h"

/// The JSON files that record runs and experiments. They share one source file, because the JSON
/// library takes long to compile.
namespace forger::tutorials {

/// Writes run.json: the chapter, the options, the forks if there are any, and the commit, compiler,
/// kernel set, number of threads and wait policy that the run was made with.
void write_run_json(const std::filesystem::path& path, const std::string& chapter,
                    const std::vector<Option>& options, const std::vector<Fork>& forks);

/// Returns forks as JSON, for a checkpoint's metadata:
///
///     [{"run": "/out/gan", "step": 500, "changes": {"lr": {"before": "0.1", "after": "0.01"}}}]
std::string forks_text(const std::vector<Fork>& forks);
/// Reads them back. Throws Error with this title unless the text is like that.
std::vector<Fork> parse_forks(const std::string& text, const std::string& title);

/// Writes the pictures into the result's folder, which must exist, and then the result. `reader` is
/// the reader's own prediction, or NaN.
void write_result(const std::filesystem::path& file, const Experiment& experiment,
                  const Inputs& inputs, const Measurement& measurement, double reader);

/// What is read from the file of an earlier result.
struct Recorded {
  std::string checksum;                 // of the inputs
  std::map<std::string, double> means;  // of the quantities without an axis
};
/// Returns an empty checksum and no means if there is no such file, or if it is damaged.
Recorded read_result(const std::filesystem::path& file);

}  // namespace forger::tutorials
