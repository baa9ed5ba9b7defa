#pragma once

#include <cstdint>

#include "autograd/memory.h"

// What a kernel works with: its memory, and threads that share its tasks out.
namespace forger::kernels {
namespace {

/// Multiply-adds below which starting a team of threads costs more than it brings.
constexpr int64_t kSerialWork = 200'000;

/// Multiply-adds, some milliseconds, from which on tasks are handed out by turns, which evens out
/// what other programs take from one of the threads. Of less each thread gets one part, always the
/// same: its own caches may still hold that.
constexpr int64_t kLong = int64_t{1} << 28;

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

/// Calls task(t) for t < count: inside a parallel region its threads share the numbers out, outside
/// of one this thread does all. `monotonic`: LLVM 14's default, which lets threads steal from one
/// another, fails an assertion of its own in loops used both inside and outside of a team.
template <class Task>
void share_out(int64_t count, bool by_turns, const Task& task) {
  if (by_turns) {
#pragma omp for schedule(monotonic : dynamic, 1)
    for (int64_t t = 0; t < count; ++t) task(t);
  } else {
#pragma omp for schedule(static)
    for (int64_t t = 0; t < count; ++t) task(t);
  }
}

}  // namespace
}  // namespace forger::kernels
