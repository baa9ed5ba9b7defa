#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace forger::tutorials {

/// A value that is measured at each step.
struct Metric {
  const char* name;
  double value;
  bool on_terminal = true;  // false: only in metrics.csv
};
using Metrics = std::vector<Metric>;

/// Returns a row of metrics.csv, such as "12,1,0.875,0.5". An epoch of 0 has no column. Each number
/// is as short as an exact value allows.
std::string csv_row(int64_t step, int64_t epoch, const Metrics& metrics);

/// Throws Error when a metric is infinite or NaN, because nothing useful can follow. The Error
/// names the checkpoint, which is of an earlier step.
void check_finite(const Metrics& metrics, int64_t step, const std::filesystem::path& checkpoint);

/// Shows the progress of a training as a table with a header:
///
///     epoch       step  images/s     ETA  loss_D  loss_G    D(x)  D(G(z))
///       2/3  1207/2811       834    1:55   0.912   1.730   0.681    0.312
///
/// On a terminal one line of numbers is overwritten several times a second. Elsewhere a new line
/// appears every ten seconds. Values are means over the steps since the line before. A run without
/// epochs shows steps/s, and no column for the epoch.
class Progress {
 public:
  /// For a run that has done `first_step` steps and ends after `last_step`. It has no epochs if
  /// batches_per_epoch is 0.
  Progress(int64_t first_step, int64_t last_step, int64_t batches_per_epoch, int64_t batch_size,
           int64_t batches_per_step = 1);

  /// Ends the line, so that an error's message begins on a new one.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Call it after each step, with the same names each time.
  void update(int64_t step, const Metrics& metrics);
  /// Shows the steps that were not shown yet and ends the line.
  void finish();

  /// "1:55", since the beginning.
  std::string elapsed() const;
  /// "834 images/s", or "834 steps/s" without epochs.
  std::string rate() const { return rate_number() + " " + rate_unit(); }

 private:
  /// The epoch of a step's last batch.
  int64_t epoch_of(int64_t step) const {
    return (step * batches_per_step_ + batches_per_epoch_ - 1) / batches_per_epoch_;
  }
  bool has_epochs() const { return batches_per_epoch_ > 0; }
  const char* rate_unit() const { return has_epochs() ? "images/s" : "steps/s"; }
  std::string rate_number() const;
  void show_header() const;
  void show();
  void leave_line();

  int64_t first_step_, last_step_, batches_per_epoch_, batch_size_, batches_per_step_;
  bool terminal_;
  std::chrono::steady_clock::time_point begin_, shown_at_;
  int64_t step_, shown_step_;
  Metrics sums_;
  size_t width_ = 0;  // of the line on the terminal, which the next line has to cover
};

/// "0:07", "12:34", "1:02:03".
std::string duration_text(double seconds);

/// "60,000"
std::string grouped(int64_t number);

}  // namespace forger::tutorials
