#include "tutorials/common/metrics_table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "autograd/error.h"

namespace forger::tutorials {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> names;
  std::istringstream parts(line);
  for (std::string name; std::getline(parts, name, ',');) names.push_back(name);
  return names;
}

/// Reads the numbers of a line into `row`. Returns false unless there are as many as it holds.
bool parse_row(const std::string& line, std::vector<double>& row) {
  const char* at = line.c_str();
  for (size_t i = 0; i < row.size(); ++i) {
    char* end = nullptr;
    row[i] = std::strtod(at, &end);
    const bool last = i + 1 == row.size();
    if (end == at || *end != (last ? '\0' : ',')) return false;
    at = end + 1;
  }
  return true;
}

/// Rounds to five digits, which are more than a chart can show.
double rounded(double number) {
  if (number == 0 || !std::isfinite(number)) return number;
  const double scale = std::pow(10.0, 4 - std::floor(std::log10(std::fabs(number))));
  return std::isfinite(scale) ? std::round(number * scale) / scale : 0;
}

}  // namespace

const std::vector<double>* MetricsTable::find(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : &columns[static_cast<size_t>(found - names.begin())];
}

MetricsTable parse_metrics(const std::string& text, const std::string& source) {
  MetricsTable table;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  table.names = split(line);
  if (table.names.empty() || table.names[0] != "step") {
    fail(source, "not a table of metrics", {"expected \"step\" as the first column"}, {});
  }
  table.columns.resize(table.names.size());
  std::vector<double> row(table.names.size());
  // At the end of the file, a line without a line break may be the beginning of a row.
  while (std::getline(lines, line) && !lines.eof()) {
    if (!parse_row(line, row) || !std::isfinite(row[0])) continue;
    if (!table.steps().empty() && row[0] <= table.steps().back()) continue;
    for (size_t i = 0; i < row.size(); ++i) table.columns[i].push_back(row[i]);
  }
  return table;
}

size_t rows_per_point(size_t rows, size_t most_points) {
  return std::max<size_t>(1, (rows + most_points - 1) / most_points);
}

ThinnedColumn thin(const std::vector<double>& column, size_t rows_per_point) {
  ThinnedColumn thinned;
  for (size_t begin = 0; begin < column.size(); begin += rows_per_point) {
    const size_t end = std::min(begin + rows_per_point, column.size());
    double sum = 0, count = 0, low = kNaN, high = kNaN;
    for (size_t i = begin; i < end; ++i) {
      if (!std::isfinite(column[i])) continue;
      sum += column[i];
      count += 1;
      low = std::fmin(low, column[i]);  // the number, if the other is NaN
      high = std::fmax(high, column[i]);
    }
    thinned.mean.push_back(rounded(sum / count));
    thinned.low.push_back(rounded(low));
    thinned.high.push_back(rounded(high));
  }
  return thinned;
}

std::vector<int64_t> thin_steps(const std::vector<double>& steps, size_t rows_per_point) {
  std::vector<int64_t> thinned;
  for (size_t begin = 0; begin < steps.size(); begin += rows_per_point) {
    const size_t end = std::min(begin + rows_per_point, steps.size());
    thinned.push_back(static_cast<int64_t>(steps[begin + (end - begin) / 2]));
  }
  return thinned;
}

}  // namespace forger::tutorials
