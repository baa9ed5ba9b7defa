#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace forger::bench {

/// What contender `who` did in one comparison, for each repetition a rate in flops a second.
struct Row {
  std::string kernel, shape, who;
  int threads;
  std::vector<double> rates;
  std::vector<double> peaks, peaks_after;  // of the machine: by itself, and right after the rate
};

/// Collects the runs of one comparison after the other, and prints each as rows of one table: the
/// median rate, its spread, and the median of the ratios to each peer, repetition by repetition.
class Table : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;

  /// Prints the comparison whose runs were reported since the last call, its contenders in this
  /// order. `peaks` is by threads, a rate for each repetition.
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
