#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace forger::memory {

/// Allocates large blocks in long ranges of addresses. A block takes the first free chunk by
/// address that is long enough (first fit; Wilson et al. 1995, "Dynamic storage allocation: a
/// survey and critical review", section 3.5). The rest of the chunk stays free. Free neighbours are
/// joined, so one large tensor can take the place of several smaller ones. Not safe for concurrent
/// use.
class Heap {
 public:
  Heap() = default;
  ~Heap();  // unmaps all ranges, even if blocks are in use
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Returns a 64-byte-aligned block of at least `bytes` bytes, or null if the system has no more
  /// memory.
  void* take(size_t bytes);
  /// Takes a block back. Returns false if the block is not one of this heap's.
  bool give(void* block) noexcept;
  /// Returns the memory of all free chunks to the system and keeps their addresses.
  void trim() noexcept;

  size_t in_use() const { return in_use_; }      ///< bytes
  size_t cached() const { return cached_; }      ///< bytes of free chunks that still hold memory
  size_t requests() const { return requests_; }  ///< blocks that needed memory not used before

 private:
  struct Chunk {
    size_t bytes = 0;
    size_t cached = 0;  // of them: hold memory, though free; 0 while in use
  };
  using Chunks = std::map<char*, Chunk>;  // by address

  void insert_free(Chunks::node_type chunk) noexcept;
  bool reserve(size_t bytes);

  Chunks used_, free_;
  std::vector<std::pair<char*, size_t>> ranges_;
  char *top_ = nullptr, *end_ = nullptr;  // the addresses of the last range that were never used
  size_t in_use_ = 0, cached_ = 0, requests_ = 0;
};

}  // namespace forger::memory
