#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tutorials/common/experiment.h"
#include "tutorials/common/experiment_inputs.h"

/// The file of an experiment's result, results/1.3.json, and the comparison with the predictions.
namespace forger::tutorials {

/// The mean and the range of a quantity's numbers.
struct Summary {
  double mean, least, most;
};
Summary summarise(const std::vector<double>& values);

/// Returns the mean minus the predicted value. Throws Error if nothing is predicted.
double gap(const Prediction& prediction, const Summary& summary);
/// True if the mean is in the predicted range. False if nothing is predicted.
bool is_fulfilled(const Prediction& prediction, const Summary& summary);

/// Returns the numbers of a quantity that has no axis. Throws Error if there are none.
const std::vector<double>& numbers_of(const Measurement& measurement, const std::string& quantity);

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
