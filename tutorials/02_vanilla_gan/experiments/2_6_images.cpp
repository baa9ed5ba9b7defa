// E2.6: On images, is D fooled half of the time? The D that played, and a D that is trained afresh.
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "experiments.h"
#include "nn/data/loader.h"
#include "nn/init.h"
#include "nn/optim.h"
#include "play.h"
#include "tutorials/common/classifier.h"
#include "tutorials/common/data.h"
#include "tutorials/common/draw.h"
#include "tutorials/common/evaluate.h"
#include "tutorials/common/splits.h"

namespace forger::vanilla {
namespace {

using tutorials::Point;

constexpr int64_t kLatent = 100, kHidden = 256, kBatch = 64, kEpochs = 20, kGrid = 64;
constexpr double kRate = 2e-4;
constexpr int64_t kFreshSteps = 2000;
constexpr double kFreshRate = 1e-3;

struct Sets {
  nn::ImageSet train, held_out;
};

Sets images(const tutorials::Measurement& m) {
  tutorials::DataOptions options;
  if (!m.quick()) options.data = "fashion-mnist";
  const tutorials::Data data = tutorials::load_data(options, 0);
  tutorials::Splits sets = tutorials::split(data.images, options, 0);
  return {std::move(sets.train), std::move(sets.held_out)};
}

Tensor vectors(const nn::ImageSet& images, int64_t n) {
  return reshape(images_to_tensor(images, 0, n), {n, images.image_bytes()});
}

/// The share that D judges rightly of real images and of as many fakes. A logit above 0 means real.
double accuracy(nn::Module& D, const Tensor& real, const Tensor& fake) {
  const Tensor right = concat(
      {greater(tutorials::evaluate(D, real), 0.0), less_equal(tutorials::evaluate(D, fake), 0.0)},
      0);
  return mean(right).item();
}

/// Trains D alone to tell real images from those of a G that no longer changes.
void train_fresh(nn::Module& D, Mlp& G, const nn::ImageSet& train, uint64_t seed, bool as_images) {
  nn::Adam optimizer(D, {.lr = kFreshRate});
  nn::Loader loader(train, kBatch, seed);
  Random random(seed, 'F');
  for (int64_t step = 0; step < kFreshSteps; ++step) {
    const Tensor real = loader.next().images;
    Tensor fake = tutorials::draw(G, random.normal({kBatch, kLatent}));
    if (as_images) fake = reshape_to(fake, real.shape());
    const Tensor loss = discriminator_loss(D(as_images ? real : flatten(real)), D(fake));
    optimizer.zero_grad();
    backward(loss, D.parameters());
    optimizer.step();
  }
}

void measure(tutorials::Measurement& m) {
  const Sets sets = images(m);
  const int64_t pixels = sets.train.image_bytes();
  const int64_t epochs = m.quick() ? 1 : kEpochs;
  const int64_t n = sets.held_out.count;
  const Tensor held_out = vectors(sets.held_out, n), seen = vectors(sets.train, n);
  for (const uint64_t seed : m.seeds()) {
    nn::seed_init(seed);
    Mlp G("G", {kLatent, kHidden, pixels, /*in_range=*/true}), D("D", {pixels, kHidden, 1});
    nn::Loader loader(sets.train, kBatch, seed);
    const int64_t per_epoch = loader.batches_per_epoch();
    const Play options = {.steps = epochs * per_epoch,
                          .batch_size = kBatch,
                          .latent = kLatent,
                          .lr_g = kRate,
                          .lr_d = kRate,
                          .decay_from = 1};
    const auto fakes = [&](int64_t count, uint64_t stream) {
      return tutorials::draw(G, Random(seed, stream).normal({count, kLatent}));
    };
    play(
        G, D, options, [&](int64_t, Random&) { return flatten(loader.next().images); }, seed,
        [&](int64_t step) {
          if (step == 0 || step % per_epoch != 0) return;
          const Point at("epoch", step / per_epoch);
          const Tensor fake = fakes(n, 'E');
          m.record("D that plays, held-out images", at, accuracy(D, held_out, fake));
          m.record("D that plays, its training images", at, accuracy(D, seen, fake));
        });
    const Tensor fake = fakes(n, 'T');
    m.record("accuracy of the D that played", accuracy(D, held_out, fake));

    Mlp fresh("fresh", {pixels, kHidden, 1});
    train_fresh(fresh, G, sets.train, seed, false);
    m.record("accuracy of a fresh D of the same form", accuracy(fresh, held_out, fake));
    tutorials::Classifier eye(
        {.image_size = sets.train.height, .channels = sets.train.channels, .classes = 1});
    train_fresh(eye, G, sets.train, seed, true);
    const Shape shape = {n, sets.train.channels, sets.train.height, sets.train.width};
    m.record("accuracy of a fresh convolutional D",
             accuracy(eye, reshape_to(held_out, shape), reshape_to(fake, shape)));
    if (seed == m.seeds()[0]) {
      const Tensor shown = reshape(slice(fake, 0, 0, kGrid), {kGrid, shape[1], shape[2], shape[3]});
      m.picture("samples", tutorials::contact_sheet(shown));
    }
    m.progress("seed " + std::to_string(seed));
  }
}

}  // namespace

tutorials::Experiment on_images() {
  return {.id = "2.6",
          .title = "On images: the D that played, and a fresh one",
          .predictions =
              {not_predicted("accuracy of the D that played",
                             "it depends on who is ahead; 1/2 would mean that D only guesses"),
               at_least("accuracy of a fresh D of the same form", 0.95,
                        "G was trained against the weaknesses of one D; a perceptron's images have "
                        "others"),
               at_least("accuracy of a fresh convolutional D", 0.95,
                        "the same, and it sees the noise in a window of few pixels")},
          .minutes = 12,
          .seeds = {0, 1, 2},
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::vanilla
