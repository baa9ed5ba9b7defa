#include "bench/ladder/ladder.h"
#include "bench/ladder/panels.h"
#include "bench/ladder/windows.h"

// One idea: the product reads its matrix through panels of sixteen columns anyway. So each panel is
// filled directly from the frame, used for all output channels, and overwritten by the next. No
// matrix is written to memory and read back. The weights are packed once for all images.
namespace forger::ladder {

void conv_implicit(const kernels::Conv2d& s, const float* x, const float* weight, float* y) {
  const int64_t k = s.c * s.kh * s.kw, places = s.oh * s.ow, a_panels = panels(s.o, kRows);
  const int64_t height = s.h + 2 * s.padding, width = s.w + 2 * s.padding;
  Buffer packed(a_panels * kRows * k);
  for (int64_t i = 0; i < a_panels; ++i) {
    pack_a(weight + i * kRows * k, k, s.o - i * kRows, k, packed.data() + i * kRows * k);
  }
  Buffer windows(kCols * k);
  Buffer frame(s.c * height * width);
  for (int64_t n = 0; n < s.n; ++n) {
    put_in_frame(s, x + n * s.c * s.h * s.w, height, width, frame.data());
    for (int64_t place = 0; place < places; place += kCols) {
      pack_windows(s, frame.data(), height, width, place, windows.data());
      for (int64_t i = 0; i < a_panels; ++i) {
        tile_of_panels(k, packed.data() + i * kRows * k, windows.data(),
                       y + (n * s.o + i * kRows) * places + place, places, s.o - i * kRows,
                       places - place, false);
      }
    }
  }
}

}  // namespace forger::ladder
