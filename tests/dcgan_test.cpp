// Tests chapter 3's program as a user runs it: it trains, resumes exactly where it stopped, and
// draws images.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "dcgan_program.h"
#include "message.h"
#include "nn/data/idx.h"
#include "tutorials/common/latent.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/run_folder.h"

namespace forger {

namespace {

// Every step uses memory in the same way, so a sanitizer needs few; 1,200 would take ten minutes.
#ifdef FORGER_SANITIZED
constexpr int kQuickSteps = 200;
const Words kQuick = words("--quick --steps 200");
#else
constexpr int kQuickSteps = 1200;
const Words kQuick = words("--quick");
#endif

}  // namespace

TEST_CASE("--quick trains: losses are finite, and samples vary and change") {
  const TempFolder folder;
  const std::string out = dcgan_ok(folder, kQuick);
  const std::string last = std::to_string(kQuickSteps);
  CHECK(out.find(last + "/" + last) != std::string::npos);
  const fs::path run = folder / "out/dcgan";

  std::string header;
  const auto rows = rows_of(run / "metrics.csv", header);
  CHECK(header == "step,epoch,loss_D,loss_G,D_x,D_G_z,grad_norm_D,grad_norm_G");
  REQUIRE(rows.size() == kQuickSteps);
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    REQUIRE(rows[i].size() == 8);
    CHECK(rows[i][0] == static_cast<double>(i + 1));
    for (const double value : rows[i]) CHECK(std::isfinite(value));
    for (const size_t probability : {size_t{4}, size_t{5}}) {
      CHECK(rows[i][probability] >= 0);
      CHECK(rows[i][probability] <= 1);
    }
  }

  // D separates real from fake better than by chance, but not always.
  double on_real = 0, on_fake = 0;
  for (size_t i = rows.size() - 100; i < rows.size(); ++i) {
    on_real += rows[i][4] / 100;
    on_fake += rows[i][5] / 100;
  }
  CHECK(on_real > on_fake + 0.1);

  CHECK(contents(run / "report.html").find("\"signs\":[]") != std::string::npos);

  // Before training all pixels are mid-grey with a black frame; after it, dark and bright.
  const nn::Image before = read_png(run / "samples/step_000000.png", 1);
  const nn::Image after =
      read_png(run / "samples" / (tutorials::step_name(kQuickSteps) + ".png"), 1);
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

  // The mean brightness is close to that of the data.
  const std::string data = dcgan_ok(folder, {"inspect-data"});
  const std::string before_mean = "pixels   mean ";
  const double expected = std::stod(data.substr(data.find(before_mean) + before_mean.size()));
  const double found = std::accumulate(images.pixels.begin(), images.pixels.end(), 0.0) /
                       static_cast<double>(images.pixels.size());
  CAPTURE(expected);
  CHECK(found > 0.6 * expected);
  CHECK(found < 1.6 * expected);
}

TEST_CASE("a resumed run matches an uninterrupted run byte for byte, for any thread count") {
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
        std::set<std::string>{"checkpoint.safetensors", "metrics.csv", "samples.gif",
                              "samples/step_000000.png", "samples/step_000005.png",
                              "samples/step_000010.png", "samples/step_000015.png",
                              "samples/step_000020.png"});
  // another seed is another run, from the first sample on
  dcgan_ok(folder, words("--data digits --image-size 16 --features 4 --latent 8 --batch-size 16 "
                         "--sample-every 5 --seed 8 --steps 1 --out other"));
  const bool other = contents(folder / "whole/samples/step_000000.png") !=
                     contents(folder / "other/samples/step_000000.png");
  CHECK(other);
}

TEST_CASE("a run resumes across the end of an epoch with a larger --epochs") {
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

TEST_CASE("SIGINT and SIGTERM save a checkpoint, and the resumed run is identical") {
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
  // SIGKILL leaves no time to save. The run resumes from the last checkpoint and writes the later
  // rows of metrics.csv again.
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
  // With one thread, the signals are handled one after the other.
  const Words base =
      words("--data pictures --channels 1 --steps 10000000 --threads 1 --out run") + kTiny;
  Subprocess process(FORGER_DCGAN, base, folder.path());
  wait_for_rows(process, folder / "run/metrics.csv", 1);
  // While stopped, the program cannot finish its step between the two signals.
  process.send(SIGSTOP);
  process.send(SIGINT);
  process.send(SIGTERM);
  process.send(SIGCONT);
  const int status = process.wait();
  CAPTURE(status);
  CHECK((status == 128 + SIGINT || status == 128 + SIGTERM));
  CHECK(process.out().find("saved to") == std::string::npos);
}

TEST_CASE("a folder of colour images trains at size 32, and other files are skipped and named") {
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

TEST_CASE("every allowed image size trains") {
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

TEST_CASE("a new run never overwrites an earlier one, and --resume continues the newest") {
  const TempFolder folder;
  make_pictures(folder / "pictures", 16, 1);
  const Words base = words("--data pictures --channels 1 --steps 1") + kTiny;
  CHECK(dcgan(folder, {"--resume"}).err ==
        "--resume: there is no earlier run\n"
        "  looked for DIR/out/dcgan*/checkpoint.safetensors\n");
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

TEST_CASE("run.json records every option and the build") {
  const TempFolder folder;
  make_tiny_run(folder, "--steps 2 --threads 1 --seed 5");
  const auto run = nlohmann::json::parse(contents(folder / "run/run.json"));
  const auto& options = run["options"];
  CHECK(run["chapter"] == "dcgan");
  CHECK(run["threads"] == 1);
  CHECK(run["wait_policy"].get<std::string>() != "");
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
                                                                  {"keep-every", 0},
                                                                  {"quick", false},
                                                                  {"out", "run"},
                                                                  {"resume", false},
                                                                  {"threads", 1},
                                                                  {"data-dir", ""}}) {
    CAPTURE(option.first);
    CHECK(options[option.first] == option.second);
  }
  CHECK(options.size() == 18);
}

TEST_CASE("options on the command line override --quick") {
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

TEST_CASE("generate and interpolate are reproducible and honour their options") {
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
  dcgan_ok(folder, generate + words("--count 64 --out d"));
  const nn::ImageSet grid = nn::read_idx(folder / "d/images-idx3-ubyte");
  CHECK(std::equal(grid.pixels.begin(), grid.pixels.end(), a.pixels.begin()));
  const bool same_grid = contents(folder / "a/grid.png") == contents(folder / "d/grid.png");
  CHECK(same_grid);

  const Words interpolate = words("interpolate --checkpoint run/checkpoint.safetensors");
  dcgan_ok(folder, interpolate + words("--out strips.png --rows 3 --columns 7"));
  const nn::Image strips = read_png(folder / "strips.png", 1);
  CHECK(strips.width == 4 * (7 * (16 + 2) + 2));
  CHECK(strips.height == 4 * (3 * (16 + 2) + 2));
  dcgan_ok(folder, interpolate);
  CHECK(fs::exists(folder / "run/interpolation.png"));
}

TEST_CASE("inspect-data prints the expected text") {
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

TEST_CASE("--help explains the progress table and every option") {
  const TempFolder folder;
  const std::string overview = dcgan_ok(folder, {"--help"});
  const std::string help = dcgan_ok(folder, {"train", "--help"});
  for (const std::string& text : {overview, help}) {
    for (const char* word :
         {"epoch  ",       "step  ",      "images/s  ", "ETA  ",           "loss_D  ",
          "loss_G  ",      "D(x)  ",      "D(G(z))  ",  "--data ",         "--data-dir ",
          "--image-size ", "--channels ", "--epochs ",  "--steps ",        "--batch-size ",
          "--lr ",         "--beta1 ",    "--latent ",  "--features ",     "--seed ",
          "--out ",        "--resume ",   "--quick ",   "--sample-every ", "--keep-every ",
          "--threads ",    "--fork ",     "--at "}) {
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
  for (const char* command : {"generate", "interpolate"}) {
    CHECK(dcgan_ok(folder, {command, "--help"}).find("replaced") != std::string::npos);
  }
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
  CHECK(message_of([&] {
          tutorials::slerp(a, Tensor::ones({1, 1}), 0.5);
        }) == "slerp: the vectors differ in shape\n  a  [1, 2]\n  b  [1, 1]");
}

TEST_CASE("durations and counts are formatted for reading") {
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
