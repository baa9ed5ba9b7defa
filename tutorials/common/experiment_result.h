#pragma once

#include <string>
#include <vector>

#include "tutorials/common/experiment.h"

/// What an experiment measured, beside its predictions.
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

}  // namespace forger::tutorials
