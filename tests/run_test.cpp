// Tests tutorials::Run where a chapter's program does not: steps that draw several batches, runs
// without pictures or latent vectors, and runs without images.
#include "tutorials/common/run.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "dcgan_program.h"
#include "message.h"
#include "nn/data/digits.h"
#include "nn/data/loader.h"
#include "nn/file.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/state.h"
#include "temp_folder.h"
#include "tutorials/common/options.h"
#include "tutorials/common/run_options.h"

namespace forger {
namespace {

const tutorials::Chapter kChapter = {.name = "several", .quick = {}, .next = "", .report = {}};

/// Returns what `body` prints.
template <class Body>
std::string printed(const Body& body) {
  std::fflush(stdout);
  std::FILE* file = std::tmpfile();
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(::fileno(file), STDOUT_FILENO);
  const auto restore = [&] {
    std::fflush(stdout);
    ::dup2(before, STDOUT_FILENO);
    ::close(before);
  };
  try {
    body();
  } catch (...) {
    restore();
    std::fclose(file);
    throw;
  }
  restore();
  std::fseek(file, 0, SEEK_END);
  std::string text(static_cast<size_t>(std::ftell(file)), ' ');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

void give(std::vector<tutorials::Option>& table, const std::string& name,
          const std::string& value) {
  for (tutorials::Option& option : table) {
    if (option.name != name) continue;
    tutorials::set_value(option, value, "--" + name);
    option.given = true;
  }
}

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
  const std::vector<std::string> part = words(length);
  give(table, part[0], part[1]);
  if (!resume) {
    give(table, "data", (folder / "pictures").string());
    give(table, "channels", "1");
    give(table, "batch-size", "8");
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

/// A game without images: each step adds `pull` times a random number to a weight. If `points` is
/// given, it is the run's data.
struct PlaneOptions {
  PlaneOptions() { run.steps = 30; }
  tutorials::RunOptions run;
  double pull = 1;
  std::string points;
};
std::vector<tutorials::Option> plane_options(PlaneOptions& o) {
  using tutorials::Kept;
  return tutorials::run_options(
      o.run, kChapter,
      {tutorials::number_option("pull", o.pull, {.low = 0, .high = 9}, "", Kept::kInRun),
       tutorials::text_option("points", o.points, "FILE", "", Kept::kUntilResume)});
}

/// Plays it with options in the form "name value name value". Returns what it prints.
std::string play(const Words& options) {
  PlaneOptions o;
  std::vector<tutorials::Option> table = plane_options(o);
  for (size_t i = 0; i < options.size(); i += 2) give(table, options[i], options[i + 1]);
  std::string path = o.points;
  int status = 0;
  const std::string text = printed([&] {
    tutorials::Run run(kChapter, o.run, table);
    nn::seed_init(run.seed());
    if (!o.points.empty()) path = run.use_file("points").string();
    Net net;
    const Tensor weight = net.layer.weight;
    weight.mutable_data()[0] = 0;
    Random random(run.seed());
    run.begin({{"net.", net.state()}}, {&net}, &random);
    if (run.is_new()) run.save();
    while (run.next_step()) {
      weight.mutable_data()[0] += static_cast<Scalar>(o.pull * random.normal());
      run.log({{"D(x)", weight.item()}});
      if (run.save_is_due()) run.save();
    }
    status = run.end();
  });
  CHECK(status == 0);
  CHECK(path == o.points);
  return text;
}

std::map<std::string, std::string> metadata_of(const std::filesystem::path& run) {
  return nn::load_checkpoint(run / "checkpoint.safetensors").metadata;
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

TEST_CASE("a run without images has no epochs and continues with the same random numbers") {
  const TempFolder folder;
  const std::string whole = (folder / "whole").string(), parts = (folder / "parts").string();
  const std::string text = play({"out", whole, "seed", "3"});
  CHECK(text.find("steps    30 of 64 examples each, seed 3\n") != std::string::npos);
  CHECK(text.find("\n   step   steps/s     ETA    D(x)\n   1/30  ") != std::string::npos);
  CHECK(text.find(" steps/s\nreport   ") != std::string::npos);
  for (const char* word : {"images", "epoch", "data "}) CHECK(text.find(word) == std::string::npos);

  std::string header;
  const auto rows = rows_of(folder / "whole/metrics.csv", header);
  CHECK(header == "step,D_x");
  REQUIRE(rows.size() == 30);
  CHECK(rows[29].size() == 2);
  CHECK(rows[29][0] == 30);
  CHECK(rows[29][1] != 0);
  CHECK(metadata_of(whole) == std::map<std::string, std::string>{{"batch-size", "64"},
                                                                 {"chapter", "several"},
                                                                 {"latent-counter", "30"},
                                                                 {"points", ""},
                                                                 {"pull", "1"},
                                                                 {"quick", "false"},
                                                                 {"sample-every", "100"},
                                                                 {"seed", "3"},
                                                                 {"step", "30"},
                                                                 {"steps", "30"}});
  const auto options = nlohmann::json::parse(contents(folder / "whole/run.json")).at("options");
  for (const char* name : {"epochs", "data", "data-dir", "image-size", "channels", "fork", "at"}) {
    CAPTURE(name);
    CHECK_FALSE(options.contains(name));
  }
  CHECK(options.at("steps") == 30);

  play({"out", parts, "seed", "3", "steps", "10"});
  play({"out", parts, "resume", "true", "steps", "30"});
  check_same_files(whole, parts);
  CHECK(play({"out", parts, "resume", "true"}) ==
        parts + " is at its end, step 30; --steps takes it further\n");
}

TEST_CASE("a fork of a run without images may change the batch size") {
  const TempFolder folder;
  const std::string run = (folder / "run").string(), forked = (folder / "forked").string();
  play({"out", run, "keep-every", "10"});
  play({"out", run, "resume", "true", "at", "10", "fork", forked, "batch-size", "8", "pull", "2"});
  std::string header;
  const auto rows = rows_of(folder / "run/metrics.csv", header);
  const auto changed = rows_of(folder / "forked/metrics.csv", header);
  REQUIRE(changed.size() == 30);
  CHECK(changed[9] == rows[9]);
  const double step = rows[10][1] - rows[9][1], doubled = changed[10][1] - rows[9][1];
  CHECK(doubled == doctest::Approx(2 * step).epsilon(1e-5));
  CHECK(metadata_of(forked).at("batch-size") == "8");
}

TEST_CASE("a run without images rejects options about images and epochs") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  CHECK(message_of([&] {
          play({"out", run, "epochs", "3"});
        }) == "--epochs: a run without images has none\n  found    3\n  expected --steps");
  CHECK(message_of([&] {
          play({"out", run, "data", "digits"});
        }) == "--data: a run without images has none\n  found    digits\n  expected no --data");
  CHECK(message_of([&] {
          play({"out", run, "image-size", "28"});
        }) ==
        "--image-size: a run without images has none\n  found    28\n  expected no --image-size");
  CHECK_FALSE(std::filesystem::exists(run));
}

TEST_CASE("a data file is identified by its checksum, wherever it is") {
  const TempFolder folder;
  const std::string run = (folder / "run").string(), points = (folder / "a.csv").string(),
                    moved = (folder / "b.csv").string();
  nn::write_file(points, "0,1\n2,3\n");
  const std::string text = play({"out", run, "points", points, "steps", "10"});
  const std::string found = "8 bytes, checksum ddc0a637f586f6d9";
  CHECK(text.find("data     " + points + "\n         " + found + "\n\n") != std::string::npos);
  CHECK(metadata_of(run).at("file") == found);
  CHECK(metadata_of(run).at("points") == points);
  play({"out", run, "resume", "true", "steps", "11"});

  std::filesystem::rename(points, moved);
  const auto message = [&](const Words& options) {
    return message_of([&] { play(Words{"out", run, "resume", "true", "steps", "20"} + options); });
  };
  CHECK(message({}) ==
        "--points: the file with which the run began is no longer there\n  found    " + points +
            "\n  expected --points with the place to which it has moved");
  CHECK(message({"points", points}) ==
        points + ": cannot be read\n  open: No such file or directory");
  nn::write_file(points, "0,1\n2,4\n");
  CHECK(
      message({}).starts_with("--points: not the file with which the run began\n"
                              "  found    8 bytes, checksum "));
  CHECK(message({}).ends_with(", " + points + "\n  expected " + found));
  CHECK(metadata_of(run).at("step") == "11");
  play({"out", run, "resume", "true", "steps", "12", "points", moved});
  play({"out", run, "resume", "true", "steps", "13"});  // the new place is kept
  CHECK(metadata_of(run).at("points") == moved);

  play({"out", (folder / "other").string(), "steps", "1"});
  CHECK(message_of([&] {
          play({"out", (folder / "other").string(), "resume", "true", "points", moved});
        }) == "--points: not the file with which the run began\n  found    " + found + ", " +
                  moved + "\n  expected none");
}

TEST_CASE("--epochs sets the length of a run with images whose chapter counts in steps") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 24, 1);
  PlaneOptions o;
  std::vector<tutorials::Option> table = plane_options(o);
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"data", (folder / "pictures").string()},
                                          {"epochs", "2"},
                                          {"batch-size", "8"},
                                          {"out", (folder / "run").string()}}) {
    give(table, name, value);
  }
  printed([&] {
    tutorials::Run run(kChapter, o.run, table);
    nn::Loader loader(run.load_images(), o.run.batch_size, run.seed());
    run.begin({}, {}, loader);
  });
  CHECK(o.run.steps == 6);
}

TEST_CASE("a loader without the run's images, and images without a loader, are errors") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 24, 1);
  for (const bool load : {false, true}) {
    PlaneOptions o;
    std::vector<tutorials::Option> table = plane_options(o);
    give(table, "data", (folder / "pictures").string());
    give(table, "batch-size", "8");
    tutorials::Run run(kChapter, o.run, table);
    if (load) {
      run.load_images();
      CHECK(message_of([&] { run.begin({}, {}); }) == "Run::begin: images, but no loader");
    } else {
      const nn::ImageSet images = nn::make_digits(24, 1, 16);
      nn::Loader loader(images, 8, 1);
      CHECK(message_of([&] { run.begin({}, {}, loader); }) ==
            "Run::begin: a loader, but no load_images() before");
    }
  }
}

}  // namespace forger
