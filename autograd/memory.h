#pragma once

#include <cstddef>
#include <cstdint>

/// A pool of 64-byte-aligned blocks. What is released is kept for the next request, a small block
/// for one of about its size, a large one in the heap (heap.h), so that a training step after
/// warm-up asks the operating system for nothing.
namespace forger::memory {

/// A block of at least `bytes` bytes, contents undefined. Throws Error when the system has no more.
void* acquire(size_t bytes);
/// Gives a block back; nullptr is allowed.
void release(void* block) noexcept;

/// Bytes handed out and not yet released, the most that ever were, bytes kept for reuse, and how
/// often a block needed memory that was not used before.
struct Stats {
  size_t in_use, peak, cached;
  uint64_t system_requests;
};
Stats stats();

/// Returns every kept block to the system.
void trim();

}  // namespace forger::memory
