#include "tutorials/common/generated.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "autograd/ops.h"
#include "nn/data/idx.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/options.h"
#include "tutorials/common/progress.h"

namespace forger::tutorials {
namespace {

constexpr int64_t kGridImages = 64;
// A multiple of 4, so that each batch of random numbers begins with a whole block of the generator.
constexpr int64_t kImagesAtOnce = 256;
constexpr int64_t kMaxIdxBytes = int64_t{1} << 30;  // the most that read_idx() takes

}  // namespace

void write_generated(const std::filesystem::path& folder, int64_t count, int64_t image_bytes,
                     const std::function<Tensor(int64_t n)>& draw_next) {
  if (count > kMaxIdxBytes / image_bytes) {
    fail_option("--count", "more than an IDX file should hold", std::to_string(count),
                "at most " + std::to_string(kMaxIdxBytes / image_bytes));
  }
  nn::ImageSet images;
  Tensor first;
  while (images.count < count) {
    const int64_t n = std::min(kImagesAtOnce, count - images.count);
    const Tensor x = draw_next(n);
    if (!first.defined()) first = slice(x, 0, 0, std::min(n, kGridImages));
    append_images(images, x);
  }
  // The name holds the number of axes: count, height and width, and with colours also channels.
  const char* name = images.channels == 1 ? "images-idx3-ubyte" : "images-idx4-ubyte";
  nn::make_folder(folder);
  nn::write_idx_images(folder / name, images);
  nn::write_png(folder / "grid.png", contact_sheet(first));
  std::printf("images      %s in %s\ngrid        %s\n", grouped(images.count).c_str(),
              (folder / name).c_str(), (folder / "grid.png").c_str());
}

}  // namespace forger::tutorials
