// Tests forks: runs that continue a checkpoint of another run in a folder of their own.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "dcgan_program.h"
#include "nn/file.h"
#include "nn/state.h"
#include "subprocess.h"
#include "temp_folder.h"
#include "tutorials/common/fork.h"

namespace forger {
namespace {

/// A run of 20 steps in DIR/run, of which the checkpoints of 0, 10 and 20 are kept.
void make_forkable_run(const TempFolder& folder) {
  make_tiny_run(folder, "--steps 20 --keep-every 10 --sample-every 5");
}

/// Everything in a folder: the bytes of each file, and the names of the folders.
std::map<std::string, std::string> all_of(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    all[name] = entry.is_symlink()     ? "a link"
                : entry.is_directory() ? "a folder"
                                       : contents(entry.path());
  }
  return all;
}

/// The bytes of a checkpoint, written again without the record of its forks.
std::string without_forks(const fs::path& path) {
  nn::Checkpoint checkpoint = nn::load_checkpoint(path);
  checkpoint.metadata.erase("forks");
  const nn::NamedTensors tensors(checkpoint.tensors.begin(), checkpoint.tensors.end());
  const TempFolder folder;
  nn::save_checkpoint(folder / "same", tensors, checkpoint.metadata);
  return contents(folder / "same");
}

void check_same_run(const fs::path& whole, const fs::path& forked) {
  const bool same_state = without_forks(whole / "checkpoint.safetensors") ==
                          without_forks(forked / "checkpoint.safetensors");
  CHECK(same_state);
  CHECK(contents(whole / "metrics.csv") == contents(forked / "metrics.csv"));
  check_same_files(whole / "samples", forked / "samples");
}

nlohmann::json forks_in(const fs::path& run) {
  const auto recorded = nlohmann::json::parse(contents(run / "run.json")).at("forks");
  const auto metadata = nn::load_checkpoint(run / "checkpoint.safetensors").metadata;
  CHECK(nlohmann::json::parse(metadata.at("forks")) == recorded);
  return recorded;
}

}  // namespace

TEST_CASE("a fork without changes has the bits of the forked run, which stays as it is") {
  const TempFolder folder;
  make_forkable_run(folder);
  const auto before = all_of(folder / "run");
  const std::string out = dcgan_ok(folder, words("--resume --out run --at 10 --fork new/first"));
  CHECK(out.find("steps    20 of 8 images each, 10 done, seed 0\n"
                 "fork     step 10 of DIR/run: nothing changed\n") != std::string::npos);
  CHECK(all_of(folder / "run") == before);
  check_same_run(folder / "run", folder / "new/first");
  CHECK(names_of(folder / "new/first/checkpoints") ==
        std::set<std::string>{"step_000010.safetensors", "step_000020.safetensors"});
  CHECK(forks_in(folder / "new/first") ==
        nlohmann::json::parse(R"([{"run": ")" + (folder / "run").string() +
                              R"(", "step": 10, "changes": {}}])"));
}

TEST_CASE("without --at the last checkpoint is forked, and a fork can be resumed and forked") {
  const TempFolder folder;
  make_tiny_run(folder, "--steps 30 --sample-every 5");
  dcgan_ok(folder,
           words("--data pictures --channels 1 --steps 10 --sample-every 5 --out run2") + kTiny);
  dcgan_ok(folder, words("--resume --out run2 --fork a/ --steps 15"));
  dcgan_ok(folder, words("--resume --out a --steps 20"));
  // Without changes to the length, and with the step of the last checkpoint named.
  dcgan_ok(folder, words("--resume --out a --at 20 --fork b --steps 30"));
  check_same_files(folder / "run/samples", folder / "b/samples");
  const auto forks = forks_in(folder / "b");
  REQUIRE(forks.size() == 2);
  CHECK(forks[0].at("run") == (folder / "run2").string());
  CHECK(forks[0].at("step") == 10);
  CHECK(forks[1].at("run") == (folder / "a").string());
  CHECK(forks[1].at("step") == 20);
  CHECK(contents(folder / "run/metrics.csv") == contents(folder / "b/metrics.csv"));
}

TEST_CASE("a fork trains with other options from its step on and names them") {
  const TempFolder folder;
  make_forkable_run(folder);
  const std::string out =
      dcgan_ok(folder, words("--resume --out run --at 10 --fork new --lr 0.01 --beta1 0.9 "
                             "--sample-every 4 --features 2 --keep-every 5 --steps 16"));
  CHECK(out.find("fork     step 10 of DIR/run: lr 0.0002 -> 0.01, beta1 0.5 -> 0.9, "
                 "sample-every 5 -> 4\n") != std::string::npos);
  std::string header, forked_header;
  const auto rows = rows_of(folder / "run/metrics.csv", header);
  const auto forked = rows_of(folder / "new/metrics.csv", forked_header);
  CHECK(forked_header == header);
  REQUIRE(forked.size() == 16);
  for (size_t i = 0; i < 10; ++i) CHECK(forked[i] == rows[i]);
  CHECK(forked[10][2] == rows[10][2]);  // loss_D, before the first update with another rate
  for (size_t i = 11; i < 16; ++i) CHECK(forked[i][2] != rows[i][2]);
  CHECK(names_of(folder / "new/samples") ==
        std::set<std::string>{"step_000000.png", "step_000005.png", "step_000010.png",
                              "step_000012.png", "step_000015.png", "step_000016.png"});
  CHECK(forks_in(folder / "new")[0].at("changes") == nlohmann::json::parse(R"({
      "lr": {"before": "0.0002", "after": "0.01"},
      "beta1": {"before": "0.5", "after": "0.9"},
      "sample-every": {"before": "5", "after": "4"}})"));
  CHECK(nlohmann::json::parse(contents(folder / "new/run.json")).at("options").at("lr") == 0.01);
  CHECK(contents(folder / "new/report.html").find("\"forks\":[{\"run\"") != std::string::npos);
  // What a fork changed holds for those who continue it, and --lr is its own again.
  dcgan_ok(folder, words("--resume --out new --steps 17 --lr 0.01"));
  dcgan_ok(folder, words("generate --checkpoint new/checkpoint.safetensors --count 2 --out made"));
}

TEST_CASE("what a fork copies ends at its step") {
  const TempFolder folder;
  make_forkable_run(folder);
  nn::write_file(folder / "run/samples/step_000003.txt", "of another kind");
  nn::write_file(folder / "run/samples/step_.png", "of no step");
  nn::write_file(folder / "run/samples/step_000005.png.tmp", "half-written");
  nn::make_folder(folder / "new");
  tutorials::copy_history(folder / "run", folder / "new", 10);
  CHECK(names_of(folder / "new") ==
        std::set<std::string>{"metrics.csv", "samples/step_000000.png", "samples/step_000003.txt",
                              "samples/step_000005.png", "samples/step_000010.png"});
  std::string header;
  auto rows = rows_of(folder / "run/metrics.csv", header);
  rows.resize(10);
  CHECK(rows_of(folder / "new/metrics.csv", header) == rows);
}

TEST_CASE("--fork and --at with wrong values are errors and write nothing") {
  const TempFolder folder;
  make_forkable_run(folder);
  nn::make_folder(folder / "there");
  fs::create_directory_symlink(folder / "run", folder / "link");
  fs::create_symlink("nowhere", folder / "dangling");
  fs::copy(folder / "run", folder / "damaged", fs::copy_options::recursive);
  const fs::path kept = folder / "damaged/checkpoints/step_000010.safetensors";
  fs::rename(kept, folder / "damaged/checkpoints/step_000015.safetensors");
  const std::string whole = contents(folder / "run/checkpoint.safetensors");
  nn::write_file(kept, whole.substr(0, whole.size() - 4));
  change_metadata(folder, "damaged/checkpoint.safetensors", "forks", "[{}]");
  const fs::path parent = folder / "damaged/checkpoints/step_000000.safetensors";
  fs::remove(parent);
  nn::make_folder(parent);
  struct Case {
    std::string line;
    int status;
    std::string message;
  };
  const std::string forking = "--resume --out run --fork ";
  const std::string present = "--fork: there is a file or folder of this name already\n  found    ";
  const std::string inside =
      "--fork: a folder inside the run to be forked, which stays as it is\n  found    ";
  const std::vector<Case> cases = {
      {"--out run --fork new", 2,
       "--fork: goes with --resume only\n  found    new\n"
       "  expected --resume --out RUN --fork new\n"},
      {"--resume --out run --at 10", 2,
       "--at: goes with --fork only\n  found    10\n  expected --fork NEW as well\n"},
      {forking + "new --at -1", 2,
       "--at: out of range\n  found    -1\n  expected a whole number from 0 to 10000000\n"},
      {forking + "there --at 10", 2, present + "there\n  expected the name of a new folder\n"},
      {forking + "there/ --at 10", 2, present + "there\n  expected the name of a new folder\n"},
      {forking + "dangling --at 10", 2,
       present + "dangling\n  expected the name of a new folder\n"},
      {forking + "run --at 10", 2, present + "run\n  expected the name of a new folder\n"},
      {forking + "run/new --at 10", 2,
       inside + "run/new\n  expected a new folder outside of run\n"},
      {forking + "link/a/b --at 10", 2,
       inside + "link/a/b\n  expected a new folder outside of run\n"},
      {forking + "new --at 3", 2,
       "--at: no checkpoint of this step was kept\n  found    3\n"
       "  expected 0, 10 or 20, in run\n"},
      {forking + "new", 2,
       "--fork: the run to be forked is at its end\n  found    step 20\n"
       "  expected --at with an earlier step, or more --steps or --epochs\n"},
      {forking + "new --at 10 --steps 9", 2,
       "--steps: the run is beyond that already\n  found    9 steps\n"
       "  expected more than 10, the steps done\n"},
      {forking + "new --at 10 --features 4", 2,
       "--features: a fork cannot change this\n  found    4\n"
       "  expected 2, as in the run to be forked\n"},
      {forking + "new --at 10 --latent 5", 2,
       "--latent: a fork cannot change this\n  found    5\n"
       "  expected 4, as in the run to be forked\n"},
      {forking + "new --at 10 --image-size 32", 2,
       "--image-size: a fork cannot change this\n  found    32\n"
       "  expected 16, as in the run to be forked\n"},
      {forking + "new --at 10 --seed 4", 2,
       "--seed: a fork cannot change this\n  found    4\n"
       "  expected 0, as in the run to be forked\n"},
      {forking + "new --at 10 --batch-size 4", 2,
       "--batch-size: a fork of a run with images cannot change this\n  found    4\n"
       "  expected 8, by which the run counts its epochs\n"},
      {"--resume --out nosuch --fork new", 1,
       "nosuch/checkpoint.safetensors: cannot be read\n  open: No such file or directory\n"},
      {"--resume --out damaged --fork new", 1,
       "damaged/checkpoint.safetensors: forks in the metadata: not a list of forks\n"
       "  found    [{}]\n"
       "  [json.exception.out_of_range.403] key 'run' not found\n"},
      {"--resume --out damaged --fork new --at 10", 1,
       "damaged/checkpoints/step_000010.safetensors: truncated, or still being written\n"},
      {"--resume --out damaged --fork new --at 15", 1,
       "damaged/checkpoints/step_000015.safetensors: the metadata contradict the name\n"
       "  found    step 10\n  expected step 15\n"},
      {"--resume --out damaged --fork new --at 0", 1,
       "damaged/checkpoints/step_000000.safetensors: not a regular file\n  it is a folder\n"},
  };
  const auto before = all_of(folder.path());
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = dcgan(folder, words(wrong.line));
    CHECK(result.status == wrong.status);
    CHECK(result.err.substr(0, wrong.message.size()) == wrong.message);
  }
  CHECK(all_of(folder.path()) == before);
  const Result other = dcgan(folder, words(forking + "new --at 10 --data digits"));
  CHECK(other.status == 2);
  CHECK(other.err.starts_with("--data: not the images with which the run began\n"));
  CHECK(all_of(folder.path()) == before);
}

TEST_CASE("--at lists the kept steps next to its own if there are many") {
  const TempFolder folder;
  make_tiny_run(folder, "--steps 30 --keep-every 1 --sample-every 30");
  const Result result = dcgan(folder, words("--resume --out run --at 1000000 --fork new"));
  CHECK(result.status == 2);
  CHECK(result.err ==
        "--at: no checkpoint of this step was kept\n  found    1000000\n"
        "  expected one of 31 steps, such as 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, "
        "24, 25, 26, 27, 28, 29 or 30, in run\n");
}

TEST_CASE("a fork that cannot be written leaves nothing behind") {
  const TempFolder folder;
  make_forkable_run(folder);
  const auto before = all_of(folder.path());
  // The report, the pictures and the metrics fit, the checkpoint does not.
  const auto limit = fs::file_size(folder / "run/checkpoint.safetensors") - 1;
  const Result full =
      dcgan(folder, words("--resume --out run --at 10 --fork new"), {.max_file_bytes = limit});
  CHECK(full.status == 1);
  CHECK(full.err.starts_with("new/checkpoint.safetensors: cannot be written\n"));
  CHECK(all_of(folder.path()) == before);
  const Result file = dcgan(folder, words("--resume --out run --at 10 --fork run/run.json/new"));
  CHECK(file.status == 2);  // inside the run, whatever else is wrong
  CHECK(all_of(folder.path()) == before);
}

TEST_CASE("a run in progress can be forked at a checkpoint that it has kept") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  Subprocess process(FORGER_DCGAN,
                     words("--data pictures --channels 1 --steps 10000000 --threads 1 --out run "
                           "--keep-every 5") +
                         kTiny,
                     folder.path());
  wait_for_rows(process, folder / "run/metrics.csv", 12);
  dcgan_ok(folder, words("--resume --out run --at 5 --fork new --steps 10"));
  CHECK(process.running());
  process.send(SIGTERM);
  CHECK(process.wait() == 128 + SIGTERM);
  std::string header;
  auto rows = rows_of(folder / "run/metrics.csv", header);
  rows.resize(10);
  CHECK(rows_of(folder / "new/metrics.csv", header) == rows);
}

TEST_CASE("a fork finds data that have moved") {
  const TempFolder folder;
  make_forkable_run(folder);
  fs::rename(folder / "pictures", folder / "moved");
  CHECK(dcgan(folder, words("--resume --out run --at 10 --fork new")).status == 2);
  CHECK_FALSE(fs::exists(folder / "new"));
  dcgan_ok(folder, words("--resume --out run --at 10 --fork new --data moved"));
  CHECK(forks_in(folder / "new")[0].at("changes").empty());
}

TEST_CASE("chapter 1's runs can be forked") {
  const TempFolder folder;
  make_pictures(folder / "pictures/one", 60, 1);
  make_pictures(folder / "pictures/two", 60, 1, 50);
  const auto generative = [&](const std::string& line) {
    return run_program(FORGER_GENERATIVE, folder, words(line));
  };
  const Result run = generative(
      "--data pictures --channels 1 --image-size 16 --width 2 --features 4 --batch-size 8 "
      "--steps 4 --keep-every 2 --sample-every 4 --out run");
  INFO(run.err);
  REQUIRE(run.status == 0);
  const std::string forking = "--resume --out run --at 2 --fork ";
  REQUIRE(generative(forking + "same").status == 0);
  check_same_run(folder / "run", folder / "same");
  REQUIRE(generative(forking + "faster --lr 0.1 --decay 0.5").status == 0);
  CHECK(contents(folder / "run/metrics.csv") != contents(folder / "faster/metrics.csv"));
  CHECK(generative(forking + "wider --width 4").err ==
        "--width: a fork cannot change this\n  found    4\n"
        "  expected 2, as in the run to be forked\n");
  CHECK(generative(forking + "longer --features 5").status == 2);
}

}  // namespace forger
