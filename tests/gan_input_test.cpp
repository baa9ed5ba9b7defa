// Tests what chapter 2's program says to wrong input, and that it leaves nothing half-written.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "dcgan_program.h"
#include "nn/file.h"
#include "nn/state.h"
#include "temp_folder.h"
#include "tutorials/common/checksum.h"

namespace forger {
namespace {

const Words kSmall = words("--hidden 8 --batch-size 16 --threads 1");

/// The names of all files and folders.
std::set<std::string> everything_in(const TempFolder& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    names.insert(entry.path().lexically_relative(folder.path()).string());
  }
  return names;
}

struct Wrong {
  std::string line;
  int status;
  std::string message;
};

void check_errors(const TempFolder& folder, const std::vector<Wrong>& cases) {
  const auto before = everything_in(folder);
  for (const Wrong& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = run_program(FORGER_GAN, folder, words(wrong.line));
    CHECK(result.status == wrong.status);
    CHECK(result.err == wrong.message);
    CHECK(everything_in(folder) == before);
  }
}

std::string described(const std::string& bytes) {
  return std::to_string(bytes.size()) + " bytes, checksum " + tutorials::checksum(bytes);
}

}  // namespace

TEST_CASE("targets that are none are errors, and no run begins") {
  const TempFolder folder;
  nn::write_file(folder / "three.csv", "1,2,3\n4,5,6\n");
  nn::write_file(folder / "nan.csv", "x,y\n1,2\nnan,4\n");
  nn::write_file(folder / "one.csv", "1,2\n");
  nn::write_file(folder / "empty.csv", "");
  nn::make_folder(folder / "folder");
  const std::string targets = "  expected ring, grid, line, spiral, moons or images\n";
  check_errors(
      folder,
      {{"--points three.csv", 1,
        "DIR/three.csv:1: 3 columns\n  found    1,2,3\n  expected 2: x and y\n"},
       {"--points nan.csv", 1,
        "DIR/nan.csv:3: not a finite number\n  found    nan\n  expected a number\n"},
       {"--points one.csv --out run", 1,
        "DIR/one.csv: too few points\n  found    1\n  expected at least 2\n"},
       {"--points empty.csv", 1,
        "DIR/empty.csv: an empty file\n  expected 2 columns, x and y, and at least 2 points\n"},
       {"--points folder", 1, "DIR/folder: not a regular file\n  it is a folder\n"},
       {"--points none.csv", 1,
        "DIR/none.csv: cannot be read\n  open: No such file or directory\n"},
       {"--points one.csv --target ring", 2,
        "--points: a run has one target\n  found    --points and --target\n  expected one\n"},
       {"--points one.csv --target images", 2,
        "--points: a run has one target\n  found    --points and --target\n  expected one\n"},
       {"--target star", 2, "--target: there is no such shape\n  found    star\n" + targets},
       {"--target points", 2, "--target: there is no such shape\n  found    points\n" + targets},
       {"--target Ring", 2, "--target: there is no such shape\n  found    Ring\n" + targets},
       {"--loss hinge", 2,
        "--loss: there is no such loss\n  found    hinge\n"
        "  expected non-saturating or zero-sum\n"},
       {"--epochs 3", 2,
        "--epochs: a run without images has none\n  found    3\n  expected --steps\n"},
       {"--data digits", 2,
        "--data: a run without images has none\n  found    digits\n  expected no --data\n"},
       {"--channels 3 --target grid", 2,
        "--channels: a run without images has none\n  found    3\n  expected no --channels\n"},
       {"--lr 0", 2, "--lr: out of range\n  found    0\n  expected a number above 0, at most 10\n"},
       {"--hidden 0", 2,
        "--hidden: out of range\n  found    0\n  expected a whole number from 1 to 4096\n"}});
}

TEST_CASE("a run goes on with a file of points that has moved, not with another one") {
  const TempFolder folder;
  const std::string points = "0,0\n1,1\n2,5\n";
  nn::write_file(folder / "a.csv", points);
  run_program_ok(FORGER_GAN, folder, words("--points a.csv --steps 2 --out run") + kSmall);
  run_program_ok(FORGER_GAN, folder, words("--steps 2 --out ring") + kSmall);

  const std::string changed = points + "3,3\n";
  nn::write_file(folder / "a.csv", changed);
  nn::write_file(folder / "b.csv", points);
  const std::string differs = "--points: not the file with which the run began\n  found    " +
                              described(changed) + ", DIR/a.csv\n  expected " + described(points) +
                              "\n";
  check_errors(folder, {{"--resume --out run --steps 4", 2, differs},
                        {"--resume --out run --steps 4 --points a.csv", 2, differs},
                        {"--resume --out ring --steps 4 --points b.csv", 2,
                         "--points: the run has another target\n  found    b.csv\n"
                         "  expected no --points, as its --target is ring\n"},
                        {"--resume --out run --steps 4 --target ring", 2,
                         "--target: not that of the run to be continued\n  found    ring\n"
                         "  expected points\n"}});
  fs::remove(folder / "a.csv");
  check_errors(folder, {{"--resume --out run --steps 4", 2,
                         "--points: the file with which the run began is no longer there\n"
                         "  found    DIR/a.csv\n"
                         "  expected --points with the place to which it has moved\n"}});
  run_program_ok(FORGER_GAN, folder, words("--resume --out run --steps 4 --points b.csv"));
  // The new place is kept.
  run_program_ok(FORGER_GAN, folder, words("--resume --out run --steps 6"));
}

TEST_CASE("a checkpoint that is none of this chapter is an error") {
  const TempFolder folder;
  make_tiny_run(folder);  // of chapter 3
  nn::write_file(folder / "text", "no checkpoint");
  const std::string other =
      ": not a checkpoint of this chapter\n  found    chapter dcgan\n  expected chapter gan\n";
  const std::string checkpoint = "run/checkpoint.safetensors";
  run_program_ok(FORGER_GAN, folder, words("--steps 1 --out plane") + kSmall);
  check_errors(folder, {{"--resume --out run", 1, checkpoint + other},
                        {"--resume --out run --fork new", 1, checkpoint + other},
                        {"generate --checkpoint " + checkpoint, 1, checkpoint + other},
                        {"generate --count 0", 2,
                         "--count: out of range\n  found    0\n"
                         "  expected a whole number from 1 to 10000000\n"},
                        {"generate", 1,
                         "--checkpoint: there is no earlier run\n"
                         "  looked for DIR/out/gan*/checkpoint.safetensors\n"}});
}

TEST_CASE("a loss that a checkpoint names wrongly is an error") {
  const TempFolder folder;
  run_program_ok(FORGER_GAN, folder, words("--steps 1 --out run") + kSmall);
  const auto path = folder / "run/checkpoint.safetensors";
  nn::Checkpoint checkpoint = nn::load_checkpoint(path);
  checkpoint.metadata["loss"] = "hinge";
  nn::save_checkpoint(path, {checkpoint.tensors.begin(), checkpoint.tensors.end()},
                      checkpoint.metadata);
  check_errors(folder, {{"--resume --out run --steps 2", 2,
                         "--loss: there is no such loss\n  found    hinge\n"
                         "  expected non-saturating or zero-sum\n"}});
}

}  // namespace forger
