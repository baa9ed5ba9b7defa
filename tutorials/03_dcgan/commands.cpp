#include "commands.h"

#include <cstdio>
#include <memory>

#include "autograd/random.h"
#include "networks.h"
#include "nn/data/image.h"
#include "nn/state.h"
#include "options.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/generated.h"
#include "tutorials/common/latent.h"
#include "tutorials/common/trained.h"

namespace forger::dcgan {
namespace {

namespace fs = std::filesystem;

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
  const fs::path folder =
      options.out.empty() ? trained.path.parent_path() / "generated" : fs::path(options.out);
  // An image is a function of the seed and its number.
  Random random(static_cast<uint64_t>(options.seed), kGenerateStream);
  tutorials::write_generated(
      folder, options.count, network.channels * network.image_size * network.image_size,
      [&](int64_t n) {
        return tutorials::draw(*trained.G, random.normal({n, network.latent, 1, 1}));
      });
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
