#include "autograd/heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) (static_cast<void>(address))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) (static_cast<void>(address))
#endif

namespace forger::memory {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kRange = size_t{1} << 30;  // addresses only: memory is what has been touched

/// A line behind each block, which is nobody's: AddressSanitizer reports who goes there, and arrays
/// of a power of two bytes do not all compete for the same sets of the caches.
size_t with_gap(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine + kLine; }

}  // namespace

void Heap::add_free(char* at, Chunk chunk) {
  const auto next = free_.lower_bound(at);
  if (next != free_.end() && next->first == at + chunk.bytes) {
    chunk.bytes += next->second.bytes;
    chunk.cached |= next->second.cached;
    remove_free(next);
  }
  const auto after = free_.lower_bound(at);
  if (after != free_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second.bytes == at) {
      at = before->first;
      chunk.bytes += before->second.bytes;
      chunk.cached |= before->second.cached;
      remove_free(before);
    }
  }
  free_.emplace(at, chunk);
  if (chunk.cached) cached_ += chunk.bytes;
}

void Heap::remove_free(Chunks::iterator chunk) {
  if (chunk->second.cached) cached_ -= chunk->second.bytes;
  free_.erase(chunk);
}

/// Makes the unused range at least so long. The rest of the one before stays, as a free chunk.
bool Heap::reserve(size_t bytes) {
  for (const size_t range : {std::max(kRange, bytes), bytes}) {
    const size_t mapped = range + kHugePage;
    if (mapped < range) return false;
    void* const map =
        mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) continue;
    if (top_ != end_) add_free(top_, {static_cast<size_t>(end_ - top_), false});
    top_ = static_cast<char*>(map);
    end_ = top_ + mapped;
    // Kernels walk images whose rows lie on more small pages than a processor keeps the addresses
    // of; and a large page is only whole at a multiple of its size.
    top_ += (kHugePage - reinterpret_cast<uintptr_t>(top_) % kHugePage) % kHugePage;
#if defined(MADV_HUGEPAGE)
    madvise(top_, static_cast<size_t>(end_ - top_), MADV_HUGEPAGE);
#endif
    ASAN_POISON_MEMORY_REGION(top_, static_cast<size_t>(end_ - top_));
    return true;
  }
  return false;
}

void* Heap::take(size_t bytes) {
  const size_t size = with_gap(bytes);
  if (size < bytes) return nullptr;
  char* block = nullptr;
  const auto chunk = std::find_if(free_.begin(), free_.end(),
                                  [&](const auto& free) { return free.second.bytes >= size; });
  if (chunk != free_.end()) {
    block = chunk->first;
    const Chunk rest{chunk->second.bytes - size, chunk->second.cached};
    remove_free(chunk);
    if (rest.bytes > 0) add_free(block + size, rest);
  } else {
    ++requests_;
    // What is free right before the unused range is the block's beginning.
    size_t more = size;
    if (const auto after = free_.lower_bound(top_); after != free_.begin()) {
      const auto before = std::prev(after);
      const size_t room = static_cast<size_t>(end_ - top_) + before->second.bytes;
      if (before->first + before->second.bytes == top_ && size <= room) {
        block = before->first;
        more = size - before->second.bytes;
        remove_free(before);
      }
    }
    if (block == nullptr) {
      if (size > static_cast<size_t>(end_ - top_) && !reserve(size)) return nullptr;
      block = top_;
    }
    top_ += more;
  }
  used_.emplace(block, size);
  in_use_ += size;
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  return block;
}

bool Heap::give(void* block) noexcept {
  const auto found = used_.find(static_cast<char*>(block));
  if (found == used_.end()) return false;
  const auto [at, size] = *found;
  ASAN_POISON_MEMORY_REGION(at, size);
  used_.erase(found);
  in_use_ -= size;
  add_free(at, {size, true});
  return true;
}

void Heap::trim() noexcept {
  for (auto& [at, chunk] : free_) {
    if (!chunk.cached) continue;
    const auto begin = (reinterpret_cast<uintptr_t>(at) + kPage - 1) / kPage * kPage;
    const auto end = reinterpret_cast<uintptr_t>(at + chunk.bytes) / kPage * kPage;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    cached_ -= chunk.bytes;
    chunk.cached = false;
  }
}

}  // namespace forger::memory
