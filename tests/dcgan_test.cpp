// Chapter 3's program from the outside: it trains, goes on exactly where it stopped, makes images,
// and answers every kind of wrong input with its message and status, leaving nothing half-written.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <thread>

#include "message.h"
#include "nn/data/idx.h"
#include "nn/data/image.h"
#include "nn/file.h"
#include "nn/state.h"
#include "subprocess.h"
#include "temp_folder.h"
#include "tutorials/common/latent.h"
#include "tutorials/common/progress.h"

namespace forger {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

constexpr uint64_t kAnySize = 1 << 30;

struct Result {
  int status;
  std::string out, err;
};

Result dcgan(const TempFolder& folder, const Words& words, Subprocess::Options options = {}) {
  Subprocess process(FORGER_DCGAN, words, folder.path(), options);
  const int status = process.wait();
  return {status, without_folder(process.out(), folder), without_folder(process.err(), folder)};
}

/// Runs what is to succeed.
std::string dcgan_ok(const TempFolder& folder, const Words& words) {
  const Result result = dcgan(folder, words);
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.err == "");
  return result.out;
}

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Words words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
}

std::string contents(const fs::path& path) { return nn::read_file(path, kAnySize); }

/// Every file of a run but run.json, which names its own call, by its path within the run.
std::map<std::string, std::string> files_of(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string name = fs::relative(entry.path(), run).string();
    if (entry.is_regular_file() && name != "run.json") files[name] = contents(entry.path());
  }
  return files;
}

std::set<std::string> names_of(const fs::path& run) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : files_of(run)) names.insert(name);
  return names;
}

/// Checks file by file, so that a failure names the one that differs.
void check_same_files(const fs::path& a, const fs::path& b) {
  auto of_a = files_of(a), of_b = files_of(b);
  CHECK(names_of(a) == names_of(b));
  for (const auto& file : of_a) {
    CAPTURE(file.first);
    const bool same =
        of_b[file.first] == file.second;  // outside of CHECK, which would print the bytes
    CHECK(same);
  }
}

std::vector<std::vector<double>> rows_of(const fs::path& csv, std::string& header) {
  std::istringstream lines(contents(csv));
  std::getline(lines, header);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(std::stod(cell));
  }
  return rows;
}

nn::Image read_png(const fs::path& path, int64_t channels) {
  return nn::decode_image(contents(path), channels, path.string());
}

/// How many grey levels of a picture's pixels differ from the first one.
size_t levels_of(const nn::Image& image) {
  return std::set<uint8_t>(image.pixels.begin(), image.pixels.end()).size();
}

/// Some small pictures: bright squares at places and in colours that vary.
void make_pictures(const fs::path& folder, int count, int64_t channels, int64_t side = 20) {
  nn::make_folder(folder);
  for (int i = 0; i < count; ++i) {
    nn::Image image{.width = side, .height = side, .channels = channels, .pixels = {}};
    image.pixels.assign(static_cast<size_t>(side * side * channels), 10);
    for (int64_t y = 4; y < side - 4; ++y) {
      for (int64_t x = 2 + i % 4; x < side / 2 + i % 7; ++x) {
        for (int64_t c = 0; c < channels; ++c) {
          image.pixels[static_cast<size_t>((y * side + x) * channels + c)] =
              static_cast<uint8_t>(250 - 60 * c - i % 40);
        }
      }
    }
    nn::write_png(folder / ("picture" + std::to_string(i) + ".png"), image);
  }
}

/// The smallest networks on the smallest images.
const Words kTiny = words("--image-size 16 --features 2 --latent 4 --batch-size 8");

/// A run of a few steps of kTiny on pictures of one's own, in DIR/run.
void make_tiny_run(const TempFolder& folder, const std::string& options = "--steps 2") {
  make_pictures(folder / "pictures", 16, 1);
  dcgan_ok(folder, words("--data pictures --channels 1 --out run " + options) + kTiny);
}

/// The checkpoint of DIR/run with a change made to its metadata, as DIR/name.
void change_metadata(const TempFolder& folder, const std::string& name, const std::string& key,
                     const std::string& value) {
  nn::Checkpoint checkpoint = nn::load_checkpoint(folder / "run/checkpoint.safetensors");
  if (value.empty()) {
    checkpoint.metadata.erase(key);
  } else {
    checkpoint.metadata[key] = value;
  }
  const nn::NamedTensors tensors(checkpoint.tensors.begin(), checkpoint.tensors.end());
  nn::save_checkpoint(folder / name, tensors, checkpoint.metadata);
}

/// Waits until a run in progress has written so many rows of its metrics.
void wait_for_rows(Subprocess& process, const fs::path& csv, int rows) {
  for (int waited = 0; waited < 60000 && process.running(); ++waited) {
    std::error_code missing;
    if (fs::exists(csv, missing)) {
      const std::string text = contents(csv);
      if (std::count(text.begin(), text.end(), '\n') > rows) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL("the run ended before it had written the rows: " << process.err());
}

}  // namespace

TEST_CASE(
    "--quick learns: finite losses, samples that are neither constant nor those of the start") {
  const TempFolder folder;
  const std::string out = dcgan_ok(folder, {"--quick"});
  CHECK(out.find("1200/1200") != std::string::npos);
  const fs::path run = folder / "out/dcgan";

  std::string header;
  const auto rows = rows_of(run / "metrics.csv", header);
  CHECK(header == "step,epoch,loss_D,loss_G,D_x,D_G_z");
  REQUIRE(rows.size() == 1200);
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    REQUIRE(rows[i].size() == 6);
    CHECK(rows[i][0] == static_cast<double>(i + 1));
    for (const double value : rows[i]) CHECK(std::isfinite(value));
    for (const size_t probability : {size_t{4}, size_t{5}}) {
      CHECK(rows[i][probability] >= 0);
      CHECK(rows[i][probability] <= 1);
    }
  }

  // D tells the two apart, if not always, and more so than by chance.
  double on_real = 0, on_fake = 0;
  for (size_t i = rows.size() - 100; i < rows.size(); ++i) {
    on_real += rows[i][4] / 100;
    on_fake += rows[i][5] / 100;
  }
  CHECK(on_real > on_fake + 0.1);

  // Before training all is mid-grey with a black frame; after it, dark and bright.
  const nn::Image before = read_png(run / "samples/step_000000.png", 1);
  const nn::Image after = read_png(run / "samples/step_001200.png", 1);
  CHECK(before.width == after.width);
  CHECK(levels_of(before) < 64);
  CHECK(levels_of(after) > 200);

  dcgan_ok(folder, words("generate --count 200 --out made"));
  const nn::ImageSet images = nn::read_idx(folder / "made/images-idx3-ubyte");
  REQUIRE(images.count == 200);
  std::set<std::string> different;
  for (int64_t i = 0; i < images.count; ++i) {
    const auto begin = images.pixels.begin() + i * images.image_bytes();
    different.emplace(begin, begin + images.image_bytes());
    const auto [least, most] = std::minmax_element(begin, begin + images.image_bytes());
    CHECK(*most - *least > 50);
  }
  CHECK(different.size() == 200);

  // As bright as the data, on the whole.
  const std::string data = dcgan_ok(folder, {"inspect-data"});
  const std::string before_mean = "pixels   mean ";
  const double expected = std::stod(data.substr(data.find(before_mean) + before_mean.size()));
  const double found = std::accumulate(images.pixels.begin(), images.pixels.end(), 0.0) /
                       static_cast<double>(images.pixels.size());
  CAPTURE(expected);
  CHECK(found > 0.6 * expected);
  CHECK(found < 1.6 * expected);
}

TEST_CASE("N + N steps are 2N steps, byte for byte, whatever the number of threads") {
  const TempFolder folder;
  const Words base = words(
      "--data digits --image-size 16 --features 4 --latent 8 --batch-size 16 "
      "--sample-every 5 --seed 7");
  dcgan_ok(folder, base + words("--steps 20 --out whole --threads 2"));
  dcgan_ok(folder, base + words("--steps 10 --out parts --threads 1"));
  CHECK(files_of(folder / "whole") != files_of(folder / "parts"));
  dcgan_ok(folder, words("--resume --steps 20 --out parts --threads 2"));
  check_same_files(folder / "whole", folder / "parts");
  CHECK(names_of(folder / "whole") ==
        std::set<std::string>{"checkpoint.safetensors", "metrics.csv", "samples/step_000000.png",
                              "samples/step_000005.png", "samples/step_000010.png",
                              "samples/step_000015.png", "samples/step_000020.png"});
  // another seed is another run, from the first sample on
  dcgan_ok(folder, words("--data digits --image-size 16 --features 4 --latent 8 --batch-size 16 "
                         "--sample-every 5 --seed 8 --steps 1 --out other"));
  const bool other = contents(folder / "whole/samples/step_000000.png") !=
                     contents(folder / "other/samples/step_000000.png");
  CHECK(other);
}

TEST_CASE("a run resumes over the end of an epoch, and --epochs may be raised") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 20, 1);  // 2 batches of 8, 4 images left over
  const Words base = words("--data pictures --channels 1 --sample-every 3") + kTiny;
  dcgan_ok(folder, base + words("--epochs 6 --out whole"));
  dcgan_ok(folder, base + words("--epochs 3 --out parts"));
  const std::string out = dcgan_ok(folder, words("--resume --out parts --epochs 6"));
  CHECK(out.find("12 of 8 images each, 6 done") != std::string::npos);
  check_same_files(folder / "whole", folder / "parts");
  CHECK(dcgan_ok(folder, words("--resume --out parts")) ==
        "parts is at its end, step 12; --steps or --epochs takes it further\n");
  const Result less = dcgan(folder, words("--resume --out parts --steps 11"));
  CHECK(less.status == 2);
  CHECK(less.err ==
        "--steps: the run is beyond that already\n"
        "  found    11 steps\n  expected more than 12, the steps done\n");
}

TEST_CASE("a signal ends a run after a whole step, saved; it resumes to what it would have been") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words base = words("--data pictures --channels 1 --steps 2000 --sample-every 1000") + kTiny;
  dcgan_ok(folder, base + words("--out whole"));
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    const std::string run = "run" + std::to_string(signal);
    Subprocess process(FORGER_DCGAN, base + Words{"--out", run}, folder.path());
    wait_for_rows(process, folder / run / "metrics.csv", 20);
    process.send(signal);
    CHECK(process.wait() == 128 + signal);
    CHECK(process.err() == "");
    const auto step = nn::load_checkpoint(folder / run / "checkpoint.safetensors").metadata["step"];
    CHECK(std::stoi(step) >= 20);
    CHECK(std::stoi(step) < 2000);
    CHECK(process.out().find(", saved to " + run + "/checkpoint.safetensors\n--resume --out " +
                             run + " goes on\n") != std::string::npos);
    dcgan_ok(folder, words("--resume --out " + run));
    check_same_files(folder / "whole", folder / run);
  }
  // Nothing is saved when there is no time to: the last checkpoint counts, and the rows of
  // metrics.csv behind it are written anew.
  Subprocess process(FORGER_DCGAN, base + words("--out killed"), folder.path());
  wait_for_rows(process, folder / "killed/metrics.csv", 20);
  process.send(SIGKILL);
  CHECK(process.wait() == 256 + SIGKILL);
  dcgan_ok(folder, words("--resume --out killed"));
  check_same_files(folder / "whole", folder / "killed");
}

TEST_CASE("a second signal ends the program at once") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  // Steps of a second or so, so that the second signal arrives within the first one's.
  const Words base = words(
      "--data pictures --channels 1 --image-size 64 --features 64 "
      "--batch-size 16 --out run");
  Subprocess process(FORGER_DCGAN, base, folder.path());
  wait_for_rows(process, folder / "run/metrics.csv", 1);
  process.send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  process.send(SIGINT);
  CHECK(process.wait() == 130);
  CHECK(process.out().find("saved to") == std::string::npos);
}

TEST_CASE("colour pictures of one's own at size 32; what is no image is skipped and named") {
  const TempFolder folder;
  make_pictures(folder / "pictures/a", 10, 3);
  make_pictures(folder / "pictures/b", 6, 3, 50);
  nn::write_file(folder / "pictures/notes.txt", "not an image");
  const std::string out = dcgan_ok(
      folder, words("--data pictures --features 2 --latent 4 --batch-size 8 --steps 60 --lr 0.01 "
                    "--out run"));
  CHECK(
      out.starts_with("data     DIR/pictures, chosen by --data\n"
                      "         16 colour images of 32 x 32, DIR/pictures\n"
                      "skipped  1 file\n"
                      "         notes.txt: not a PNG or JPEG image; it looks like text\n"));
  CHECK(out.find("ConvTranspose2d(4 -> 8, kernel 4, stride 1, padding 0)") != std::string::npos);
  const nn::Image grid = read_png(folder / "run/samples/step_000060.png", 3);
  CHECK(grid.width == 2 * (8 * (32 + 2) + 2));
  CHECK(levels_of(grid) > 10);

  dcgan_ok(folder, words("generate --checkpoint run/checkpoint.safetensors --count 3 --out made"));
  const nn::ImageSet images = nn::read_idx(folder / "made/images-idx4-ubyte");
  CHECK(images.count == 3);
  CHECK(images.channels == 3);
  CHECK(images.height == 32);
}

TEST_CASE("every size that is allowed can be trained") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 4, 1);
  for (const int size : {16, 20, 28, 36, 64, 100, 124, 128}) {
    CAPTURE(size);
    const std::string number = std::to_string(size);
    dcgan_ok(folder, words("--data pictures --channels 1 --features 1 --latent 1 --batch-size 1 "
                           "--steps 1 --out run" +
                           number + " --image-size " + number));
    const int64_t upscale = std::max(1, 64 / size);
    CHECK(read_png(folder / ("run" + number) / "samples/step_000001.png", 1).height ==
          upscale * (8 * (size + 2) + 2));
  }
}

TEST_CASE("a new run never touches an earlier one; --resume takes the newest") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words base = words("--data pictures --channels 1 --steps 1") + kTiny;
  CHECK(dcgan(folder, {"--resume"}).err ==
        "--resume: there is no earlier run\n"
        "  looked for out/dcgan*/checkpoint.safetensors in DIR\n");
  dcgan_ok(folder, base);
  dcgan_ok(folder, base);
  CHECK(fs::exists(folder / "out/dcgan/checkpoint.safetensors"));
  check_same_files(folder / "out/dcgan", folder / "out/dcgan-2");
  nn::make_folder(folder / "out/dcgan-9");
  dcgan_ok(folder, base);
  CHECK(fs::exists(folder / "out/dcgan-10/checkpoint.safetensors"));
  dcgan_ok(folder, words("--resume --steps 2"));
  CHECK(fs::exists(folder / "out/dcgan-10/samples/step_000002.png"));
  CHECK_FALSE(fs::exists(folder / "out/dcgan-2/samples/step_000002.png"));

  const Result taken = dcgan(folder, base + words("--out out/dcgan"));
  CHECK(taken.status == 2);
  CHECK(taken.err ==
        "--out: this folder holds an earlier run\n"
        "  found    out/dcgan/checkpoint.safetensors\n"
        "  expected another folder, or --resume to continue that run\n");
}

TEST_CASE("run.json names every option and what the run was made with") {
  const TempFolder folder;
  make_tiny_run(folder, "--steps 2 --threads 1 --seed 5");
  const auto run = nlohmann::json::parse(contents(folder / "run/run.json"));
  const auto& options = run["options"];
  CHECK(run["chapter"] == "dcgan");
  CHECK(run["threads"] == 1);
  CHECK(run["kernels"].get<std::string>() != "");
  CHECK(run["compiler"].get<std::string>() != "");
  CHECK(run["commit"].get<std::string>() != "");
  CHECK(options["data"] == (folder / "pictures").string());
  for (const auto& option : std::map<std::string, nlohmann::json>{{"image-size", 16},
                                                                  {"channels", 1},
                                                                  {"epochs", 1},
                                                                  {"steps", 2},
                                                                  {"batch-size", 8},
                                                                  {"lr", 2e-4},
                                                                  {"beta1", 0.5},
                                                                  {"latent", 4},
                                                                  {"features", 2},
                                                                  {"seed", 5},
                                                                  {"sample-every", 100},
                                                                  {"quick", false},
                                                                  {"out", "run"},
                                                                  {"resume", false},
                                                                  {"threads", 1},
                                                                  {"data-dir", ""}}) {
    CAPTURE(option.first);
    CHECK(options[option.first] == option.second);
  }
  CHECK(options.size() == 17);
}

TEST_CASE("--quick gives way to what is given beside it") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  dcgan_ok(folder, words("--quick --steps 2 --data pictures --channels 1 --batch-size 8 "
                         "--image-size 16 --lr 0.001 --out run"));
  const auto metadata = nn::load_checkpoint(folder / "run/checkpoint.safetensors").metadata;
  CHECK(metadata.at("steps") == "2");
  CHECK(metadata.at("lr") == "0.001");
  CHECK(metadata.at("features") == "32");
  CHECK(metadata.at("sample-every") == "50");
  dcgan_ok(folder, words("--quick --resume --steps 3 --out run"));
}

TEST_CASE("generate and interpolate make what was asked for, the same each time") {
  const TempFolder folder;
  make_tiny_run(folder);
  const Words generate = words("generate --checkpoint run/checkpoint.safetensors");
  dcgan_ok(folder, generate + words("--count 300 --out a"));
  dcgan_ok(folder, generate + words("--count 300 --out b"));
  dcgan_ok(folder, generate + words("--count 300 --out c --seed 1"));
  dcgan_ok(folder, generate + words("--count 5"));  // beside the checkpoint
  CHECK(names_of(folder / "a") == std::set<std::string>{"grid.png", "images-idx3-ubyte"});
  check_same_files(folder / "a", folder / "b");
  const nn::ImageSet a = nn::read_idx(folder / "a/images-idx3-ubyte");
  CHECK(a.count == 300);
  CHECK(a.height == 16);
  CHECK(a.width == 16);
  CHECK(read_png(folder / "a/grid.png", 1).width == 4 * (8 * (16 + 2) + 2));
  CHECK(a.pixels != nn::read_idx(folder / "c/images-idx3-ubyte").pixels);
  const nn::ImageSet few = nn::read_idx(folder / "run/generated/images-idx3-ubyte");
  CHECK(few.count == 5);
  CHECK(std::equal(few.pixels.begin(), few.pixels.end(), a.pixels.begin()));

  const Words interpolate = words("interpolate --checkpoint run/checkpoint.safetensors");
  dcgan_ok(folder, interpolate + words("--out strips.png --rows 3 --columns 7"));
  const nn::Image strips = read_png(folder / "strips.png", 1);
  CHECK(strips.width == 4 * (7 * (16 + 2) + 2));
  CHECK(strips.height == 4 * (3 * (16 + 2) + 2));
  dcgan_ok(folder, interpolate);
  CHECK(fs::exists(folder / "run/interpolation.png"));
}

TEST_CASE("inspect-data, word for word") {
  const TempFolder folder;
  nn::ImageSet images{.count = 3,
                      .channels = 1,
                      .height = 16,
                      .width = 16,
                      .pixels = {},
                      .labels = {1, 0, 1},
                      .class_names = {},
                      .source = {}};
  images.pixels.assign(3 * 256, 0);
  std::fill_n(images.pixels.begin(), 384, uint8_t{200});
  nn::write_idx_images(folder / "train-images-idx3-ubyte", images);
  nn::write_idx_labels(folder / "train-labels-idx1-ubyte", images.labels);
  CHECK(dcgan_ok(folder, words("inspect-data --data-dir . --out grid.png")) ==
        "data     fashion-mnist, chosen by --data-dir\n"
        "source   DIR/train-images-idx3-ubyte\n"
        "images   3 grey images of 16 x 16\n"
        "pixels   mean 100.00, standard deviation 100.00, of 0 to 255\n"
        "classes  2\n"
        "                 1  0\n"
        "                 2  1\n"
        "grid     grid.png\n");
  CHECK(read_png(folder / "grid.png", 1).width == 4 * (3 * (16 + 2) + 2));
}

TEST_CASE("--help explains what the progress shows, and every option") {
  const TempFolder folder;
  const std::string overview = dcgan_ok(folder, {"--help"});
  const std::string help = dcgan_ok(folder, {"train", "--help"});
  for (const std::string& text : {overview, help}) {
    for (const char* word :
         {"epoch  ",       "step  ",      "images/s  ", "ETA  ",           "loss_D  ",
          "loss_G  ",      "D(x)  ",      "D(G(z))  ",  "--data ",         "--data-dir ",
          "--image-size ", "--channels ", "--epochs ",  "--steps ",        "--batch-size ",
          "--lr ",         "--beta1 ",    "--latent ",  "--features ",     "--seed ",
          "--out ",        "--resume ",   "--quick ",   "--sample-every ", "--threads "}) {
      CAPTURE(word);
      CHECK(text.find(word) != std::string::npos);
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 82);
  }
  for (const char* command : {"generate", "interpolate", "inspect-data"}) {
    CHECK(overview.find(command) != std::string::npos);
    CHECK(dcgan_ok(folder, {command, "--help"}).find("--out ") != std::string::npos);
  }
}

TEST_CASE("wrong options: status 2 and the message, word for word; nothing is written") {
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
       "interpolate, inspect-data) as the first word, and options, which begin with --\n"},
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

TEST_CASE("an option that contradicts the run to be continued") {
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
  CHECK(message("--data digits") ==
        "--data: not that of the run to be continued\n  found    digits\n"
        "  expected DIR/pictures\n");
  CHECK(files_of(folder / "run") == before);
  // the same value again, in whatever form, is none
  dcgan_ok(folder, words("--resume --steps 9 --out run --lr 2e-4 --data ./pictures/ --features 2"));
}

TEST_CASE("a run is not continued with other images") {
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

TEST_CASE("files that are not what they should be: status 1 and the message, word for word") {
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
      {"--data-dir nosuch",
       "DIR/nosuch: no such folder\n"
       "  expected train-images-idx3-ubyte and train-labels-idx1-ubyte,\n"
       "  each plain or with .gz\n"},
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
      {"--data text", "DIR/text: no such folder\n"},
      {"--resume --out empty",
       "empty/checkpoint.safetensors: cannot be read\n  open: No such file or directory\n"},
      {"generate",
       "--checkpoint: there is no earlier run\n"
       "  looked for out/dcgan*/checkpoint.safetensors in DIR\n"},
      {"generate --checkpoint nosuch",
       "nosuch: cannot be read\n  open: No such file or directory\n"},
      {"interpolate --checkpoint truncated",
       "truncated: truncated, or with bytes that belong to no tensor\n  the header accounts for " +
           std::to_string(whole.size() - 8 - *reinterpret_cast<const uint64_t*>(whole.data())) +
           " bytes, the file has " +
           std::to_string(whole.size() - 12 - *reinterpret_cast<const uint64_t*>(whole.data())) +
           "\n"},
      {"generate --checkpoint text",
       "text: not a safetensors file, or a truncated one\n"
       "  the first 8 bytes give a header of 2338328219631577172 bytes, 14 follow\n"},
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
       "text/run/samples: the folder cannot be made\n  mkdir: Not a directory\n"},
  };
  const std::set<std::string> before = names_of(folder.path());
  for (const Case& wrong : cases) {
    CAPTURE(wrong.line);
    const Result result = dcgan(folder, words(wrong.line));
    CHECK(result.status == 1);
    CHECK(result.err == wrong.message);
  }
  CHECK(names_of(folder.path()) == before);

  // A position that the loader cannot have had at that step.
  change_metadata(folder, "run/checkpoint.safetensors", "loader-epoch", "7");
  const Result result = dcgan(folder, words("--resume --steps 9 --out run"));
  CHECK(result.status == 1);
  CHECK(result.err ==
        "run/checkpoint.safetensors: the metadata contradict each other\n"
        "  found    step 2 at epoch 7, batch 0\n  expected epoch 1, batch 0\n");
}

TEST_CASE("a disk that is full leaves the last checkpoint whole and no temporary files") {
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

  // and the run can be taken up once there is room again
  dcgan_ok(folder, words("--resume --steps 9 --out run"));
}

TEST_CASE("no write permission") {
  if (::geteuid() == 0) return;  // root may write anywhere
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  nn::make_folder(folder / "locked");
  fs::permissions(folder / "locked", fs::perms::owner_read | fs::perms::owner_exec);
  const Result result =
      dcgan(folder, words("--data pictures --channels 1 --steps 2 --out locked/run") + kTiny);
  fs::permissions(folder / "locked", fs::perms::owner_all);
  CHECK(result.status == 1);
  CHECK(result.err ==
        "locked/run/samples: the folder cannot be made\n  mkdir: Permission denied\n");
}

TEST_CASE("standard output that cannot be written is an error") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 3, 1);
  const Result result =
      dcgan(folder, words("inspect-data --data pictures"), {.output = "/dev/full"});
  CHECK(result.status == 1);
  CHECK(result.err == "standard output: cannot be written\n  No space left on device\n");
}

TEST_CASE("losses that are no longer finite end a training") {
  tutorials::check_finite({{"loss_D", 1e30}, {"loss_G", -3}}, 7, "run/checkpoint.safetensors");
  CHECK(message_of([] {
          tutorials::check_finite({{"loss_D", 1}, {"loss_G", std::nan("")}}, 7, "run/a");
        }) ==
        "training: loss_G is no longer finite\n  found    nan at step 7\n"
        "  kept     run/a, of an earlier step\n  a smaller --lr may help");
  CHECK(message_of([] { tutorials::check_finite({{"loss_D", HUGE_VAL}}, 7, "run/a"); }) != "");
}

TEST_CASE("slerp follows the great circle") {
  const Tensor a = Tensor::from({1, 2}, {3, 0}), b = Tensor::from({1, 2}, {0, 3});
  const auto at = [&](double t) { return tutorials::slerp(a, b, t).to_vector(); };
  for (const double t : {0.0, 0.25, 0.5, 1.0}) {
    CAPTURE(t);
    // float's rounding of numbers up to 3, a few operations deep
    CHECK(std::abs(at(t)[0] - 3 * std::cos(t * std::acos(0.0))) < 4e-7);
    CHECK(std::abs(at(t)[1] - 3 * std::sin(t * std::acos(0.0))) < 4e-7);
  }
  // without a circle, along the line
  CHECK(tutorials::slerp(a, Tensor::from({1, 2}, {9, 0}), 0.5).to_vector() ==
        std::vector<Scalar>{6, 0});
  CHECK(tutorials::slerp(a, Tensor::zeros({1, 2}), 0.5).to_vector() == std::vector<Scalar>{1.5, 0});
}

TEST_CASE("numbers for people") {
  CHECK(tutorials::duration_text(0.4) == "0:00");
  CHECK(tutorials::duration_text(59.6) == "1:00");
  CHECK(tutorials::duration_text(754) == "12:34");
  CHECK(tutorials::duration_text(3723) == "1:02:03");
  CHECK(tutorials::grouped(0) == "0");
  CHECK(tutorials::grouped(999) == "999");
  CHECK(tutorials::grouped(1000) == "1,000");
  CHECK(tutorials::grouped(1234567) == "1,234,567");
}

}  // namespace forger
