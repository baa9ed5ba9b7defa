#include "commands.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "autograd/random.h"
#include "networks.h"
#include "nn/data/idx.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "nn/state.h"
#include "options.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/latent.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/trained.h"

namespace forger::dcgan {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kGridImages = 64;
constexpr int64_t kImagesAtOnce = 256;              // a multiple of 4: see generate()
constexpr int64_t kMaxIdxBytes = int64_t{1} << 30;  // the most that read_idx() takes

/// G from a checkpoint, with the options that it was built from.
struct TrainedG {
  fs::path path;
  TrainOptions options;
  std::unique_ptr<Generator> G;
};

TrainedG load_generator(const std::string& given) {
  TrainedG trained;
  const auto run = tutorials::load_trained(given, kChapter, train_options(trained.options));
  trained.path = run.path;
  trained.G = std::make_unique<Generator>(trained.options.network());
  nn::restore(run.checkpoint, "G.", trained.G->state(), run.path.string(), {});
  std::printf("generator   %s\n", run.str().c_str());
  return trained;
}

}  // namespace

int generate(tutorials::GenerateOptions& options) {
  const TrainedG trained = load_generator(options.checkpoint);
  const NetworkOptions network = trained.options.network();
  const int64_t image_bytes = network.channels * network.image_size * network.image_size;
  if (options.count > kMaxIdxBytes / image_bytes) {
    tutorials::fail_option("--count", "more than an IDX file should hold",
                           std::to_string(options.count),
                           "at most " + std::to_string(kMaxIdxBytes / image_bytes));
  }
  const fs::path folder =
      options.out.empty() ? trained.path.parent_path() / "generated" : fs::path(options.out);

  // An image is a function of the seed and its number. The random numbers of a batch begin where
  // those of the batch before ended: both use whole blocks of four.
  Random random(static_cast<uint64_t>(options.seed), kGenerateStream);
  nn::ImageSet images;
  Tensor first;
  while (images.count < options.count) {
    const int64_t n = std::min(kImagesAtOnce, options.count - images.count);
    const Tensor x = tutorials::draw(*trained.G, random.normal({n, network.latent, 1, 1}));
    if (!first.defined()) first = slice(x, 0, 0, std::min(n, kGridImages));
    append_images(images, x);
  }

  // The name holds the number of axes: count, height and width, and with colours also channels.
  const char* name = images.channels == 1 ? "images-idx3-ubyte" : "images-idx4-ubyte";
  nn::make_folder(folder);
  nn::write_idx_images(folder / name, images);
  nn::write_png(folder / "grid.png", tutorials::contact_sheet(first));
  std::printf("images      %s in %s\ngrid        %s\n", tutorials::grouped(images.count).c_str(),
              (folder / name).c_str(), (folder / "grid.png").c_str());
  return 0;
}

int interpolate(tutorials::InterpolateOptions& options) {
  const TrainedG trained = load_generator(options.checkpoint);
  const fs::path path = options.out.empty() ? trained.path.parent_path() / "interpolation.png"
                                            : fs::path(options.out);
  Random random(static_cast<uint64_t>(options.seed), kInterpolateStream);
  const int64_t latent = trained.options.latent;
  std::vector<Tensor> strips;
  for (int64_t row = 0; row < options.rows; ++row) {
    const Tensor from = random.normal({1, latent, 1, 1}), to = random.normal({1, latent, 1, 1});
    for (int64_t column = 0; column < options.columns; ++column) {
      const double t = static_cast<double>(column) / static_cast<double>(options.columns - 1);
      strips.push_back(tutorials::slerp(from, to, t));
    }
  }
  nn::write_png(path, tutorials::contact_sheet(tutorials::draw(*trained.G, concat(strips, 0)),
                                               options.columns));
  std::printf("strips      %s\n", path.c_str());
  return 0;
}

}  // namespace forger::dcgan
