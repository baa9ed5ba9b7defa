#pragma once

#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"

namespace forger::metrics {

/// Returns how often each class 0 to classes - 1 occurs. Throws Error for a label outside.
std::vector<int64_t> class_histogram(const std::vector<int>& labels, int64_t classes,
                                     SourceLoc loc = SourceLoc::here());

/// Returns the total variation distance of two class histograms, from 0 (equal shares) to 1 (no
/// class in common): half the sum of |a_i / n - b_i / m|. It is the share of images that would have
/// to change their class. For two samples of n images of equally frequent classes, about
/// sqrt((classes - 1) / (pi n)) is expected. Throws Error if the numbers of classes differ or a
/// histogram is empty.
double total_variation(const std::vector<int64_t>& a, const std::vector<int64_t>& b,
                       SourceLoc loc = SourceLoc::here());

/// Returns the share of rows for which both agree. Throws Error if the lengths differ or are 0.
double agreement(const std::vector<int>& a, const std::vector<int>& b,
                 SourceLoc loc = SourceLoc::here());

}  // namespace forger::metrics
