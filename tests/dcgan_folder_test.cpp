// Tests what a training run does in a folder: alone, beside another run, interrupted and moved.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "dcgan_program.h"
#include "nn/data/digits.h"
#include "nn/data/idx.h"
#include "nn/file.h"
#include "nn/state.h"
#include "subprocess.h"
#include "temp_folder.h"

namespace forger {
namespace {

const Words kEndless = words("--data pictures --channels 1 --steps 10000000 --threads 1") + kTiny;

std::string step_of(const fs::path& checkpoint) {
  return nn::load_checkpoint(checkpoint).metadata.at("step");
}

}  // namespace

TEST_CASE("runs that start at the same time get folders of their own") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words line = words("--data pictures --channels 1 --steps 3 --threads 1") + kTiny;
  {
    Subprocess a(FORGER_DCGAN, line, folder.path()), b(FORGER_DCGAN, line, folder.path()),
        c(FORGER_DCGAN, line, folder.path()), d(FORGER_DCGAN, line, folder.path());
    for (Subprocess* process : {&a, &b, &c, &d}) {
      CHECK(process->wait() == 0);
      CHECK(process->err() == "");
    }
  }
  for (const char* other : {"out/dcgan-2", "out/dcgan-3", "out/dcgan-4"}) {
    check_same_files(folder / "out/dcgan", folder / other);
  }
  CHECK_FALSE(fs::exists(folder / "out/dcgan-5"));
}

TEST_CASE("no second run writes in the folder of a run in progress") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  Subprocess process(FORGER_DCGAN, kEndless + words("--out run"), folder.path());
  wait_for_rows(process, folder / "run/metrics.csv", 1);
  const Result resumed = dcgan(folder, words("--resume --out run"));
  CHECK(resumed.status == 1);
  CHECK(resumed.err ==
        "run: another run is writing in this folder\n"
        "  expected another --out, or the end of that run\n");
  CHECK(dcgan(folder, kEndless + words("--out run")).status == 2);
  process.send(SIGTERM);
  CHECK(process.wait() == 128 + SIGTERM);
  const int64_t done = std::stoll(step_of(folder / "run/checkpoint.safetensors"));
  dcgan_ok(folder, words("--resume --out run --steps " + std::to_string(done + 1)));
}

TEST_CASE("a new run overwrites nothing in the folder that --out names") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words line = words("--data pictures --channels 1 --steps 1 --out mine") + kTiny;
  for (const std::string name : {"metrics.csv", "run.json", "samples", "checkpoints", "report.html",
                                 "skipped.txt", "samples.gif"}) {
    CAPTURE(name);
    nn::make_folder(folder / "mine");
    nn::write_file(folder / "mine" / name, "mine");
    const Result result = dcgan(folder, line);
    CHECK(result.status == 2);
    CHECK(result.err == "--out: this folder holds what the run would overwrite\n  found    mine/" +
                            name + "\n  expected another folder\n");
    CHECK(std::distance(fs::directory_iterator(folder / "mine"), {}) == 1);
    CHECK(contents(folder / "mine" / name) == "mine");
    fs::remove_all(folder / "mine");
  }
  const Result own = dcgan(folder, words("--data pictures --out ./pictures --channels 1") + kTiny);
  CHECK(own.err ==
        "--out: the folder of the training images\n  found    ./pictures\n"
        "  expected another folder\n");
  // Other files may be there.
  nn::make_folder(folder / "mine");
  nn::write_file(folder / "mine/notes.txt", "mine");
  dcgan_ok(folder, line);
  CHECK(contents(folder / "mine/notes.txt") == "mine");
}

TEST_CASE("a run survives a reader of its output that ends, and a signal then saves it") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  // `true` ends at once, so every line of the run goes into a broken pipe.
  std::string line = "echo $BASHPID >pid; exec '" FORGER_DCGAN "' --out run";
  for (const std::string& word : kEndless) line += " " + word;
  Subprocess shell("/bin/bash", {"-c", "(" + line + ") | true; echo ${PIPESTATUS[0]}"},
                   folder.path());
  wait_for_rows(shell, folder / "run/metrics.csv", 20);
  const pid_t run = std::stoi(contents(folder / "pid"));
  REQUIRE(::kill(run, SIGINT) == 0);
  CHECK(shell.wait() == 0);
  CHECK(shell.out() == "1\n");
  CHECK(shell.err() == "standard output: cannot be written\n  Broken pipe\n");
  CHECK(std::stoll(step_of(folder / "run/checkpoint.safetensors")) >= 20);
}

TEST_CASE("--keep-every keeps checkpoints, and the last one") {
  const TempFolder folder;
  make_tiny_run(folder, "--steps 7 --keep-every 3 --sample-every 2");
  CHECK(names_of(folder / "run/checkpoints") ==
        std::set<std::string>{"step_000000.safetensors", "step_000003.safetensors",
                              "step_000006.safetensors", "step_000007.safetensors"});
  CHECK(step_of(folder / "run/checkpoints/step_000003.safetensors") == "3");
  const bool same = contents(folder / "run/checkpoints/step_000007.safetensors") ==
                    contents(folder / "run/checkpoint.safetensors");
  CHECK(same);
  // A run that is continued keeps on; its next length is another.
  dcgan_ok(folder, words("--resume --out run --steps 10"));
  CHECK(fs::exists(folder / "run/checkpoints/step_000009.safetensors"));
  CHECK(fs::exists(folder / "run/checkpoints/step_000010.safetensors"));
  CHECK(fs::exists(folder / "run/checkpoints/step_000007.safetensors"));
  dcgan_ok(folder, words("generate --checkpoint run/checkpoints/step_000003.safetensors --count 2 "
                         "--out made"));
}

TEST_CASE("a run continues after its data and its folder have moved") {
  const TempFolder folder;
  make_tiny_run(folder);
  fs::rename(folder / "pictures", folder / "moved");
  fs::rename(folder / "run", folder / "other");
  const Result lost = dcgan(folder, words("--resume --out other --steps 4"));
  CHECK(lost.status == 2);
  CHECK(lost.err ==
        "--data: the images with which the run began are no longer there\n"
        "  found    DIR/pictures\n"
        "  expected --data with the folder to which they have moved\n");
  dcgan_ok(folder, words("--resume --out other --steps 4 --data moved"));
  dcgan_ok(folder, words("--resume --out other --steps 6"));  // the new place is kept
  CHECK(step_of(folder / "other/checkpoint.safetensors") == "6");
}

TEST_CASE("a run continues after its IDX files have moved") {
  const TempFolder folder;
  nn::make_folder(folder / "idx");
  const nn::ImageSet digits = nn::make_digits(16, 1, 16);
  nn::write_idx_images(folder / "idx/train-images-idx3-ubyte", digits);
  nn::write_idx_labels(folder / "idx/train-labels-idx1-ubyte", digits.labels);
  dcgan_ok(folder,
           words("--data-dir idx --steps 2 --out run --features 2 --latent 4 --batch-size 8"));
  fs::rename(folder / "idx", folder / "moved");
  const Result lost = dcgan(folder, words("--resume --out run --steps 4"));
  CHECK(lost.status == 2);
  CHECK(lost.err ==
        "--data-dir: the images with which the run began are no longer there\n"
        "  found    DIR/idx\n"
        "  expected --data-dir with the folder to which they have moved\n");
  dcgan_ok(folder, words("--resume --out run --steps 4 --data-dir moved"));
  CHECK(step_of(folder / "run/checkpoint.safetensors") == "4");
}

}  // namespace forger
