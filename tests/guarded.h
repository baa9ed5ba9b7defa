#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"

namespace forger {

static_assert(sizeof(Scalar) == 4, "the kernel tests are those of the float engine");

/// The end of an array that lies at a page without access.
enum class Fence { kBehind, kBefore };

/// Memory for one array at a time between two pages without access. Reading or writing one element
/// too far ends the program. The array's other end has canaries.
class Guarded {
 public:
  Guarded() = default;
  ~Guarded() { unmap(); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// Returns an array of `count` numbers, all kUntouched. The previous array becomes invalid.
  Scalar* place(int64_t count, Fence fence) {
    const size_t size = static_cast<size_t>(count);
    if (size + kCanaries > capacity_) map(size + kCanaries);
    canaries_ = fence == Fence::kBehind ? room_ + capacity_ - size - kCanaries : room_ + size;
    Scalar* const array = fence == Fence::kBehind ? canaries_ + kCanaries : room_;
    fill(canaries_, kCanaries, kCanary);
    fill(array, size, kUntouched);
    return array;
  }

  /// True if nothing was written outside the array.
  bool intact() const {
    for (size_t i = 0; canaries_ != nullptr && i < kCanaries; ++i) {
      if (std::bit_cast<uint32_t>(canaries_[i]) != kCanary) return false;
    }
    return true;
  }

  /// True if this is still the value from place(): a NaN, which shows in every sum.
  static bool untouched(Scalar x) { return std::bit_cast<uint32_t>(x) == kUntouched; }

 private:
  static constexpr uint32_t kUntouched = 0x7fc0dead, kCanary = 0x7fc0cafe;  // NaNs, both
  static constexpr size_t kCanaries = 64;  // four vectors of the widest set

  static void fill(Scalar* to, size_t count, uint32_t bits) {
    for (size_t i = 0; i < count; ++i) std::memcpy(to + i, &bits, sizeof bits);
  }

  void map(size_t count) {
    unmap();
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t bytes = (count * sizeof(Scalar) + page - 1) / page * page;
    void* const all = ::mmap(nullptr, bytes + 2 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw Error("Guarded: mmap failed");
    mapped_ = bytes + 2 * page;
    char* const first = static_cast<char*>(all);
    room_ = reinterpret_cast<Scalar*>(first + page);
    capacity_ = bytes / sizeof(Scalar);
    if (::mprotect(first, page, PROT_NONE) != 0 ||
        ::mprotect(first + page + bytes, page, PROT_NONE) != 0) {
      throw Error("Guarded: mprotect failed");
    }
  }
  void unmap() {
    if (mapped_ == 0) return;
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    ::munmap(reinterpret_cast<char*>(room_) - page, mapped_);
    mapped_ = capacity_ = 0;
  }

  size_t mapped_ = 0, capacity_ = 0;  // bytes; numbers between the two pages
  Scalar* room_ = nullptr;
  Scalar* canaries_ = nullptr;
};

/// Whole numbers from -4 to 4. Sums of up to 2^20 products of two of them stay below 2^24, where a
/// float holds every integer: whatever the order of a kernel's sums, none of them is rounded.
class Integers {
 public:
  explicit Integers(size_t count) : values_(count) {
    uint32_t state = 1;  // a linear congruential generator (Numerical Recipes), its upper bits
    for (Scalar& value : values_) {
      state = state * 1664525 + 1013904223;
      value = static_cast<Scalar>((state >> 16) % 9) - 4;
    }
  }
  /// The next `count` of them, from the beginning again when they run out.
  const Scalar* next(int64_t count) {
    const size_t size = static_cast<size_t>(count);
    if (size > values_.size()) throw Error("Integers: not so many");
    if (at_ + size > values_.size()) at_ = 0;
    at_ += size;
    return values_.data() + at_ - size;
  }

 private:
  std::vector<Scalar> values_;
  size_t at_ = 0;
};

/// The kernel sets of this processor.
inline std::vector<const kernels::Kernels*> kernel_sets() {
  std::vector<const kernels::Kernels*> sets;
  for (int i = 0; i < kernels::available_count(); ++i) sets.push_back(&kernels::available(i));
  return sets;
}

/// "" where found[i] == expected[i] for all i, else the first that differs. NaN differs.
inline std::string first_difference(const Scalar* found, const std::vector<double>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(static_cast<double>(found[i]) == expected[i])) {
      return "element " + std::to_string(i) + " of " + std::to_string(expected.size()) +
             ": found " + std::to_string(found[i]) + ", expected " + std::to_string(expected[i]);
    }
  }
  return "";
}

}  // namespace forger
