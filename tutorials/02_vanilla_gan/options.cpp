#include "options.h"

#include <algorithm>
#include <utility>

#include "tutorials/plane/target.h"

namespace forger::vanilla {
namespace {

using tutorials::integer_option;
using tutorials::Kept;
using tutorials::number_option;
using tutorials::text_option;

/// For images, unless they are given: a small network of the kind of Goodfellow et al. 2014.
const std::pair<const char*, const char*> kForImages[] = {
    {"batch-size", "64"}, {"latent", "100"},       {"hidden", "256"},  {"lr", "0.0002"},
    {"r1", "0"},          {"sample-every", "500"}, {"decay-from", "1"}};

}  // namespace

GeneratorLoss TrainOptions::generator_loss() const {
  if (loss == "non-saturating") return GeneratorLoss::kNonSaturating;
  if (loss == "zero-sum") return GeneratorLoss::kZeroSum;
  tutorials::fail_option("--loss", "there is no such loss", loss, "non-saturating or zero-sum");
}

double TrainOptions::lr_at(int64_t step) const {
  const double steps = static_cast<double>(run.steps), left = steps - static_cast<double>(step - 1);
  return lr * std::min(1.0, left / (steps * (1 - decay_from)));
}

std::vector<tutorials::Option> train_options(TrainOptions& o) {
  return tutorials::run_options(
      o.run, kChapter,
      {text_option("target", o.target, "NAME",
                   std::string("what G learns to draw: ") + tutorials::kTargets + " (default {})",
                   Kept::kInForks),
       text_option("points", o.points, "FILE",
                   "a CSV file of points in the plane, instead of --target", Kept::kUntilResume),
       text_option("loss", o.loss, "NAME",
                   "what G minimises: non-saturating, -log D, or zero-sum, log(1 - D) (default {})",
                   Kept::kInRun),
       number_option("lr", o.lr, {.low = 0, .high = 10, .with_low = false},
                     "Adam's learning rate for both networks (default {}, for images 0.0002)",
                     Kept::kInRun),
       number_option("beta1", o.beta1, {.low = 0, .high = 1, .with_high = false},
                     "Adam's decay rate for the mean gradient (default {})", Kept::kInRun),
       number_option("decay-from", o.decay_from, {.low = 0, .high = 1},
                     "share of the steps after which the learning rates fall linearly to 0 "
                     "(default {}, for images 1: never); with more --steps they rise again",
                     Kept::kInRun),
       number_option("r1", o.r1, {.low = 0, .high = 1000},
                     "weight of the penalty on D's slope at real examples (default {}, for images "
                     "0: none)",
                     Kept::kInRun),
       integer_option("latent", o.latent, {1, 4096},
                      "length of the random vector z (default {}, for images 100)", Kept::kInForks),
       integer_option("hidden", o.hidden, {1, 4096},
                      "width of the hidden layers (default {}, for images 256)", Kept::kInForks)});
}

void complete(TrainOptions& o, std::vector<tutorials::Option>& table) {
  const auto given = [&](const char* name) { return tutorials::find_option(table, name).given; };
  if (given("points") && given("target")) {
    tutorials::fail_option("--points", "a run has one target", "--points and --target", "one");
  }
  if (o.run.resume) return;  // the checkpoint has the values
  if (given("points")) o.target = kPointsFile;
  if (!o.has_images()) return;
  if (!given("steps")) o.run.steps = 0;  // as many as the epochs have
  for (const auto& [name, value] : kForImages) {
    const tutorials::Option& option = tutorials::find_option(table, name);
    if (!option.given) tutorials::set_value(option, value, "--target images");
  }
}

}  // namespace forger::vanilla
