#pragma once

#include <cstdint>
#include <vector>

#include "autograd/source_loc.h"
#include "tutorials/models/matrix.h"

/// Class labels: integers from 0 to the number of classes - 1.
namespace forger::models {

/// Throws Error, naming `op`, unless classes >= 1 and there are n labels, each from 0 to
/// classes - 1.
void check_labels(const char* op, const std::vector<int>& labels, int64_t n, int classes,
                  SourceLoc loc);

/// Returns the share of predicted labels that are right. Throws Error unless both have the same
/// length, at least 1.
double accuracy(const std::vector<int>& predicted, const std::vector<int>& labels,
                SourceLoc loc = SourceLoc::here());

/// Returns the purity of a clustering: the share of examples whose class is the most frequent one
/// of their cluster (Manning, Raghavan & Schuetze 2008, Introduction to Information Retrieval,
/// section 16.3). It is 1 if no cluster mixes classes, also with one cluster per example, so it is
/// compared at equal numbers of clusters. Throws Error as accuracy().
double purity(const std::vector<int>& clusters, const std::vector<int>& labels,
              SourceLoc loc = SourceLoc::here());

/// Returns the column of the largest element of each row, the first if there are several.
std::vector<int> row_argmax(const Matrix& scores);

}  // namespace forger::models
