#pragma once

#include <cstddef>
#include <cstdint>

/// A pool of 64-byte-aligned blocks. Released blocks are kept for later requests: a small block for
/// one of the same size class, a large one in the heap (heap.h). After warm-up a training step
/// requests no memory from the operating system.
namespace forger::memory {

/// Returns a block of at least `bytes` bytes with undefined contents. Throws Error if the system
/// has no more memory.
void* acquire(size_t bytes);
/// Gives a block back; nullptr is allowed.
void release(void* block) noexcept;

/// The bytes in use (handed out and not yet released), their peak, the bytes kept for reuse, and
/// the number of blocks that needed memory not used before.
struct Stats {
  size_t in_use, peak, cached;
  uint64_t system_requests;
};
Stats stats();

/// Returns the memory of every kept block to the system.
void trim();

}  // namespace forger::memory
