#include "tutorials/common/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tutorials/common/options.h"

namespace forger::tutorials {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kTerminalSeconds = 0.2, kPlainSeconds = 10;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Columns of the terminal. A longer line would wrap and could not be overwritten.
size_t terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

constexpr size_t kRateWidth = 8, kTimeWidth = 6, kValueWidth = 6;

/// Returns the text at the right of a column of this width, after two spaces.
std::string column(size_t width, const std::string& text) {
  return std::string(2 + width - std::min(width, text.size()), ' ') + text;
}

std::string fixed(double number, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, number);
  return text;
}

/// Returns "2/3"; part_width() is the width it can grow to.
std::string part(int64_t done, int64_t total) {
  return std::to_string(done) + "/" + std::to_string(total);
}
size_t part_width(int64_t total) { return std::max<size_t>(5, part(total, total).size()); }

}  // namespace

std::string csv_row(int64_t step, int64_t epoch, const Metrics& metrics) {
  std::string row = std::to_string(step);
  if (epoch > 0) row += "," + std::to_string(epoch);
  // The values were computed as floats; the digits of a double would suggest more precision.
  for (const Metric& metric : metrics) row += "," + number_text(static_cast<float>(metric.value));
  return row;
}

void check_finite(const Metrics& metrics, int64_t step, const std::filesystem::path& checkpoint) {
  for (const Metric& metric : metrics) {
    if (std::isfinite(metric.value)) continue;
    fail("training", std::string(metric.name) + " is no longer finite",
         {"found    " + number_text(metric.value) + " at step " + std::to_string(step),
          "kept     " + checkpoint.string() + ", of an earlier step", "a smaller --lr may help"},
         {});
  }
}

Progress::Progress(int64_t first_step, int64_t last_step, int64_t batches_per_epoch,
                   int64_t batch_size, int64_t batches_per_step)
    : first_step_(first_step),
      last_step_(last_step),
      batches_per_epoch_(batches_per_epoch),
      batch_size_(batch_size),
      batches_per_step_(batches_per_step),
      terminal_(::isatty(STDOUT_FILENO)),
      begin_(Clock::now()),
      shown_at_(begin_),
      step_(first_step),
      shown_step_(first_step) {}

Progress::~Progress() { leave_line(); }

void Progress::update(int64_t step, const Metrics& metrics) {
  size_t shown = 0;
  for (const Metric& metric : metrics) {
    if (!metric.on_terminal) continue;
    if (shown == sums_.size()) sums_.push_back({metric.name, 0});
    sums_[shown++].value += metric.value;
  }
  step_ = step;
  const bool first = shown_step_ == first_step_;
  const double pause = terminal_ ? kTerminalSeconds : kPlainSeconds;
  if (first || seconds_since(shown_at_) >= pause) show();
}

void Progress::show_header() const {
  std::string line = has_epochs() ? column(part_width(epoch_of(last_step_)), "epoch") : "";
  line += column(part_width(last_step_), "step") + column(kRateWidth, rate_unit()) +
          column(kTimeWidth, "ETA");
  for (const Metric& sum : sums_) {
    const std::string name = sum.name;
    line += column(std::max(kValueWidth, name.size()), name);
  }
  std::printf("%s\n", line.c_str());
}

void Progress::show() {
  if (shown_step_ == first_step_) show_header();
  const double per_step = seconds_since(begin_) / static_cast<double>(step_ - first_step_);
  const double left = per_step * static_cast<double>(last_step_ - step_);
  std::string line;
  if (has_epochs()) {
    const int64_t epochs = epoch_of(last_step_);
    line = column(part_width(epochs), part(epoch_of(step_), epochs));
  }
  line += column(part_width(last_step_), part(step_, last_step_)) +
          column(kRateWidth, rate_number()) + column(kTimeWidth, duration_text(left));
  for (Metric& sum : sums_) {
    const double mean = sum.value / static_cast<double>(step_ - shown_step_);
    line += column(std::max(kValueWidth, std::string(sum.name).size()), fixed(mean, 3));
    sum.value = 0;
  }
  if (terminal_) {
    const size_t columns = terminal_columns() - 1;
    const size_t width = std::min(line.size(), columns);
    line.resize(std::max(width, std::min(width_, columns)), ' ');  // blanks what was longer before
    width_ = width;
    std::printf("\r%s", line.c_str());
  } else {
    std::printf("%s\n", line.c_str());
  }
  std::fflush(stdout);
  shown_at_ = Clock::now();
  shown_step_ = step_;
}

void Progress::finish() {
  if (step_ != shown_step_) show();
  leave_line();
}

void Progress::leave_line() {
  if (width_ > 0) std::printf("\n");
  width_ = 0;
}

std::string Progress::elapsed() const { return duration_text(seconds_since(begin_)); }

std::string Progress::rate_number() const {
  const int64_t steps = step_ - first_step_;
  const double done =
      static_cast<double>(has_epochs() ? steps * batches_per_step_ * batch_size_ : steps);
  const double rate = done / seconds_since(begin_);
  return fixed(rate, has_epochs() || rate >= 10 ? 0 : 1);
}

std::string duration_text(double seconds) {
  const int64_t total = std::llround(seconds);
  const auto two_digits = [](int64_t number) {
    return (number < 10 ? ":0" : ":") + std::to_string(number);
  };
  const int64_t hours = total / 3600, minutes = total / 60 % 60;
  if (hours == 0) return std::to_string(minutes) + two_digits(total % 60);
  return std::to_string(hours) + two_digits(minutes) + two_digits(total % 60);
}

std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<size_t>(at), ",");
  }
  return text;
}

}  // namespace forger::tutorials
