#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace forger::memory {

/// Large blocks, cut from long ranges of addresses: the first free chunk by address that is long
/// enough (first fit; Wilson et al. 1995, "Dynamic storage allocation: a survey and critical
/// review", section 3.5), and what a block leaves of its chunk stays free. Neighbours that are free
/// become one, so the tensors of one layer can take the place of several of another's. Not for use
/// by several threads at a time.
class Heap {
 public:
  Heap() = default;
  ~Heap();  // returns all ranges, whatever is still in use
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// A 64-byte-aligned block of at least `bytes` bytes, or null when the system has no more.
  void* take(size_t bytes);
  /// Gives a block back. False if it is not one of this heap's.
  bool give(void* block) noexcept;
  /// Returns the memory of all free chunks to the system, though not their addresses.
  void trim() noexcept;

  size_t in_use() const { return in_use_; }      ///< bytes
  size_t cached() const { return cached_; }      ///< bytes given back, and not yet to the system
  size_t requests() const { return requests_; }  ///< blocks that needed memory not used before

 private:
  struct Chunk {
    size_t bytes = 0;
    size_t cached = 0;  // of them; 0 while in use
  };
  using Chunks = std::map<char*, Chunk>;  // by address

  void insert_free(Chunks::node_type chunk) noexcept;
  bool reserve(size_t bytes);

  Chunks used_, free_;
  std::vector<std::pair<char*, size_t>> ranges_;
  char *top_ = nullptr, *end_ = nullptr;  // of the last range: addresses that were never used
  size_t in_use_ = 0, cached_ = 0, requests_ = 0;
};

}  // namespace forger::memory
