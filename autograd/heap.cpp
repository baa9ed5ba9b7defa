#include "autograd/heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

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
constexpr size_t kRange = size_t{1} << 30;  // only addresses: a page takes memory when touched

/// Returns the size of a block with an unused cache line behind it. AddressSanitizer reports any
/// access to that line. It also spreads arrays of a power of two bytes over the sets of the caches.
size_t with_gap(size_t bytes) { return (bytes + kLine - 1) / kLine * kLine + kLine; }

/// Returns a chunk that is in no map yet. Callers make it before they change anything, because the
/// allocation can throw.
template <class Map>
typename Map::node_type make_node() {
  Map map;
  return map.extract(map.try_emplace(nullptr).first);
}

}  // namespace

Heap::~Heap() {
  for (const auto& [begin, bytes] : ranges_) {
    ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
    munmap(begin, bytes);
  }
}

/// Inserts a free chunk and joins it with its free neighbours.
void Heap::insert_free(Chunks::node_type chunk) noexcept {
  char* const at = chunk.key();
  cached_ += chunk.mapped().cached;
  const auto join = [](Chunk& a, const Chunk& b) {
    a.bytes += b.bytes;
    a.cached += b.cached;
  };
  auto next = free_.lower_bound(at);
  if (next != free_.end() && next->first == at + chunk.mapped().bytes) {
    join(chunk.mapped(), next->second);
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second.bytes == at) return join(before->second, chunk.mapped());
  }
  free_.insert(std::move(chunk));
}

/// Maps a new range of at least `bytes` unused bytes. The rest of the previous range becomes a free
/// chunk. Returns false if the system has no more addresses.
bool Heap::reserve(size_t bytes) {
  auto rest = make_node<Chunks>();
  ranges_.reserve(ranges_.size() + 1);
  for (const size_t range : {std::max(kRange, bytes), bytes}) {
    const size_t mapped = range + kHugePage;
    if (mapped < range) return false;
    void* const map =
        mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) continue;
    ranges_.emplace_back(static_cast<char*>(map), mapped);
    if (top_ != end_) {
      rest.key() = top_;
      rest.mapped().bytes = static_cast<size_t>(end_ - top_);
      insert_free(std::move(rest));
    }
    top_ = static_cast<char*>(map);
    end_ = top_ + mapped;
    // Huge pages, because the rows of an image can span more 4 KiB pages than the TLB has entries.
    // A huge page begins at a multiple of its size.
    top_ += (kHugePage - reinterpret_cast<uintptr_t>(top_) % kHugePage) % kHugePage;
#if defined(MADV_HUGEPAGE)
    madvise(top_, static_cast<size_t>(end_ - top_), MADV_HUGEPAGE);
#endif
    return true;
  }
  return false;
}

void* Heap::take(size_t bytes) {
  const size_t size = with_gap(bytes);
  if (size < bytes) return nullptr;
  auto used = make_node<Chunks>();
  auto fit = std::find_if(free_.begin(), free_.end(),
                          [&](const auto& chunk) { return chunk.second.bytes >= size; });
  if (fit == free_.end()) {
    // A free chunk right before the unused range can be the beginning of the block.
    const auto last = free_.lower_bound(top_);
    if (last != free_.begin()) {
      const auto before = std::prev(last);
      const size_t room = before->second.bytes + static_cast<size_t>(end_ - top_);
      if (before->first + before->second.bytes == top_ && size <= room) fit = before;
    }
    if (fit == free_.end() && size > static_cast<size_t>(end_ - top_) && !reserve(size)) {
      return nullptr;
    }
    ++requests_;
  }
  char* block = top_;
  if (fit == free_.end()) {
    top_ += size;
  } else {
    auto chunk = free_.extract(fit);
    block = chunk.key();
    cached_ -= chunk.mapped().cached;
    if (chunk.mapped().bytes < size) {
      top_ += size - chunk.mapped().bytes;
    } else if (chunk.mapped().bytes > size) {
      chunk.key() += size;
      chunk.mapped().bytes -= size;
      chunk.mapped().cached = std::min(chunk.mapped().cached, chunk.mapped().bytes);
      insert_free(std::move(chunk));
    }
  }
  used.key() = block;
  used.mapped().bytes = size;
  used_.insert(std::move(used));
  in_use_ += size;
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
  ASAN_POISON_MEMORY_REGION(block + bytes, size - bytes);
  return block;
}

bool Heap::give(void* block) noexcept {
  const auto found = used_.find(static_cast<char*>(block));
  if (found == used_.end()) return false;
  auto chunk = used_.extract(found);
  const size_t size = chunk.mapped().bytes;
  ASAN_POISON_MEMORY_REGION(block, size);
  in_use_ -= size;
  chunk.mapped().cached = size;
  insert_free(std::move(chunk));
  return true;
}

void Heap::trim() noexcept {
  for (auto& [at, chunk] : free_) {
    if (chunk.cached == 0) continue;
    const auto begin = (reinterpret_cast<uintptr_t>(at) + kPage - 1) / kPage * kPage;
    const auto end = reinterpret_cast<uintptr_t>(at + chunk.bytes) / kPage * kPage;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    cached_ -= chunk.cached;
    chunk.cached = 0;
  }
}

}  // namespace forger::memory
