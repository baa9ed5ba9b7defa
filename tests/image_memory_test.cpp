// Tests that read_image_folder throws when its threads get no memory. This file replaces the global
// operator new, which the sanitizers replace too.
#ifndef FORGER_SANITIZED
#include <doctest/doctest.h>
#include <omp.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>

#include "nn/data/image.h"
#include "nn/data/image_folder.h"
#include "nn/file.h"
#include "temp_folder.h"
#include "threads.h"

namespace {
std::atomic<bool> parallel_regions_get_none = false;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (parallel_regions_get_none && omp_in_parallel()) throw std::bad_alloc();
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace forger::nn {

TEST_CASE("read_image_folder throws if its threads get no memory") {
  const TempFolder folder;
  for (int i = 0; i < 4; ++i)
    write_png(folder / (std::to_string(i) + ".png"), {2, 2, 1, {1, 2, 3, 4}});
  const Threads threads(2);
  parallel_regions_get_none = true;
  CHECK_THROWS_AS(read_image_folder(folder.path(), 2, 1), std::bad_alloc);
  parallel_regions_get_none = false;
  CHECK(read_image_folder(folder.path(), 2, 1).images.count == 4);
}

}  // namespace forger::nn
#endif
