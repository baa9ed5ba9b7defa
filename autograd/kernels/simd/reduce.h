#pragma once

#include "autograd/kernels/kernels.h"
#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/kernels/simd/pointwise.h"
#include "autograd/kernels/simd/tasks.h"

// Sums in double lanes: as exact as a float result can show, and still faster than memory. A long
// sum is cut into parts of fixed size, whose totals are added up in their order.
//
//   along rows        sum1 > 1: the numbers of a sum lie side by side     a vector walks a row
//   along columns     sum1 = 1: neighbours belong to neighbouring sums    a vector is 16 (8) sums
namespace forger::kernels {
namespace {

/// A vector of sums, each in double.
struct WideSum {
  Wide low = wide(0), high = wide(0);
  void add(Vec v) {
    low = low + widen_low(v);
    high = high + widen_high(v);
  }
  double total() const { return sum_lanes(low + high); }
};

constexpr int64_t kPart = 8192;  // elements of a part
constexpr int64_t kColumns = 4 * Vec::kLanes;

/// How the sums are cut: each into row_parts * run_parts parts, of `rows` runs of `run` floats.
struct SumPlan {
  int64_t rows, row_parts, run, run_parts;
};

/// totals[part][output] for the sums whose numbers lie side by side.
void sum_rows(const Reduce& s, const SumPlan& plan, const float* x, double* totals) {
  const int64_t outputs = s.keep0 * s.keep1, parts = plan.row_parts * plan.run_parts;
  const int64_t group = max(1, kChunk / (plan.rows * plan.run));
  parallel_chunks(outputs * parts, group, [=](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t output = t / parts, part = t % parts;
      const int64_t i = output / s.keep1, k = output % s.keep1;
      const int64_t j0 = part / plan.run_parts * plan.rows, l0 = part % plan.run_parts * plan.run;
      WideSum sum;
      for (int64_t j = j0; j < min(s.sum0, j0 + plan.rows); ++j) {
        const float* const row = x + ((i * s.sum0 + j) * s.keep1 + k) * s.sum1;
        for_lanes(l0, min(s.sum1, l0 + plan.run),
                  [&](int64_t l, Lanes lanes) { sum.add(lanes.get(row + l)); });
      }
      totals[part * outputs + output] = sum.total();
    }
  });
}

/// The same for the sums of columns, kColumns of them at a time.
void sum_columns(const Reduce& s, const SumPlan& plan, const float* x, double* totals) {
  const int64_t blocks = ceil_div(s.keep1, kColumns), outputs = s.keep0 * s.keep1;
  const int64_t group = max(1, kChunk / (plan.rows * kColumns));
  parallel_chunks(s.keep0 * plan.row_parts * blocks, group, [=](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t k0 = t % blocks * kColumns, k1 = min(s.keep1, k0 + kColumns);
      const int64_t part = t / blocks % plan.row_parts, i = t / blocks / plan.row_parts;
      const int64_t j0 = part * plan.rows, j1 = min(s.sum0, j0 + plan.rows);
      WideSum sums[kColumns / Vec::kLanes];
      for (int64_t j = j0; j < j1; ++j) {
        const float* const row = x + (i * s.sum0 + j) * s.keep1;
        for_lanes(k0, k1, [&](int64_t k, Lanes lanes) {
          sums[(k - k0) / Vec::kLanes].add(lanes.get(row + k));
        });
      }
      double* const out = totals + part * outputs + i * s.keep1;
      alignas(64) double lane[2][Wide::kLanes];
      for (int64_t k = k0; k < k1; ++k) {
        const int64_t l = (k - k0) % Vec::kLanes;
        if (l == 0) {
          store(lane[0], sums[(k - k0) / Vec::kLanes].low);
          store(lane[1], sums[(k - k0) / Vec::kLanes].high);
        }
        out[k] = lane[l / Wide::kLanes][l % Wide::kLanes];
      }
    }
  });
}

void sum(const Reduce& reduce, const float* x, float* y) {
  Reduce s = reduce;
  if (s.keep1 == 1) s = {s.keep0, 1, 1, s.sum0 * s.sum1};  // all in one run
  const int64_t outputs = s.keep0 * s.keep1;
  if (outputs == 0) return;
  if (s.sum0 * s.sum1 == 0) {
    for (int64_t i = 0; i < outputs; ++i) y[i] = 0;
    return;
  }
  const bool columns = s.sum1 == 1 && s.keep1 > 1;
  SumPlan plan{};
  plan.run = min(s.sum1, kPart);
  plan.run_parts = ceil_div(s.sum1, plan.run);
  plan.rows = min(s.sum0, columns ? max(64, kPart / s.keep1) : max(1, kPart / plan.run));
  plan.row_parts = ceil_div(s.sum0, plan.rows);
  const int64_t parts = plan.row_parts * plan.run_parts;
  const Scratch<double> doubles(outputs * parts);
  double* const totals = doubles.get();
  columns ? sum_columns(s, plan, x, totals) : sum_rows(s, plan, x, totals);
  parallel_chunks(outputs, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double total = totals[i];
      for (int64_t part = 1; part < parts; ++part) total += totals[part * outputs + i];
      y[i] = static_cast<float>(total);
    }
  });
}

}  // namespace
}  // namespace forger::kernels
