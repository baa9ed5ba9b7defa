#pragma once

#include <cstddef>
#include <map>

namespace forger::memory {

/// Large blocks, cut from a few long ranges of addresses: the smallest free chunk that is long
/// enough (best fit; Wilson et al. 1995, "Dynamic storage allocation: a survey and critical
/// review", section 3.6), and what a block leaves of its chunk stays free. Neighbours that are free
/// become one, so the tensors of one layer can take the place of several of another. Not for use by
/// several threads.
class Heap {
 public:
  /// A 64-byte-aligned block of at least `bytes` bytes, or null when the system has no more.
  void* take(size_t bytes);
  /// Gives a block back. False if it is not one of this heap's.
  bool give(void* block) noexcept;
  /// Returns the memory of all free chunks to the system, though not their addresses.
  void trim() noexcept;

  size_t in_use() const { return in_use_; }  ///< bytes
  size_t cached() const { return cached_; }  ///< bytes that are free, and not the system's
  size_t requests() const { return requests_; }

 private:
  struct Chunk {
    size_t bytes;
    bool cached;
  };
  using Chunks = std::map<char*, Chunk>;  // by address

  void add_free(char* at, Chunk chunk);
  void remove_free(Chunks::iterator chunk);
  bool reserve(size_t bytes);

  std::map<char*, size_t> used_;
  Chunks free_;
  char *top_ = nullptr, *end_ = nullptr;  // of the range: addresses that were never used
  size_t in_use_ = 0, cached_ = 0, requests_ = 0;
};

}  // namespace forger::memory
