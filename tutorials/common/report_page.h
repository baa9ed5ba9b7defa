#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace forger::tutorials {

/// A column of metrics.csv on the report page.
struct Curve {
  std::string column;       // "D_x"
  std::string chart;        // title of the chart that shows it: "D's verdicts"
  std::string how_to_read;  // one or two sentences
  std::string label = {};   // "D(x)"; the column's name if empty
};

/// What a chapter tells on the report page of its runs.
struct ReportText {
  std::string title;  // "Chapter 3: DCGAN"
  std::vector<Curve> curves;
  int64_t sample_columns = 8;  // of a sample grid; 0 if samples/ holds other pictures
};

/// Returns the report page of a run: one HTML file that needs no other file and no network. It
/// shows metrics.csv, run.json and samples/ of the folder, thinned to a few MB, the warning signs
/// in them (warning_signs.h), and the steps at which the run was forked. What is missing or damaged
/// is left out and named on the page.
std::string report_page(const std::filesystem::path& folder, const ReportText& text);

/// Writes folder/report.html. Never throws, because a report must not end a run: if it cannot be
/// written, the reason is printed to standard error.
void write_report_page(const std::filesystem::path& folder, const ReportText& text);

}  // namespace forger::tutorials
