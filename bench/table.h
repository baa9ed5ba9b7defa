#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace forger::bench {

/// The results of contender `who` in one comparison: for each repetition a rate in flops a second.
struct Row {
  std::string kernel, shape, who;
  int threads;
  std::vector<double> rates;
  std::vector<double> peaks, peaks_after;  // measure_peak(): on its own, and right after the rate
};

/// Collects the runs of the comparisons and prints each comparison as rows of one table. A row has
/// the median rate, its spread, and for each peer the median of the ratios within a repetition.
class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;

  /// Prints the comparison whose runs were reported since the last call, with its contenders in
  /// this order. `peaks` holds, for each number of threads, a rate for each repetition.
  void finish(const std::string& kernel, const std::string& shape,
              const std::vector<std::string>& order,
              const std::map<int, std::vector<double>>& peaks);

  nlohmann::json json() const;

 private:
  std::vector<Row> current_, all_;
  bool header_printed_ = false;
};

double median(std::vector<double> values);

}  // namespace forger::bench
