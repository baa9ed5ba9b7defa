#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tutorials/common/metrics_table.h"
#include "tutorials/common/sample_grids.h"

namespace forger::tutorials {

/// The first and the last step of a stretch.
using Stretch = std::pair<int64_t, int64_t>;

/// A sign that a training goes wrong.
struct WarningSign {
  std::string kind;    // the id of its explanation in report_page/page.html
  std::string column;  // of metrics.csv, where it was seen; empty for the sample grids
  std::vector<Stretch> stretches;
};

/// Looks for these signs. "For 100 steps" means at least 90 of them.
///
///     d-won         0 <= loss_D < 0.01 for 100 steps; a Wasserstein loss is negative while the
///                   critic learns
///     d-right       D_x > 0.99 and D_G_z < 0.01 for 100 steps
///     d-wrong       D_x < 0.01 and D_G_z > 0.99 for 100 steps
///     all-forged    both below 0.01 for 100 steps
///     all-real      both above 0.99 for 100 steps
///     gradient      a column grad_norm* above 100 times its geometric mean of the steps before,
///                   of which there are at least 100
///     not-finite    a column that is infinite or not a number
///     alike         from step 100 on, images in a sample grid that differ by less than 4 levels of
///                   grey (SampleGrid::spread). The first grids of a healthy run are alike, too: in
///                   a quick run of chapter 3, the spread is 0.7 at step 0, 5.5 at step 25, 32 at
///                   step 100 and 73 at the end.
///
/// Stretches at most 100 steps apart are joined.
std::vector<WarningSign> warning_signs(const MetricsTable& metrics,
                                       const std::vector<SampleGrid>& grids);

}  // namespace forger::tutorials
