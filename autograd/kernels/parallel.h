#pragma once

#include <cstdint>

namespace forger::kernels {

/// Calls body(begin, end) for each chunk of [0, n), in parallel. A body that keeps one partial
/// result per chunk gives the same bits for any number of threads if the chunk's size does not
/// depend on it. The body must not throw or allocate.
template <class Body>
inline void parallel_chunks(int64_t n, int64_t chunk, const Body& body) {
  const int64_t chunks = (n + chunk - 1) / chunk;
  if (chunks <= 1) {  // starting a team costs more than a small tensor's whole work
    if (n > 0) body(int64_t{0}, n);
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < chunks; ++i) {
    const int64_t begin = i * chunk;
    body(begin, n - begin < chunk ? n : begin + chunk);
  }
}

}  // namespace forger::kernels
