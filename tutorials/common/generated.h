#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "autograd/tensor.h"

namespace forger::tutorials {

/// Draws `count` images and writes them into a folder, as an IDX file and a grid of the first ones.
/// Replaces files of these names. `draw_next(n)` returns the next n images [n, channels, height,
/// width] and is called with 256 or, at the end, with fewer. Throws UsageError naming --count if
/// the file would be larger than read_idx() takes; `image_bytes` are those of one image.
void write_generated(const std::filesystem::path& folder, int64_t count, int64_t image_bytes,
                     const std::function<Tensor(int64_t n)>& draw_next);

}  // namespace forger::tutorials
