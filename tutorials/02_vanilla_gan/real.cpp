#include "real.h"

#include "autograd/ops.h"
#include "nn/data/points.h"
#include "tutorials/common/draw.h"
#include "tutorials/plane/picture.h"

namespace forger::vanilla {
namespace {

constexpr int64_t kImages = 64, kPoints = 1000;

}  // namespace

RealExamples::RealExamples(const TrainOptions& options, tutorials::Run& run)
    : batch_size_(options.run.batch_size) {
  if (!options.points.empty() && options.target != kPointsFile) {
    tutorials::fail_option("--points", "the run has another target", options.points,
                           "no --points, as its --target is " + options.target);
  }
  if (options.has_images()) {
    const nn::ImageSet& images = run.load_images();
    loader_.emplace(images, batch_size_, run.seed());
    dimensions_ = images.image_bytes();
  } else if (options.points.empty()) {
    plane_.emplace(options.target);
  } else {
    plane_.emplace(nn::read_points(run.use_file("points")));
  }
}

void RealExamples::begin(tutorials::Run& run, tutorials::Run::Parts parts,
                         const std::vector<const nn::Module*>& networks, Random& random) {
  if (loader_) {
    run.begin(parts, networks, *loader_, &random);
  } else {
    parts.push_back({"target.", {{"frame", plane_->frame()}}});
    run.begin(parts, networks, &random);
  }
}

Tensor RealExamples::next(Random& random) {
  return loader_ ? flatten(loader_->next().images) : plane_->sample(batch_size_, random);
}

nn::Image picture(nn::Module& G, nn::Module& D, const RealExamples& data,
                  const TrainOptions& options, int64_t step) {
  Random random(static_cast<uint64_t>(options.run.seed), kSampleStream);
  if (data.plane() == nullptr) {
    const int64_t side = options.run.data.image_size;
    const Tensor x = tutorials::draw(G, random.normal({kImages, options.latent}));
    return tutorials::contact_sheet(reshape(x, {kImages, options.run.data.channels, side, side}));
  }
  const Tensor z = random.normal({kPoints, options.latent});
  const Tensor real = data.plane()->sample(kPoints, random);
  return tutorials::plane_picture(
      *data.plane(), G, D, z, real,
      [&](const Tensor& logits) { return generator_loss(logits, options.generator_loss()); }, step);
}

}  // namespace forger::vanilla
