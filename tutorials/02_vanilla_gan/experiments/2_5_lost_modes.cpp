// E2.5: Modes that G loses on a ring and on a grid, and one number that brings them back.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "experiments.h"
#include "nn/init.h"
#include "play.h"
#include "tutorials/common/evaluate.h"
#include "tutorials/plane/picture.h"
#include "tutorials/plane/target.h"

namespace forger::vanilla {
namespace {

using tutorials::PlaneScore;
using tutorials::PlaneTarget;
using tutorials::Point;

constexpr int64_t kHidden = 128, kLatent = 2, kScored = 10'000, kShown = 1000, kFrames = 6;
constexpr int64_t kFrameSide = 300;

// The default run of the chapter. One number differs in each of the others.
constexpr Play kRecipe = {.steps = 2000,
                          .batch_size = 256,
                          .latent = kLatent,
                          .lr_g = 3e-3,
                          .lr_d = 3e-3,
                          .beta1 = 0.5,
                          .r1 = 0.1};

constexpr const char* kMuchMomentum = "beta1 0.95";

struct Way {
  std::string name;
  Play options;
};

std::vector<Way> ways() {
  std::vector<Way> all = {{"the recipe", kRecipe}};
  all.push_back({"beta1 0.9", kRecipe});
  all.back().options.beta1 = 0.9;
  all.push_back({kMuchMomentum, kRecipe});
  all.back().options.beta1 = 0.95;
  all.push_back({"beta1 0", kRecipe});
  all.back().options.beta1 = 0;
  all.push_back({"no penalty", kRecipe});
  all.back().options.r1 = 0;
  all.push_back({"no decay", kRecipe});
  all.back().options.decay_from = 1;
  all.push_back({"zero-sum loss", kRecipe});
  all.back().options.loss = GeneratorLoss::kZeroSum;
  all.push_back({"pairs instead of the penalty", kRecipe});
  all.back().options.r1 = 0;
  all.back().options.pack = 2;
  return all;
}

/// Plays one game. Appends `kFrames` pictures of it to `frames`, unless it is null.
PlaneScore learn(const PlaneTarget& target, const Play& options, uint64_t seed,
                 std::vector<nn::Image>* frames = nullptr) {
  nn::seed_init(seed);
  Mlp G("G", {kLatent, kHidden, 2}), D("D", {2 * options.pack, kHidden, 1});
  const Tensor z = Random(seed, 'S').normal({kShown, kLatent});
  Random random(seed, 'P');
  const Tensor real = target.sample(kShown, random);
  play(
      G, D, options, [&](int64_t n, Random& r) { return target.sample(n, r); }, seed,
      [&](int64_t step) {
        if (frames == nullptr || step % (options.steps / (kFrames - 1)) != 0) return;
        const nn::Image frame = plane_picture(
            target, G, D, z, real,
            [&](const Tensor& logits) { return generator_loss(logits, options.loss); }, step);
        frames->push_back(square_image(frame, kFrameSide));
      });
  return target.score(tutorials::evaluate(G, Random(0, 'T').normal({kScored, kLatent})));
}

/// Arranges pictures of one size in rows.
nn::Image in_rows(const std::vector<nn::Image>& frames, int64_t columns) {
  const int64_t side = frames[0].width, row_bytes = side * 3;
  nn::Image all;
  all.width = side * columns;
  all.height = side * (static_cast<int64_t>(frames.size()) / columns);
  all.channels = 3;
  for (int64_t y = 0; y < all.height; ++y) {
    for (int64_t column = 0; column < columns; ++column) {
      const nn::Image& frame = frames[static_cast<size_t>(y / side * columns + column)];
      const auto from = frame.pixels.begin() + (y % side) * row_bytes;
      all.pixels.insert(all.pixels.end(), from, from + row_bytes);
    }
  }
  return all;
}

/// Records a setting on one shape. Returns the share of seeds that `is_it` is true for.
double record(tutorials::Measurement& m, const std::string& shape, const Way& way, int64_t steps,
              const std::function<bool(const PlaneScore&)>& is_it) {
  const PlaneTarget target(shape);
  Play options = way.options;
  options.steps = steps;
  const auto outcomes =
      for_seeds<PlaneScore>(m.seeds(), [&](uint64_t seed) { return learn(target, options, seed); });
  double count = 0;
  for (const PlaneScore& outcome : outcomes) {
    const Point at("setting, " + shape, way.name);
    m.record("modes of " + std::to_string(target.modes()), at, static_cast<double>(outcome.modes));
    m.record("good points, " + shape, at, outcome.good);
    m.record("Jensen-Shannon distance, " + shape, at, outcome.distance);
    count += is_it(outcome) ? 1 : 0;
  }
  m.progress(shape + ", " + way.name);
  return count / static_cast<double>(outcomes.size());
}

void measure(tutorials::Measurement& m) {
  const int64_t steps = m.quick() ? 400 : kRecipe.steps;
  const auto all_8 = [](const PlaneScore& o) { return o.modes == 8; };
  const auto at_most_4 = [](const PlaneScore& o) { return o.modes <= 4; };
  const std::vector<Way> settings = ways();
  for (const Way& way : settings) {
    const bool momentum = way.name == kMuchMomentum;
    const double share =
        record(m, "ring", way, steps,
               momentum ? std::function<bool(const PlaneScore&)>(at_most_4) : all_8);
    if (momentum) m.record("share of seeds with at most 4 modes, beta1 0.95", share);
    if (way.name == "the recipe") m.record("share of seeds with 8 modes, the recipe", share);
  }
  for (const size_t way : {0U, 2U}) {
    record(m, "grid", settings[way], 2 * steps, [](const PlaneScore&) { return false; });
  }

  std::vector<nn::Image> frames;
  const PlaneTarget ring("ring");
  for (const size_t way : {2U, 0U}) {
    Play options = settings[way].options;
    options.steps = steps;
    learn(ring, options, m.seeds()[0], &frames);
  }
  m.picture("filmstrip", in_rows(frames, kFrames));
}

}  // namespace

tutorials::Experiment lost_modes() {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 20; ++seed) seeds.push_back(seed);
  const std::string reason = "a choice: what is asked of a setting that shows the effect";
  return {.id = "2.5",
          .title = "Lost modes, and one number that brings them back",
          .predictions = {at_least("share of seeds with 8 modes, the recipe", 0.9, reason),
                          at_least("share of seeds with at most 4 modes, beta1 0.95", 0.9, reason)},
          .minutes = 15,
          .seeds = seeds,
          .measure = measure,
          .source = __FILE__};
}

}  // namespace forger::vanilla
