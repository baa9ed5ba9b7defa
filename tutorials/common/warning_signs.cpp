#include "tutorials/common/warning_signs.h"

#include <cmath>
#include <cstddef>

namespace forger::tutorials {
namespace {

// report_page/page.html explains the signs with these numbers.
constexpr double kNear = 0.01;  // to 0, or to 1
constexpr size_t kSteps = 100, kLeastSteps = 90;
constexpr int64_t kJoined = 100;  // steps between stretches that count as one
constexpr double kGradientFactor = 100;
constexpr double kAlikeLevels = 4;
constexpr int64_t kSettled = 100;  // steps after which the images of a healthy run differ

using Column = std::vector<double>;

/// Appends a stretch, or prolongs the last one if it is near.
void add_stretch(std::vector<Stretch>& stretches, double first, double last) {
  const Stretch steps = {static_cast<int64_t>(first), static_cast<int64_t>(last)};
  if (!stretches.empty() && steps.first - stretches.back().second <= kJoined) {
    stretches.back().second = steps.second;
  } else {
    stretches.push_back(steps);
  }
}

/// Returns the stretches of rows for which holds(row) is true.
template <class Holds>
std::vector<Stretch> stretches(const Column& steps, const Holds& holds) {
  std::vector<Stretch> found;
  for (size_t row = 0; row < steps.size(); ++row) {
    if (!holds(row)) continue;
    const double first = steps[row];
    while (row + 1 < steps.size() && holds(row + 1)) ++row;
    add_stretch(found, first, steps[row]);
  }
  return found;
}

/// Returns the stretches of at least 100 rows in which holds(row) is true for the first, the last
/// and 90 of any 100. Even if a network has won, single steps are exceptions.
template <class Holds>
std::vector<Stretch> lasting(const Column& steps, const Holds& holds) {
  std::vector<Stretch> found;
  size_t count = 0;  // of the last kSteps rows
  for (size_t row = 0; row < steps.size(); ++row) {
    count += holds(row) ? 1 : 0;
    if (row + 1 < kSteps) continue;
    const size_t first = row + 1 - kSteps;
    if (count >= kLeastSteps && holds(first) && holds(row)) {
      add_stretch(found, steps[first], steps[row]);
    }
    count -= holds(first) ? 1 : 0;
  }
  return found;
}

/// Returns the stretches in which a gradient's norm is far above its usual value.
std::vector<Stretch> blown_up(const Column& steps, const Column& norm) {
  double log_sum = 0;
  size_t count = 0;
  std::vector<bool> high(norm.size(), false);
  for (size_t row = 0; row < norm.size(); ++row) {
    if (!(norm[row] > 0) || !std::isfinite(norm[row])) continue;
    const double usual = std::exp(log_sum / static_cast<double>(count));
    high[row] = count >= kSteps && norm[row] > kGradientFactor * usual;
    if (high[row]) continue;  // would hide the next one
    log_sum += std::log(norm[row]);
    ++count;
  }
  return stretches(steps, [&](size_t row) { return high[row]; });
}

}  // namespace

std::vector<WarningSign> warning_signs(const MetricsTable& metrics,
                                       const std::vector<SampleGrid>& grids) {
  std::vector<WarningSign> signs;
  const auto add = [&](const char* kind, const std::string& column, std::vector<Stretch> found) {
    if (!found.empty()) signs.push_back({kind, column, std::move(found)});
  };
  const Column no_steps, &steps = metrics.columns.empty() ? no_steps : metrics.steps();

  for (size_t i = 0; i < metrics.names.size(); ++i) {
    const Column& column = metrics.columns[i];
    add("not-finite", metrics.names[i],
        stretches(steps, [&](size_t row) { return !std::isfinite(column[row]); }));
    if (metrics.names[i].starts_with("grad_norm")) {
      add("gradient", metrics.names[i], blown_up(steps, column));
    }
  }
  if (const Column* loss = metrics.find("loss_D")) {
    add("d-won", "loss_D",
        lasting(steps, [&](size_t row) { return (*loss)[row] >= 0 && (*loss)[row] < kNear; }));
  }
  const Column *on_real = metrics.find("D_x"), *on_fake = metrics.find("D_G_z");
  const auto add_verdict = [&](const char* kind, bool real_is_1, bool fake_is_1) {
    if (on_real == nullptr || on_fake == nullptr) return;
    const auto near = [](double value, bool is_1) {
      return is_1 ? value > 1 - kNear : value < kNear;
    };
    add(kind, "D_x", lasting(steps, [&](size_t row) {
          return near((*on_real)[row], real_is_1) && near((*on_fake)[row], fake_is_1);
        }));
  };
  add_verdict("d-right", true, false);
  add_verdict("d-wrong", false, true);
  add_verdict("all-forged", false, false);
  add_verdict("all-real", true, true);

  Column grid_steps;
  for (const SampleGrid& grid : grids) grid_steps.push_back(static_cast<double>(grid.step));
  add("alike", "", stretches(grid_steps, [&](size_t i) {
        return grids[i].step >= kSettled && grids[i].spread < kAlikeLevels;
      }));
  return signs;
}

}  // namespace forger::tutorials
