// Tests the heap for large blocks: blocks never overlap, free neighbours merge, and free memory
// is reused before new memory is requested.
#include "autograd/heap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace forger::memory {
namespace {

struct Block {
  unsigned char* data;
  size_t bytes;
  unsigned char mark;
};

bool holds_its_mark(const Block& block) {
  return std::all_of(block.data, block.data + block.bytes,
                     [&](unsigned char byte) { return byte == block.mark; });
}

}  // namespace

TEST_CASE("heap blocks never overlap over 5,000 random requests and releases") {
  Heap heap;
  std::mt19937 random(1);
  std::vector<Block> blocks;
  size_t in_use = 0, peak = 0;
  for (int i = 0; i < 5000; ++i) {
    if (blocks.size() < 20 || (blocks.size() < 60 && random() % 2 == 0)) {
      const size_t bytes = 1 + random() % (random() % 8 == 0 ? 300'000 : 5'000);
      auto* const data = static_cast<unsigned char*>(heap.take(bytes));
      REQUIRE(data != nullptr);
      CHECK(reinterpret_cast<uintptr_t>(data) % 64 == 0);
      blocks.push_back({data, bytes, static_cast<unsigned char>(i)});
      std::memset(data, blocks.back().mark, bytes);
      in_use += bytes;
      peak = std::max(peak, in_use);
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      REQUIRE(holds_its_mark(blocks.back()));
      REQUIRE(heap.give(blocks.back().data));
      in_use -= blocks.back().bytes;
      blocks.pop_back();
    }
    REQUIRE(heap.in_use() >= in_use);
    REQUIRE(heap.in_use() <= in_use + blocks.size() * 128);
  }
  for (const Block& block : blocks) {
    REQUIRE(holds_its_mark(block));
    REQUIRE(heap.give(block.data));
  }
  CHECK(heap.in_use() == 0);
  // All neighbours have merged into one block. It is not much larger than the peak of bytes in use.
  const size_t requests = heap.requests();
  const size_t all = heap.cached();
  CHECK(all < peak + peak / 2);
  void* const whole = heap.take(all - 64);
  CHECK(heap.requests() == requests);
  CHECK(heap.cached() == 0);
  CHECK(heap.give(whole));
}

TEST_CASE("the heap rejects foreign pointers and requests that cannot be met") {
  Heap heap;
  void* const block = heap.take(100'000);
  int elsewhere = 0;
  CHECK(!heap.give(&elsewhere));
  CHECK(!heap.give(static_cast<char*>(block) + 64));
  CHECK(heap.take(SIZE_MAX) == nullptr);
  CHECK(heap.take(SIZE_MAX / 2) == nullptr);
  CHECK(heap.give(block));
  CHECK(!heap.give(block));
  CHECK(heap.in_use() == 0);
}

TEST_CASE("free neighbours merge, and the last free chunk grows at the heap's end") {
  Heap heap;
  void* const a = heap.take(70'000);
  void* const b = heap.take(80'000);
  void* const c = heap.take(90'000);
  CHECK(heap.requests() == 3);
  heap.give(a);
  heap.give(b);
  CHECK(heap.take(150'080) == a);
  CHECK(heap.requests() == 3);
  heap.give(c);
  CHECK(heap.take(500'000) == c);
  CHECK(heap.requests() == 4);
  CHECK(heap.cached() < 100);
}

TEST_CASE("cached() counts released bytes over several ranges and after trim()") {
  constexpr size_t kMany = size_t{600} << 20;  // two do not fit one range; never accessed
  Heap heap;
  void* const a = heap.take(kMany);
  void* const b = heap.take(kMany);
  CHECK(heap.in_use() == 2 * (kMany + 64));
  CHECK(heap.cached() == 0);
  heap.give(a);
  CHECK(heap.cached() == kMany + 64);
  heap.trim();
  CHECK(heap.cached() == 0);
  heap.give(b);
  CHECK(heap.cached() == kMany + 64);
  void* const c = heap.take(100'000);
  CHECK(heap.in_use() == 100'032 + 64);
  CHECK(heap.give(c));
  CHECK(heap.in_use() == 0);
  CHECK(heap.cached() <= kMany + 64 + 100'096);
}

TEST_CASE("trim() returns free memory and keeps blocks in use") {
  Heap heap;
  auto* const kept = static_cast<unsigned char*>(heap.take(1 << 20));
  std::memset(kept, 7, 1 << 20);
  auto* const freed = static_cast<unsigned char*>(heap.take(8 << 20));
  std::memset(freed, 9, 8 << 20);
  heap.give(freed);
  CHECK(heap.cached() > 8 << 20);
  heap.trim();
  CHECK(heap.cached() == 0);
  CHECK(holds_its_mark({kept, 1 << 20, 7}));
  auto* const again = static_cast<unsigned char*>(heap.take(8 << 20));
  CHECK(again == freed);
  CHECK(again[4 << 20] == 0);  // memory from the system is zero
}

}  // namespace forger::memory
