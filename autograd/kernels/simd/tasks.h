#pragma once

#include <cstdint>

#include "autograd/kernels/parallel.h"
#include "autograd/kernels/simd/extents.h"
#include "autograd/memory.h"

// What the SIMD kernels share: scratch memory, and when a team of threads pays off.
namespace forger::kernels {
namespace {

/// Multiply-adds below which starting a team of threads costs more than it brings.
constexpr int64_t kSerialWork = 200'000;

/// Multiply-adds, some milliseconds, from which on the schedule is dynamic, so that a thread slowed
/// by other programs does not hold up the rest. Shorter work has a fixed schedule: a thread's
/// caches may still hold its part from the call before.
constexpr int64_t kLong = int64_t{1} << 28;

inline Schedule schedule_for(int64_t work) {
  return work > kLong ? Schedule::kDynamic : Schedule::kFixed;
}

/// Floats of scratch that are always allowed per thread: 16 MiB.
constexpr int64_t kMostScratch = int64_t{1} << 22;

/// True if a convolution of `work` multiply-adds, on operands of `operands` floats, may copy
/// `copied` floats in all into a scratch of `scratch` floats. False if the copy exceeds 8 floats
/// per multiply-add, or the scratch exceeds the operands, each plus 16 MiB. Then most of the
/// scratch is padding or lies between the taps of a dilated kernel. The reference's loops take less
/// time there, and no scratch.
inline bool pays_to_copy(int64_t copied, int64_t scratch, int64_t work, int64_t operands) {
  return (copied - kMostScratch) / 8 <= work && scratch - kMostScratch <= operands;
}

/// The most floats that the partial sums of a weight gradient may take.
inline int64_t most_partial_sums(int64_t operands) { return 2 * operands + kMostScratch; }

/// Returns how many of a weight gradient's blocks of images are added up in one chunk. A chunk has
/// partial sums of `sums` floats and one task for each of `c_blocks` blocks of channels. There are
/// chunks enough for eight tasks, unless all partial sums would exceed most_partial_sums(). The
/// number of threads does not matter, so that it changes no bit.
inline int64_t blocks_per_chunk(int64_t blocks, int64_t c_blocks, int64_t sums, int64_t operands) {
  const int64_t most = max(1, most_partial_sums(operands) / sums);
  return ceil_div(blocks, min(blocks, min(most, ceil_div(8, c_blocks))));
}

/// `count` Ts, contents undefined, until the end of the scope. Throws Error when the system has no
/// more memory.
template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : data_(static_cast<T*>(memory::acquire(static_cast<size_t>(count) * sizeof(T)))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { memory::release(data_); }
  T* get() const { return data_; }

 private:
  T* data_;
};

}  // namespace
}  // namespace forger::kernels
