// ./forger score IMAGES [LABELS]: measures images of any origin in chapter 1's features.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "nn/escape.h"
#include "nn/file.h"
#include "tutorials/common/data.h"
#include "tutorials/common/options.h"
#include "tutorials/common/progress.h"
#include "tutorials/common/provenance.h"
#include "tutorials/common/report.h"
#include "tutorials/common/run_options.h"
#include "tutorials/score/images.h"
#include "tutorials/score/yardstick.h"

namespace forger::tutorials {
namespace {

constexpr size_t kReasons = 5;  // for skipped files

constexpr const char* kNotes =
    "Each metric is measured for IMAGES against as many test images. Beside it stands its value\n"
    "for real images: one half of the test images against the other. Judge by that: what a metric\n"
    "gives for real images depends on their number, n.\n"
    "\n"
    "  Frechet distance      of Gaussians in chapter 1's features; it is no FID, whose features\n"
    "                        are another network's. 0 is best; it grows as n falls\n"
    "  MMD^2                 unbiased, with the kernel (x . y / d + 1)^3: 0 within 2 sigma for\n"
    "                        real images\n"
    "  1-NN accuracy         of telling IMAGES from real ones by the nearest neighbour: 0.5 if\n"
    "                        they cannot be told apart, 1 if always, below 0.5 for copies\n"
    "  precision, recall     share of IMAGES among the real ones, and the other way round\n"
    "  density, coverage     the same with balls of real images alone: 1 and 0.969 for real "
    "images\n"
    "  class histogram       share of IMAGES that would have to change their class\n"
    "  training / test       mean distance to the nearest training image, over that to the\n"
    "                        nearest test image: 0 for copies of training images, - for copies\n"
    "                        of test images\n";

std::string share(int64_t part, int64_t all) {
  if (all == 0) return "-";
  char text[16];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(part) / static_cast<double>(all));
  return text;
}

int64_t total(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

void print_classes(const Measured& measured, const std::vector<std::string>& names) {
  const bool labelled = !measured.labelled.empty();
  std::printf("\n%-28s %12s %12s%s\n", "taken for", "images", "real",
              labelled ? "    labelled   recognised" : "");
  for (size_t i = 0; i < names.size(); ++i) {
    std::printf("%-28s %12s %12s", names[i].c_str(),
                share(measured.classes[i], total(measured.classes)).c_str(),
                share(measured.real_classes[i], total(measured.real_classes)).c_str());
    if (labelled) {
      std::printf(" %11lld %12s", static_cast<long long>(measured.labelled[i]),
                  share(measured.recognised[i], measured.labelled[i]).c_str());
    }
    std::printf("\n");
  }
  if (!labelled) return;
  std::printf("%-28s %12s %12s %11lld %12s\n", "all", "", "",
              static_cast<long long>(total(measured.labelled)),
              share(total(measured.recognised), total(measured.labelled)).c_str());
}

/// Returns the values of the instruments; null for those that have none.
nlohmann::json values_of(const metrics::Scores& scores) {
  nlohmann::json values = {{"n", scores.n}, {"n_reference", scores.real}};
  for (const metrics::Instrument& instrument : metrics::instruments()) {
    const double value = scores.*instrument.value;
    values[instrument.key] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
  }
  return values;
}

void write_json(const std::string& path, const nn::ImageSet& images, const Measured& measured,
                const Yardstick& yardstick, int64_t seed) {
  const Provenance made = provenance();
  const nlohmann::json result = {{"images", nn::escape(images.source)},
                                 {"images_checksum", fingerprint(images)},
                                 {"images_given", measured.given},
                                 {"reference", yardstick.data()},
                                 {"seed", seed},
                                 {"features", "the last hidden layer of chapter 1's classifier"},
                                 {"scores", values_of(measured.scores)},
                                 {"real_scores", values_of(measured.real)},
                                 {"class_names", yardstick.class_names()},
                                 {"classes", measured.classes},
                                 {"real_classes", measured.real_classes},
                                 {"labelled", measured.labelled},
                                 {"recognised", measured.recognised},
                                 {"commit", made.commit},
                                 {"compiler", made.compiler},
                                 {"kernels", made.kernels},
                                 {"threads", made.threads}};
  nn::write_file(path, result.dump(2) + "\n");
}

int run(int argc, char** argv) {
  std::string images_path, labels_path, json_path;
  DataOptions data;
  int64_t seed = 0;
  Option images_option = text_option("IMAGES", images_path, "PATH",
                                     "an IDX file, a folder with images-idx3-ubyte, or a folder "
                                     "of PNG and JPEG pictures; all of 28 x 28 pixels");
  Option labels_option =
      text_option("LABELS", labels_path, "PATH",
                  "an IDX file with one label per image (default: labels-idx1-ubyte in the folder "
                  "IMAGES, or the names of its subfolders)");
  images_option.positional = labels_option.positional = true;
  std::vector<Command> commands = {
      {"score",
       "measures images against real ones",
       kNotes,
       {images_option, labels_option,
        text_option("data", data.data, "NAME",
                    "the real images: fashion-mnist or digits (default: fashion-mnist if "
                    "installed, else digits)"),
        text_option("data-dir", data.data_dir, "FOLDER",
                    "of the IDX files of fashion-mnist, or of MNIST"),
        integer_option("seed", seed, kSeeds, "chooses the images that are compared (default {})"),
        text_option("json", json_path, "FILE", "writes the numbers to a file, too")}}};
  if (parse_command_line(argc, argv, "Measures images against real ones.", commands) < 0) return 0;
  if (images_path.empty()) {
    fail_option("IMAGES", "missing", "nothing", "an IDX file of images, or a folder of images");
  }

  Yardstick yardstick = Yardstick::of(data, static_cast<uint64_t>(seed));
  const ScoredImages scored = load_images(images_path, labels_path, yardstick.class_names());
  const Measured measured = yardstick.measure(scored.images);
  const std::string chosen =
      measured.scores.n < measured.given
          ? ", of which " + grouped(measured.scores.n) + " are chosen at random"
          : "";
  std::printf("images     %s in %s%s\n", grouped(measured.given).c_str(),
              nn::escape(scored.images.source).c_str(), chosen.c_str());
  std::printf("real       %s: %s test images, %s training images\n", yardstick.data().c_str(),
              grouped(yardstick.test().count).c_str(), grouped(yardstick.training().count).c_str());
  std::printf("features   the last hidden layer of chapter 1's classifier\n");
  for (const std::string& line : nn::describe_skipped(scored.skipped, kReasons)) {
    std::printf("skipped    %s\n", line.c_str());
  }
  std::printf("\n%s", metrics::score_table(measured.scores, measured.real).c_str());
  print_classes(measured, yardstick.class_names());
  if (!json_path.empty()) {
    write_json(json_path, scored.images, measured, yardstick, seed);
    std::printf("\njson       %s\n", nn::escape(json_path).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace forger::tutorials

int main(int argc, char** argv) {
  return forger::tutorials::report_errors(argc, argv, forger::tutorials::run);
}
