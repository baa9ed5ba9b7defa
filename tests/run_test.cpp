// Tests tutorials::Run where a chapter's program does not: steps that draw several batches, and
// runs without pictures or latent vectors.
#include "tutorials/common/run.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "dcgan_program.h"
#include "nn/data/loader.h"
#include "nn/layers.h"
#include "temp_folder.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

namespace forger {
namespace {

const tutorials::Chapter kChapter = {.name = "several", .quick = {}, .next = "", .report = {}};

struct Net : nn::Module {
  Net() : Module("net") {}
  Tensor forward(const Tensor& x) override { return layer(x); }
  nn::Linear layer{*this, "layer", 1, 1};
};

/// Trains nothing, but draws `batches_per_step` batches a step. Returns the mean of each batch.
std::vector<double> run_steps(const TempFolder& folder, const std::string& name,
                              int64_t batches_per_step, const std::string& length, bool resume) {
  tutorials::RunOptions options;
  std::vector<tutorials::Option> table = tutorials::run_options(options, kChapter, {});
  options.out = (folder / name).string();
  options.resume = resume;
  const auto give = [&](const std::string& option, const std::string& value) {
    for (tutorials::Option& entry : table) {
      if (entry.name != option) continue;
      tutorials::set_value(entry, value, "--" + option);
      entry.given = true;
    }
  };
  const std::vector<std::string> part = words(length);
  give(part[0], part[1]);
  if (!resume) {
    give("data", (folder / "pictures").string());
    give("channels", "1");
    give("batch-size", "8");
  }
  tutorials::Run run(kChapter, options, table);
  nn::Loader loader(run.load_images(), options.batch_size, run.seed());
  Net net;
  run.begin({{"net.", net.state()}}, {&net}, loader, nullptr, batches_per_step);
  std::vector<double> means;
  while (run.next_step()) {
    for (int64_t i = 0; i < batches_per_step; ++i) {
      means.push_back(mean(loader.next().images).item());
    }
    run.log({{"mean", means.back()}});
    if (run.save_is_due()) run.save();
  }
  CHECK(run.end() == 0);
  return means;
}

}  // namespace

TEST_CASE("a run whose steps draw several batches goes on with the next one") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 24, 1);  // three batches an epoch
  const std::vector<double> all = run_steps(folder, "whole", 2, "steps 5", false);
  std::vector<double> parts = run_steps(folder, "parts", 2, "steps 2", false);
  for (const double value : run_steps(folder, "parts", 2, "steps 5", true)) parts.push_back(value);
  CHECK(parts == all);
  CHECK_FALSE(std::filesystem::exists(folder / "whole/samples"));
}

TEST_CASE("an epoch of steps that draw several batches is shorter") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 24, 1);
  CHECK(run_steps(folder, "one", 1, "epochs 4", false).size() == 12);
  CHECK(run_steps(folder, "two", 2, "epochs 4", false).size() == 12);
  CHECK(run_steps(folder, "five", 5, "epochs 4", false).size() ==
        15);  // three steps: 12 is no multiple of 5
}

}  // namespace forger
