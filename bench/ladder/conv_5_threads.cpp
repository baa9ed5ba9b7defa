#include <omp.h>

#include "bench/ladder/ladder.h"
#include "bench/ladder/panels.h"
#include "bench/ladder/windows.h"

// One idea: the images are divided among the threads. Each thread has a frame and a panel of its
// own; all read the same packed weights.
namespace forger::ladder {

void conv_threads(const kernels::Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow, a_panels = panels(s.o, kRows);
  const int64_t height = s.h + 2 * s.padding, width = s.w + 2 * s.padding;
  Buffer packed(a_panels * kRows * k);
  for (int64_t i = 0; i < a_panels; ++i) {
    pack_a(weight + i * kRows * k, k, s.o - i * kRows, k, packed.data() + i * kRows * k);
  }
  const int64_t frame_size = s.c * height * width;
  Buffer all_windows(omp_get_max_threads() * kCols * k);
  Buffer frames(omp_get_max_threads() * frame_size);
#pragma omp parallel
  {
    float* const windows = all_windows.data() + omp_get_thread_num() * kCols * k;
    float* const frame = frames.data() + omp_get_thread_num() * frame_size;
#pragma omp for
    for (int64_t n = 0; n < s.n; ++n) {
      put_in_frame(s, x + n * s.c * s.h * s.w, height, width, frame);
      for (int64_t place = 0; place < places; place += kCols) {
        pack_windows(s, frame, height, width, place, windows);
        for (int64_t i = 0; i < a_panels; ++i) {
          tile_of_panels(k, packed.data() + i * kRows * k, windows,
                         y + (n * s.o + i * kRows) * places + place, places, s.o - i * kRows,
                         places - place, false);
        }
      }
    }
  }
}

}  // namespace forger::ladder
