#pragma once

#include <cstdint>

#include "autograd/kernels/parallel.h"
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

/// Floats of scratch that a thread may take however small the operands are: 16 MiB.
constexpr int64_t kMostScratch = int64_t{1} << 22;

/// True if a convolution of `work` multiply-adds, on operands of `operands` floats, may copy
/// `copied` floats in all into a scratch of `scratch` floats. It may not where that is out of
/// proportion, because most of the scratch is padding or lies between the taps of a dilated kernel.
/// There the reference's loops take less time, and no scratch.
inline bool pays_to_copy(int64_t copied, int64_t scratch, int64_t work, int64_t operands) {
  return (copied - kMostScratch) / 8 <= work && scratch - kMostScratch <= operands;
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
