#include "autograd/memory.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string>

#include "autograd/error.h"
#include "autograd/heap.h"

namespace forger::memory {
namespace {

// Each block is preceded by one cache line with its size class. The user's part thus stays 64-byte
// aligned.
struct Header {
  size_t size_class;
  Header* next;  // in the list of free blocks
};
constexpr size_t kAlignment = 64;
static_assert(sizeof(Header) <= kAlignment);

// Size classes are spaced by an eighth of a power of two, so rounding up wastes at most one eighth.
// Blocks of one class are interchangeable, so a stack per class is enough.
constexpr size_t kStepsPerDoubling = 8;
constexpr size_t kClasses = 64 * kStepsPerDoubling;

size_t class_of(size_t bytes) {
  const size_t lines = std::max<size_t>((bytes + kAlignment - 1) / kAlignment, 1);
  if (lines <= kStepsPerDoubling) return lines - 1;
  const size_t shift = static_cast<size_t>(std::bit_width(lines - 1)) - 4;
  const size_t step = (lines - 1) >> shift;  // 8 .. 15
  return shift * kStepsPerDoubling + step;
}

size_t bytes_of(size_t size_class) {
  if (size_class < kStepsPerDoubling) return (size_class + 1) * kAlignment;
  const size_t shift = size_class / kStepsPerDoubling - 1;
  const size_t step = size_class % kStepsPerDoubling + kStepsPerDoubling;
  return ((step + 1) << shift) * kAlignment;
}

constexpr size_t kLarge = 64 * 1024;  // bytes; a block of at least this size is taken from the heap

struct Pool {
  std::mutex mutex;
  std::array<Header*, kClasses> free_blocks{};
  Heap heap;
  Stats stats{};  // of the small blocks, except the peak, which is of all blocks

  void trim() {
    heap.trim();
    for (size_t size_class = 0; size_class < kClasses; ++size_class) {
      while (Header* block = free_blocks[size_class]) {
        free_blocks[size_class] = block->next;
        stats.cached -= bytes_of(size_class);
        std::free(block);
      }
    }
  }
};

// Never destroyed, because a tensor with static storage duration may be released later.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

void* acquire(size_t bytes) {
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  const auto from_system = [&](auto request) {
    void* block = request();
    if (!block) {  // the kept small blocks may be enough
      p.trim();
      block = request();
    }
    if (!block) {
      throw Error("memory: the system has no more\n  asked for " + std::to_string(bytes) +
                  " bytes with " + std::to_string(p.stats.in_use + p.heap.in_use()) + " in use");
    }
    return block;
  };
  void* pointer = nullptr;
  if (bytes >= kLarge) {
    pointer = from_system([&] { return p.heap.take(bytes); });
  } else {
    const size_t size_class = class_of(bytes);
    const size_t size = bytes_of(size_class);
    Header* block = p.free_blocks[size_class];
    if (block) {
      p.free_blocks[size_class] = block->next;
      p.stats.cached -= size;
    } else {
      ++p.stats.system_requests;
      void* const raw =
          from_system([&] { return std::aligned_alloc(kAlignment, size + kAlignment); });
      block = new (raw) Header{size_class, nullptr};
    }
    p.stats.in_use += size;
    pointer = reinterpret_cast<char*>(block) + kAlignment;
  }
  p.stats.peak = std::max(p.stats.peak, p.stats.in_use + p.heap.in_use());
  return pointer;
}

void release(void* pointer) noexcept {
  if (!pointer) return;
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  if (p.heap.give(pointer)) return;
  Header* block = reinterpret_cast<Header*>(static_cast<char*>(pointer) - kAlignment);
  const size_t size = bytes_of(block->size_class);
  p.stats.in_use -= size;
  p.stats.cached += size;
  block->next = p.free_blocks[block->size_class];
  p.free_blocks[block->size_class] = block;
}

Stats stats() {
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  return {p.stats.in_use + p.heap.in_use(), p.stats.peak, p.stats.cached + p.heap.cached(),
          p.stats.system_requests + p.heap.requests()};
}

void trim() {
  std::lock_guard lock(pool().mutex);
  pool().trim();
}

}  // namespace forger::memory
