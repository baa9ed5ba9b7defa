#include "tutorials/metrics/scores.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autograd/ops.h"
#include "tutorials/metrics/classes.h"
#include "tutorials/metrics/features.h"
#include "tutorials/metrics/frechet.h"
#include "tutorials/metrics/mmd.h"
#include "tutorials/metrics/neighbours.h"

namespace forger::metrics {
namespace {

constexpr int64_t kFewest = 6;  // k + 1 for density and coverage

std::vector<int64_t> histogram(const std::vector<int>& classes, const std::vector<int>& others,
                               SourceLoc loc) {
  const int largest = std::max(*std::max_element(classes.begin(), classes.end()),
                               *std::max_element(others.begin(), others.end()));
  return class_histogram(classes, largest + 1, loc);
}

/// Returns "1.234", or "-" for a number that is not finite.
std::string number(double value, int decimals) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return std::isfinite(value) ? text : "-";
}

}  // namespace

Scores score(const Sample& images, const Sample& real, const Originals& originals, SourceLoc loc) {
  const Tensor &x = images.features, &y = real.features;
  check_features("score", "images", x, "real", y, kFewest, loc);
  Scores scores;
  scores.n = x.shape()[0];
  scores.real = y.shape()[0];
  scores.frechet = frechet_distance(x, y, loc);

  const int64_t both = std::min(scores.n, scores.real);
  const Tensor first_x = slice(x, 0, 0, both, loc), first_y = slice(y, 0, 0, both, loc);
  const Mmd discrepancy = mmd(first_x, first_y, loc);
  scores.mmd = discrepancy.squared;
  scores.mmd_sigma = discrepancy.sigma;
  scores.nearest_neighbour_accuracy = nearest_neighbour_accuracy(first_x, first_y, loc).total;

  const PrecisionRecall manifolds = precision_recall(x, y, 3, loc);
  scores.precision = manifolds.precision;
  scores.recall = manifolds.recall;
  const DensityCoverage balls = density_coverage(x, y, 5, loc);
  scores.density = balls.density;
  scores.coverage = balls.coverage;

  if (!images.classes.empty() && !real.classes.empty()) {
    scores.class_distance = total_variation(histogram(images.classes, real.classes, loc),
                                            histogram(real.classes, images.classes, loc), loc);
  }
  if (originals.training.defined() && originals.test.defined()) {
    const Memorisation found = memorisation(x, originals.training, originals.test, loc);
    scores.training_ratio = std::isfinite(found.ratio) ? found.ratio : INFINITY;
    scores.training_nearer = found.nearer;
  }
  return scores;
}

const std::vector<Instrument>& instruments() {
  static const std::vector<Instrument> all = {
      {"frechet", "Frechet distance", "Heusel et al. 2017, section 4", &Scores::frechet, 3},
      {"mmd", "MMD^2, cubic kernel", "Gretton et al. 2012, lemma 6", &Scores::mmd, 5},
      {"mmd_sigma", "sigma of MMD^2", "Gretton et al. 2012, lemma 6", &Scores::mmd_sigma, 5},
      {"nearest_neighbour_accuracy", "1-NN accuracy", "Lopez-Paz & Oquab 2017, section 3",
       &Scores::nearest_neighbour_accuracy, 3},
      {"precision", "precision, k = 3", "Kynkaanniemi et al. 2019, section 2", &Scores::precision,
       3},
      {"recall", "recall, k = 3", "Kynkaanniemi et al. 2019, section 2", &Scores::recall, 3},
      {"density", "density, k = 5", "Naeem et al. 2020, section 3.2", &Scores::density, 3},
      {"coverage", "coverage, k = 5", "Naeem et al. 2020, section 3.2", &Scores::coverage, 3},
      {"class_distance", "class histogram, distance", "total variation", &Scores::class_distance,
       3},
      {"training_ratio", "distance to training / test", "Meehan et al. 2020, section 3",
       &Scores::training_ratio, 3},
      {"training_nearer", "share nearer to training", "Meehan et al. 2020, section 3",
       &Scores::training_nearer, 3}};
  return all;
}

std::string score_table(const Scores& images, const Scores& real) {
  char line[160];
  const auto count = [](int64_t n, int64_t m) {
    return std::to_string(n) + ":" + std::to_string(m);
  };
  std::snprintf(line, sizeof line, "%-28s %12s %12s\n%-28s %12s %12s\n", "", "images", "real", "n",
                count(images.n, images.real).c_str(), count(real.n, real.real).c_str());
  std::string table = line;
  for (const Instrument& instrument : instruments()) {
    const double value = images.*instrument.value, beside = real.*instrument.value;
    if (std::isnan(value)) continue;
    std::snprintf(line, sizeof line, "%-28s %12s %12s  %s\n", instrument.name,
                  number(value, instrument.decimals).c_str(),
                  number(beside, instrument.decimals).c_str(), instrument.paper);
    table += line;
  }
  return table;
}

}  // namespace forger::metrics
