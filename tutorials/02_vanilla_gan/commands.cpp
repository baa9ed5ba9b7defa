#include "commands.h"

#include <cstdio>
#include <filesystem>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "models/mlp.h"
#include "nn/state.h"
#include "options.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/generated.h"
#include "tutorials/common/trained.h"
#include "tutorials/plane/target.h"

namespace forger::vanilla {

int generate(const tutorials::GenerateOptions& options) {
  TrainOptions trained;
  const auto run = tutorials::load_trained(options.checkpoint, kChapter, train_options(trained));
  const tutorials::DataOptions& data = trained.run.data;
  const int64_t pixels = data.channels * data.image_size * data.image_size;
  Mlp G("G", trained.generator(trained.has_images() ? pixels : 2));
  nn::restore(run.checkpoint, "G.", G.state(), run.path.string(), {});
  std::printf("generator   %s\n", run.str().c_str());

  const std::filesystem::path beside = run.path.parent_path() / "generated";
  const auto folder = options.out.empty() ? beside : std::filesystem::path(options.out);
  Random random(static_cast<uint64_t>(options.seed), kGenerateStream);
  const auto next = [&](int64_t n) {
    return tutorials::draw(G, random.normal({n, trained.latent}));
  };
  if (trained.has_images()) {
    tutorials::write_generated(folder, options.count, pixels, [&](int64_t n) {
      return reshape(next(n), {n, data.channels, data.image_size, data.image_size});
    });
    return 0;
  }
  const Tensor frame = Tensor::empty({3});
  nn::restore(run.checkpoint, "target.", {{"frame", frame}}, run.path.string(), {});
  tutorials::write_points(folder, options.count, frame, next);
  return 0;
}

}  // namespace forger::vanilla
