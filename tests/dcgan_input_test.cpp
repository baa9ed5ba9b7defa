// Tests what chapter 3's program must reject: every kind of wrong input gives its message and
// status, and leaves no partial file.
#include <doctest/doctest.h>

#include <cmath>

#include "dcgan_program.h"
#include "message.h"
#include "nn/data/idx.h"
#include "tutorials/common/progress.h"

namespace forger {

TEST_CASE("wrong options exit with status 2 and the exact message, and write nothing") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 3, 1);
  struct Case {
    const char* line;
    const char* message;
  };
  const Case cases[] = {
      {"--foo 3",
       "--foo: unknown option\n  found    --foo\n"
       "  expected one of those that dcgan train --help lists\n"},
      {"generate --lr 3",
       "--lr: unknown option\n  found    --lr\n"
       "  expected one of those that dcgan generate --help lists\n"},
      {"trian",
       "trian: not expected here\n  found    trian\n  expected a command (train, generate, "
       "interpolate, inspect-data, experiment) as the first word, and options, which begin with "
       "--\n"},
      {"--lr", "--lr: a value is missing\n  found    nothing\n  expected a value behind it\n"},
      {"--lr=", "--lr: a value is missing\n  found    nothing\n  expected a value behind it\n"},
      {"--lr 0", "--lr: out of range\n  found    0\n  expected a number above 0, at most 10\n"},
      {"--lr -1", "--lr: out of range\n  found    -1\n  expected a number above 0, at most 10\n"},
      {"--lr nan", "--lr: out of range\n  found    nan\n  expected a number above 0, at most 10\n"},
      {"--lr inf", "--lr: out of range\n  found    inf\n  expected a number above 0, at most 10\n"},
      {"--lr 1e999",
       "--lr: not such a number\n  found    1e999\n  expected a number above 0, at most 10\n"},
      {"--beta1 1",
       "--beta1: out of range\n  found    1\n  expected a number of at least 0, below 1\n"},
      {"--batch-size 64x",
       "--batch-size: not such a number\n  found    64x\n"
       "  expected a whole number from 1 to 65536\n"},
      {"--epochs 0",
       "--epochs: out of range\n  found    0\n  expected a whole number from 1 to 1000000\n"},
      {"--epochs 1.5",
       "--epochs: not such a number\n  found    1.5\n"
       "  expected a whole number from 1 to 1000000\n"},
      {"--steps 0",
       "--steps: out of range\n  found    0\n  expected a whole number from 1 to 10000000\n"},
      {"--features 0",
       "--features: out of range\n  found    0\n  expected a whole number from 1 to 1024\n"},
      {"--latent -5",
       "--latent: out of range\n  found    -5\n  expected a whole number from 1 to 4096\n"},
      {"--seed 99999999999999999999",
       "--seed: not such a number\n  found    99999999999999999999\n"
       "  expected a whole number from 0 to 9223372036854775807\n"},
      {"--sample-every 0",
       "--sample-every: out of range\n  found    0\n"
       "  expected a whole number from 1 to 10000000\n"},
      {"--threads 0",
       "--threads: out of range\n  found    0\n  expected a whole number from 1 to 1024\n"},
      {"--image-size 30",
       "--image-size: out of range\n  found    30\n  expected a multiple of 4 from 16 to 128\n"},
      {"--image-size 132",
       "--image-size: out of range\n  found    132\n  expected a multiple of 4 from 16 to 128\n"},
      {"--channels 2", "--channels: out of range\n  found    2\n  expected 1 or 3\n"},
      {"--data nosuch",
       "--data: neither a set of images nor a folder\n  found    nosuch\n"
       "  expected fashion-mnist, digits, or a folder with PNG and JPEG images\n"},
      {"--data digits --data-dir pictures",
       "--data-dir: goes with --data fashion-mnist only\n  found    --data digits\n"
       "  expected one of the two\n"},
      {"--data digits --channels 3",
       "--channels: not that of the data\n  found    3\n"
       "  expected 1, as in digits, drawn by this program\n"},
      {"--data pictures --channels 1 --batch-size 4",
       "--batch-size: more than there are images\n  found    4\n"
       "  expected at most 3, the images in DIR/pictures\n"},
      {"--data pictures --channels 1 --batch-size 1 --epochs 1000000 --steps 10000001",
       "--steps: out of range\n  found    10000001\n"
       "  expected a whole number from 1 to 10000000\n"},
      {"--data digits --batch-size 1 --epochs 1000000",
       "--epochs: too many\n  found    1000000\n  expected at most 166, of 60000 steps each\n"},
      {"generate --count 0",
       "--count: out of range\n  found    0\n  expected a whole number from 1 to 10000000\n"},
      {"interpolate --columns 1",
       "--columns: out of range\n  found    1\n  expected a whole number from 2 to 100\n"},
  };
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = dcgan(folder, words(wrong.line));
    CHECK(result.status == 2);
    CHECK(result.err == wrong.message);
    CHECK(result.out == "");
  }
  const Result empty = dcgan(folder, {"--out", ""});
  CHECK(empty.status == 2);
  CHECK(empty.err == "--out: empty\n  expected FOLDER\n");
  CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("--resume rejects an option that contradicts the run") {
  const TempFolder folder;
  make_tiny_run(folder);
  const auto before = files_of(folder / "run");
  const auto message = [&](const std::string& line) {
    const Result result = dcgan(folder, words("--resume --steps 9 --out run " + line));
    CHECK(result.status == 2);
    return result.err;
  };
  CHECK(message("--lr 0.1") ==
        "--lr: not that of the run to be continued\n  found    0.1\n  expected 0.0002\n");
  CHECK(message("--features 4") ==
        "--features: not that of the run to be continued\n  found    4\n  expected 2\n");
  CHECK(message("--quick") ==
        "--quick: not that of the run to be continued\n  found    true\n  expected false\n");
  CHECK(message("--data digits")
            .starts_with("--data: not the images with which the run began\n"
                         "  found    60000 images, checksum "));
  CHECK(files_of(folder / "run") == before);
  // the same value in another form is no contradiction
  dcgan_ok(folder, words("--resume --steps 9 --out run --lr 2e-4 --data ./pictures/ --features 2"));
}

TEST_CASE("--resume rejects other training images") {
  const TempFolder folder;
  make_tiny_run(folder);
  nn::Image image{.width = 16, .height = 16, .channels = 1, .pixels = {}};
  image.pixels.assign(256, 77);
  nn::write_png(folder / "pictures/picture3.png", image);
  const Result result = dcgan(folder, words("--resume --steps 9 --out run"));
  CHECK(result.status == 1);
  CHECK(
      result.err.starts_with("DIR/pictures: not the images with which the run began\n"
                             "  found    16 images, checksum "));
  CHECK(result.err.find("\n  expected 16 images, checksum ") != std::string::npos);
}

TEST_CASE("invalid files exit with status 1 and the exact message") {
  const TempFolder folder;
  make_tiny_run(folder);
  nn::make_folder(folder / "empty");
  nn::make_folder(folder / "unequal");
  nn::make_folder(folder / "oblong");
  nn::ImageSet images{.count = 2,
                      .channels = 1,
                      .height = 16,
                      .width = 16,
                      .pixels = {},
                      .labels = {},
                      .class_names = {},
                      .source = {}};
  images.pixels.assign(512, 9);
  nn::write_idx_images(folder / "unequal/train-images-idx3-ubyte", images);
  nn::write_idx_labels(folder / "unequal/train-labels-idx1-ubyte", {1, 2, 3});
  images.height = 32;
  images.count = 1;
  nn::write_idx_images(folder / "oblong/train-images-idx3-ubyte", images);
  nn::write_idx_labels(folder / "oblong/train-labels-idx1-ubyte", {1});
  const std::string whole = contents(folder / "run/checkpoint.safetensors");
  nn::write_file(folder / "truncated", whole.substr(0, whole.size() - 4));
  nn::write_file(folder / "text", "This is no checkpoint.");
  fs::create_symlink("itself", folder / "itself");
  nn::save_checkpoint(folder / "foreign", {{"fc.weight", Tensor::zeros({2, 3})}});
  nn::save_checkpoint(folder / "other", {{"fc.weight", Tensor::zeros({2, 3})}},
                      {{"chapter", "cgan"}});
  change_metadata(folder, "wider", "features", "3");
  change_metadata(folder, "damaged", "latent", "4.5");
  change_metadata(folder, "incomplete", "steps", "");
  change_metadata(folder, "beyond", "step", "3");

  struct Case {
    std::string line, message;
  };
  const Case cases[] = {
      {"--data-dir nosuch", "DIR/nosuch: no such folder\n"},
      {"--data-dir empty",
       "DIR/empty: no IDX files in this folder\n"
       "  expected train-images-idx3-ubyte and train-labels-idx1-ubyte,\n"
       "  each plain or with .gz\n"},
      {"--data-dir unequal",
       "DIR/unequal/train-labels-idx1-ubyte: the counts of labels and images differ\n"
       "  found    3 labels\n"
       "  expected 2, the images in DIR/unequal/train-images-idx3-ubyte\n"},
      {"--data-dir oblong",
       "DIR/oblong/train-images-idx3-ubyte: images that the networks of this chapter cannot take\n"
       "  found    32 x 16 with 1 channels\n"
       "  expected squares whose side is a multiple of 4 from 16 to 128, 1 or 3 channels\n"},
      {"--data empty",
       "DIR/empty: no PNG or JPEG image in this folder\n  found 0 other files or folders\n"},
      {"--data itself", "DIR/itself: cannot be read\n  Too many levels of symbolic links\n"},
      {"--data-dir itself", "DIR/itself: cannot be read\n  Too many levels of symbolic links\n"},
      {"--resume --out empty",
       "empty/checkpoint.safetensors: cannot be read\n  open: No such file or directory\n"},
      {"generate",
       "--checkpoint: there is no earlier run\n"
       "  looked for DIR/out/dcgan*/checkpoint.safetensors\n"},
      {"generate --checkpoint nosuch",
       "nosuch: cannot be read\n  open: No such file or directory\n"},
      {"interpolate --checkpoint truncated",
       "truncated: truncated, or still being written\n  the header accounts for " +
           std::to_string(whole.size() - 8 - *reinterpret_cast<const uint64_t*>(whole.data())) +
           " bytes, the file has " +
           std::to_string(whole.size() - 12 - *reinterpret_cast<const uint64_t*>(whole.data())) +
           "\n"},
      {"generate --checkpoint text",
       "text: not a safetensors file\n  it is text: \"This is no check\"\n"},
      {"generate --checkpoint foreign",
       "foreign: not a checkpoint of this chapter\n"
       "  found    no chapter in the metadata\n  expected chapter dcgan\n"},
      {"generate --checkpoint other",
       "other: not a checkpoint of this chapter\n"
       "  found    chapter cgan\n  expected chapter dcgan\n"},
      {"generate --checkpoint wider",
       "wider: a checkpoint of another architecture\n"
       "  shape    G.main.0.weight is [4, 4, 4, 4], expected [4, 6, 4, 4]\n"
       "  shape    G.main.1.weight is [4], expected [6]\n"
       "  shape    G.main.1.bias is [4], expected [6]\n"
       "  shape    G.main.1.running_mean is [4], expected [6]\n"
       "  shape    G.main.1.running_var is [4], expected [6]\n"
       "  shape    G.main.3.weight is [4, 2, 4, 4], expected [6, 3, 4, 4]\n"
       "  and 5 more\n"},
      {"generate --checkpoint damaged",
       "damaged: latent in the metadata: not such a number\n"
       "  found    4.5\n  expected a whole number from 1 to 4096\n"},
      {"generate --checkpoint incomplete",
       "incomplete: the metadata are incomplete\n  missing  steps\n"},
      {"generate --checkpoint beyond",
       "beyond: the metadata contradict each other\n  found    step 3 of 2\n"},
      {"generate --checkpoint run/checkpoint.safetensors --count 1 --out text/made",
       "text/made: the folder cannot be made\n  mkdir: Not a directory\n"},
      {"interpolate --checkpoint run/checkpoint.safetensors --out nosuch/strips.png",
       "nosuch/strips.png: cannot be written\n"
       "  open nosuch/strips.png.tmp: No such file or directory\n"},
      {"--data pictures --channels 1 --batch-size 8 --out text/run",
       "text/run: the folder cannot be made\n  mkdir: Not a directory\n"},
  };
  const std::set<std::string> before = names_of(folder.path());
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = dcgan(folder, words(wrong.line));
    CHECK(result.status == 1);
    CHECK(result.err == wrong.message);
  }
  CHECK(names_of(folder.path()) == before);

  // A loader position that is impossible at that step.
  change_metadata(folder, "run/checkpoint.safetensors", "loader-epoch", "7");
  const Result result = dcgan(folder, words("--resume --steps 9 --out run"));
  CHECK(result.status == 1);
  CHECK(result.err ==
        "run/checkpoint.safetensors: the metadata contradict each other\n"
        "  found    step 2 at epoch 7, batch 0\n  expected epoch 1, batch 0\n");
}

TEST_CASE("a full disk leaves the last checkpoint intact and no temporary file") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  // networks large enough for the checkpoint to be the largest file of a run
  const Words base = words(
      "--data pictures --channels 1 --image-size 16 --features 8 --latent 64 "
      "--batch-size 8 --steps 2");
  dcgan_ok(folder, base + words("--out run"));
  const std::string whole = contents(folder / "run/checkpoint.safetensors");
  const Subprocess::Options full = {.max_file_bytes = whole.size() - 1};
  const Result resumed = dcgan(folder, words("--resume --steps 9 --out run"), full);
  CHECK(resumed.status == 1);
  CHECK(resumed.err ==
        "run/checkpoint.safetensors: cannot be written\n"
        "  write run/checkpoint.safetensors.tmp: File too large\n");
  const bool kept = contents(folder / "run/checkpoint.safetensors") == whole;
  CHECK(kept);

  const Result fresh = dcgan(folder, base + words("--out new"), full);
  CHECK(fresh.status == 1);
  CHECK(fresh.err ==
        "new/checkpoint.safetensors: cannot be written\n"
        "  write new/checkpoint.safetensors.tmp: File too large\n");
  CHECK_FALSE(fs::exists(folder / "new/checkpoint.safetensors"));
  const Result made = dcgan(
      folder, words("generate --checkpoint run/checkpoint.safetensors --out made --count 10000"),
      full);
  CHECK(made.status == 1);
  CHECK(made.err ==
        "made/images-idx3-ubyte: cannot be written\n"
        "  write made/images-idx3-ubyte.tmp: File too large\n");
  CHECK(names_of(folder / "made").empty());
  for (const std::string& name : names_of(folder.path())) CHECK_FALSE(name.ends_with(".tmp"));

  // the run resumes when there is space again
  dcgan_ok(folder, words("--resume --steps 9 --out run"));
}

TEST_CASE("a run folder that cannot be created is an error") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Result result =  // not even root can create folders in /proc
      dcgan(folder, words("--data pictures --channels 1 --steps 2 --out /proc/run") + kTiny);
  CHECK(result.status == 1);
  CHECK(result.err == "/proc/run: the folder cannot be made\n  mkdir: No such file or directory\n");
}

TEST_CASE("an unreadable folder of runs is an error") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words train = words("--data pictures --channels 1 --steps 1") + kTiny;
  const auto message = [&](const Words& line) {
    const Result result = dcgan(folder, line);
    CHECK(result.status == 1);
    return result.err;
  };
  nn::write_file(folder / "out", "text");
  for (const Words& line : {train, words("--resume"), words("generate")}) {
    CHECK(message(line) == "out: not a folder\n  it is a file that looks like text\n");
  }
  fs::remove(folder / "out");
  fs::create_symlink("out", folder / "out");
  for (const Words& line : {train, words("--resume"), words("generate")}) {
    CHECK(message(line) == "out: cannot be read\n  Too many levels of symbolic links\n");
  }
  // An unreadable checkpoint is an error too; an older run is not used instead.
  fs::remove(folder / "out");
  nn::make_folder(folder / "out/dcgan");
  fs::create_symlink("checkpoint.safetensors", folder / "out/dcgan/checkpoint.safetensors");
  CHECK(message(words("generate")) ==
        "out/dcgan/checkpoint.safetensors: cannot be read\n"
        "  open: Too many levels of symbolic links\n");
}

TEST_CASE("a removed working folder is an error") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const auto message = [&](const std::string& line) {
    Subprocess process(
        "/bin/sh",
        {"-c", "mkdir gone && cd gone && rmdir ../gone && exec '" FORGER_DCGAN "' " + line},
        folder.path());
    CHECK(process.wait() == 1);
    return without_folder(process.err(), folder);
  };
  CHECK(message("--data-dir data") ==
        "data: the working folder is not known\n  No such file or directory\n");
  CHECK(message("generate") ==
        "out/dcgan: the working folder is not known\n  No such file or directory\n");
}

TEST_CASE("standard output that cannot be written is an error") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 3, 1);
  const Result result =
      dcgan(folder, words("inspect-data --data pictures"), {.output = "/dev/full"});
  CHECK(result.status == 1);
  CHECK(result.err == "standard output: cannot be written\n  No space left on device\n");
}

TEST_CASE("no file of a run takes the place of a standard file that is closed") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const auto run = [&](const std::string& name, const std::string& closed) {
    std::string script = "exec \"$0\" --data pictures --channels 1 --steps 2 --out " + name;
    for (const std::string& word : kTiny) script += " " + word;
    Subprocess process("/bin/sh", {"-c", script + closed, FORGER_DCGAN}, folder.path());
    CHECK(process.wait() == 1);
    CHECK(process.out() == "");
    CHECK(contents(folder / name / ".lock") == "");
    return process.err();
  };
  CHECK(run("quiet", " >&-") == "standard output: cannot be written\n  Bad file descriptor\n");
  CHECK(run("closed", " <&- >&- 2>&-") == "");
  make_tiny_run(folder);
  check_same_files(folder / "run", folder / "quiet");
  check_same_files(folder / "run", folder / "closed");
}

TEST_CASE("training stops with an error if a loss is not finite") {
  tutorials::check_finite({{"loss_D", 1e30}, {"loss_G", -3}}, 7, "run/checkpoint.safetensors");
  CHECK(message_of([] {
          tutorials::check_finite({{"loss_D", 1}, {"loss_G", std::nan("")}}, 7, "run/a");
        }) ==
        "training: loss_G is no longer finite\n  found    nan at step 7\n"
        "  kept     run/a, of an earlier step\n  a smaller --lr may help");
  CHECK(message_of([] { tutorials::check_finite({{"loss_D", HUGE_VAL}}, 7, "run/a"); }) != "");
}

}  // namespace forger
