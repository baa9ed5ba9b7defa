#include "bench/table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace forger::bench {
namespace {

const char* const kPeers[] = {"OpenBLAS", "oneDNN", "oneDNN-wino"};

bool is_peer(const std::string& who) {
  return std::find(std::begin(kPeers), std::end(kPeers), who) != std::end(kPeers);
}

/// Returns part `i` of a benchmark's name "kernel/shape/who/threads:N".
std::string part(const std::string& name, int i) {
  size_t begin = 0;
  for (; i > 0; --i) begin = name.find('/', begin) + 1;
  return name.substr(begin, name.find('/', begin) - begin);
}

/// Returns the median of the ratios within a repetition; 0 if there is nothing to compare with.
double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ratios.push_back(b[i] > 0 ? a[i] / b[i] : 0);
  }
  return ratios.empty() ? 0 : median(ratios);
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void Table::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    const auto rate = run.counters.find("flops");
    if (rate == run.counters.end()) continue;  // skipped, for its result was wrong
    const std::string name = run.run_name.function_name;
    const std::string who = part(name, 2);
    const int threads = std::stoi(part(name, 3).substr(sizeof "threads:" - 1));
    auto row = std::find_if(current_.begin(), current_.end(),
                            [&](const Row& r) { return r.who == who && r.threads == threads; });
    if (row == current_.end()) {
      row =
          current_.insert(current_.end(), {part(name, 0), part(name, 1), who, threads, {}, {}, {}});
    }
    row->rates.push_back(rate->second);
    row->peaks_after.push_back(run.counters.at("peak"));
  }
}

void Table::finish(const std::string& kernel, const std::string& shape,
                   const std::vector<std::string>& order,
                   const std::map<int, std::vector<double>>& peaks) {
  if (!header_printed_) {
    std::printf("%-18s %-32s %-11s %7s %8s %15s %6s %6s  %s\n", "kernel", "shape", "set", "threads",
                "GFLOP/s", "spread", "peak%", "clock%", "times as fast as");
    header_printed_ = true;
  }
  // The runs were reported in the order in which they took turns.
  const auto place = [&](const Row& row) {
    return std::pair(row.threads, std::find(order.begin(), order.end(), row.who) - order.begin());
  };
  std::sort(current_.begin(), current_.end(),
            [&](const Row& a, const Row& b) { return place(a) < place(b); });
  for (Row& row : current_) {
    row.peaks = peaks.at(row.threads);
    const auto [least, most] = std::minmax_element(row.rates.begin(), row.rates.end());
    std::printf("%-18s %-32s %-11s %7d %8.1f %7.1f-%-7.1f %6.1f %6.1f ", kernel.c_str(),
                shape.c_str(), row.who.c_str(), row.threads, median(row.rates) / 1e9, *least / 1e9,
                *most / 1e9, 100 * median_ratio(row.rates, row.peaks),
                100 * median_ratio(row.rates, row.peaks_after));
    const bool is_rung = kernel.ends_with("_ladder");
    if (is_rung && &row != current_.data() && (&row)[-1].threads == row.threads) {
      std::printf(" %.2f the rung before", median(row.rates) / median((&row)[-1].rates));
    }
    for (const Row& peer : current_) {
      if (is_peer(row.who) || !is_peer(peer.who) || peer.threads != row.threads) continue;
      std::printf(" %.2f %s", median_ratio(row.rates, peer.rates), peer.who.c_str());
    }
    std::printf("\n");
  }
  std::fflush(stdout);
  all_.insert(all_.end(), current_.begin(), current_.end());
  current_.clear();
}

nlohmann::json Table::json() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : all_) {
    rows.push_back({{"kernel", row.kernel},
                    {"shape", row.shape},
                    {"set", row.who},
                    {"threads", row.threads},
                    {"peak_flops", row.peaks},
                    {"peak_flops_after", row.peaks_after},
                    {"flops", row.rates}});
  }
  return rows;
}

}  // namespace forger::bench
