#include "tutorials/common/experiment_result.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/error.h"

namespace forger::tutorials {

Summary summarise(const std::vector<double>& values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {sum / static_cast<double>(values.size()), *least, *most};
}

double gap(const Prediction& prediction, const Summary& summary) {
  if (prediction.relation == Relation::kNone) {
    throw Error(prediction.quantity + ": nothing is predicted");
  }
  return summary.mean - prediction.value;
}

bool is_fulfilled(const Prediction& prediction, const Summary& summary) {
  switch (prediction.relation) {
    case Relation::kAbout:
      return std::fabs(summary.mean - prediction.value) <= prediction.tolerance;
    case Relation::kAtLeast:
      return summary.mean >= prediction.value;
    case Relation::kAtMost:
      return summary.mean <= prediction.value;
    default:
      return false;
  }
}

const std::vector<double>& numbers_of(const Measurement& measurement, const std::string& quantity) {
  for (const Series& series : measurement.series()) {
    if (series.quantity == quantity && series.points[0].first.axis.empty()) {
      return series.points[0].second;
    }
  }
  throw Error(quantity + ": predicted, but not recorded");
}

}  // namespace forger::tutorials
