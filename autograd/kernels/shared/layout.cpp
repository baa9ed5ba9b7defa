#include <algorithm>

#include "autograd/kernels/parallel.h"
#include "autograd/kernels/shared.h"

namespace forger::kernels {
namespace {

int64_t slices_per_chunk(const Gather& s) { return items_per_chunk(s.count * s.inner); }

}  // namespace

void max(const Reduce& s, const Scalar* x, Scalar* y) {
  const int64_t of_each = s.sum0 * s.sum1;
  parallel_chunks(s.keep0 * s.keep1, items_per_chunk(of_each), [&](int64_t begin, int64_t end) {
    for (int64_t output = begin; output < end; ++output) {
      const int64_t i = output / s.keep1, k = output % s.keep1;
      Scalar largest = x[(i * s.sum0 * s.keep1 + k) * s.sum1];
      for (int64_t j = 0; j < s.sum0; ++j) {
        const Scalar* row = x + ((i * s.sum0 + j) * s.keep1 + k) * s.sum1;
        for (int64_t l = 0; l < s.sum1; ++l) {
          if (row[l] > largest || row[l] != row[l]) largest = row[l];
        }
      }
      y[output] = largest;
    }
  });
}

void copy_strided(const Strided& s, const Scalar* x, Scalar* y) {
  const int64_t *n = s.extent, *step = s.stride;
  const int64_t block = n[3] * n[4];
  parallel_chunks(n[0] * n[1] * n[2], items_per_chunk(block), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t k = r % n[2], j = r / n[2] % n[1], i = r / n[2] / n[1];
      const Scalar* from = x + i * step[0] + j * step[1] + k * step[2];
      Scalar* to = y + r * block;
      for (int64_t l = 0; l < n[3]; ++l) {
        for (int64_t m = 0; m < n[4]; ++m) *to++ = from[l * step[3] + m * step[4]];
      }
    }
  });
}

void gather(const Gather& s, const Scalar* x, const int64_t* index, Scalar* y) {
  parallel_chunks(s.outer, slices_per_chunk(s), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      for (int64_t i = 0; i < s.count; ++i) {
        for (int64_t k = 0; k < s.inner; ++k) {
          const int64_t at = (o * s.count + i) * s.inner + k;
          y[at] = x[(o * s.extent + index[at]) * s.inner + k];
        }
      }
    }
  });
}

void scatter_add(const Gather& s, const Scalar* y, const int64_t* index, Scalar* x) {
  parallel_chunks(s.outer, slices_per_chunk(s), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      for (int64_t i = 0; i < s.count; ++i) {
        for (int64_t k = 0; k < s.inner; ++k) {
          const int64_t at = (o * s.count + i) * s.inner + k;
          x[(o * s.extent + index[at]) * s.inner + k] += y[at];
        }
      }
    }
  });
}

void index_select(const Gather& s, const Scalar* x, const int64_t* index, Scalar* y) {
  parallel_chunks(s.outer * s.count, items_per_chunk(s.inner), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t o = t / s.count, i = t % s.count;
      std::copy_n(x + (o * s.extent + index[i]) * s.inner, s.inner, y + t * s.inner);
    }
  });
}

void argmax(const Gather& s, const Scalar* x, int* index) {
  parallel_chunks(s.outer * s.inner, items_per_chunk(s.extent), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const Scalar* column = x + t / s.inner * s.extent * s.inner + t % s.inner;
      int64_t best = 0;
      for (int64_t i = 1; i < s.extent; ++i) {
        const Scalar v = column[i * s.inner], largest = column[best * s.inner];
        if (v > largest || (v != v && largest == largest)) best = i;
      }
      index[t] = static_cast<int>(best);
    }
  });
}

// Two indices may name one place, so a thread has a range of k to itself.
void index_add(const Gather& s, const Scalar* y, const int64_t* index, Scalar* x) {
  parallel_chunks(s.inner, 256, [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < s.outer * s.count; ++t) {
      const int64_t o = t / s.count, i = t % s.count;
      const Scalar* from = y + t * s.inner;
      Scalar* to = x + (o * s.extent + index[i]) * s.inner;
      for (int64_t k = begin; k < end; ++k) to[k] += from[k];
    }
  });
}

}  // namespace forger::kernels
