#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace forger::tutorials {

/// metrics.csv as columns of numbers. The first column is "step" and increases.
struct MetricsTable {
  std::vector<std::string> names;            // "step", "epoch", "loss_D", ...
  std::vector<std::vector<double>> columns;  // one per name, all of the same length

  const std::vector<double>& steps() const { return columns.front(); }
  /// Returns the column of that name, or nullptr if there is none.
  const std::vector<double>* find(const std::string& name) const;
};

/// Reads the text of metrics.csv. A line that is no complete row, such as the last one of a program
/// that was killed, is left out, and so is a row whose step is not above the one before. Throws
/// Error, naming `source`, unless the first column is "step".
MetricsTable parse_metrics(const std::string& text, const std::string& source);

/// A column for a chart. Each point stands for the same number of rows.
struct ThinnedColumn {
  std::vector<double> mean, low, high;  // of the finite values; NaN if there are none
};

/// Returns how many rows a point stands for, if `rows` become at most `most_points` points.
size_t rows_per_point(size_t rows, size_t most_points);
ThinnedColumn thin(const std::vector<double>& column, size_t rows_per_point);
/// Returns the step in the middle of each point's rows.
std::vector<int64_t> thin_steps(const std::vector<double>& steps, size_t rows_per_point);

}  // namespace forger::tutorials
