#pragma once

#include <cstdint>

#include "autograd/kernels/simd/extents.h"
#include "autograd/memory.h"

// Replaces standard containers. The rungs use none: of an inline function of the library, the
// linker might keep the copy that was compiled here for AVX2, for all callers.
namespace forger::ladder {
namespace {

using kernels::min;

class Buffer {
 public:
  explicit Buffer(int64_t count)
      : data_(static_cast<float*>(memory::acquire(static_cast<size_t>(count) * sizeof(float)))) {}
  ~Buffer() { memory::release(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  float* data() { return data_; }

 private:
  float* data_;
};

inline void copy(const float* from, int64_t count, float* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}
inline void set_to_zero(float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = 0;
}

}  // namespace
}  // namespace forger::ladder
