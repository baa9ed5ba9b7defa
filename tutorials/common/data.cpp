#include "tutorials/common/data.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "autograd/error.h"
#include "nn/data/digits.h"
#include "nn/data/folder.h"
#include "nn/data/idx.h"
#include "nn/escape.h"
#include "tutorials/common/checksum.h"
#include "tutorials/common/progress.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFashionMnist = "fashion-mnist";
constexpr const char* kDigits = "digits";
// The folder of the package dataset-fashion-mnist of Debian and Ubuntu.
constexpr const char* kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";
constexpr int64_t kDigitCount = 60000, kTestDigitCount = 10000;  // as many as MNIST has
constexpr int64_t kIdxSize = 28, kFolderSize = 32, kFolderChannels = 3;
constexpr IntegerRange kSizes = {16, 128, 4};
constexpr const char* kExpectedData = "fashion-mnist, digits, or a folder with PNG and JPEG images";

std::string absolute(const std::string& folder) {
  const fs::path path = nn::absolute_path(folder);
  return (path.has_filename() ? path : path.parent_path()).string();  // without a slash at the end
}

std::string square(int64_t size) { return std::to_string(size) + " x " + std::to_string(size); }

/// Throws unless --image-size and --channels were not given or agree with the images.
void check_given(const DataOptions& options, const nn::ImageSet& images) {
  const auto check = [&](const char* name, int64_t given, int64_t has) {
    if (given == 0 || given == has) return;
    fail_option(name, "not that of the data", std::to_string(given),
                std::to_string(has) + ", as in " + images.source);
  };
  check("--image-size", options.image_size, images.height);
  check("--channels", options.channels, images.channels);
}

nn::ImageSet load_idx(const DataOptions& options, nn::IdxPart part) {
  const fs::path folder = options.data_dir;
  if (folder == kFashionMnistFolder && !nn::is_there(folder)) {
    fail(folder.string(), "Fashion-MNIST is not installed",
         {"the package dataset-fashion-mnist of Debian and Ubuntu puts it there",
          "--data-dir takes it from another folder, --data digits needs no files"},
         {});
  }
  nn::ImageSet images = nn::read_idx_folder(folder, part);
  if (images.height != images.width || images.height < kSizes.least ||
      images.height > kSizes.most || images.height % kSizes.step != 0 || images.channels == 2 ||
      images.channels > 3) {
    fail(images.source, "images that the networks of this chapter cannot take",
         {"found    " + std::to_string(images.height) + " x " + std::to_string(images.width) +
              " with " + std::to_string(images.channels) + " channels",
          "expected squares whose side is a multiple of 4 from 16 to 128, 1 or 3 channels"},
         {});
  }
  // The files hold numbers only; MNIST comes under the same names.
  const std::vector<std::string> clothes = nn::fashion_mnist_classes();
  if (folder.filename() == kFashionMnist && images.class_names.size() == clothes.size()) {
    images.class_names = clothes;
  }
  return images;
}

nn::ImageSet draw_digits(const DataOptions& options, uint64_t seed, int64_t first, int64_t count) {
  nn::ImageSet images = nn::make_digits(count, seed, options.image_size, first);
  images.source = "digits, drawn by this program";
  return images;
}

/// Throws UsageError if the images of a run that is continued have moved.
void check_not_moved(const std::string& option, const std::string& path) {
  if (nn::is_there(path)) return;
  fail_option(option, "the images with which the run began are no longer there", path,
              option + " with the folder to which they have moved");
}

/// Throws UsageError unless the path of --data is that of a folder which may hold images.
void check_image_folder(const std::string& path) {
  if (!nn::is_there(path)) {
    fail_option("--data", "neither a set of images nor a folder", path, kExpectedData);
  }
  std::error_code unseen;
  if (fs::is_regular_file(path, unseen)) {
    fail_option("--data", "not a folder", path + ", " + nn::describe_file(path), kExpectedData);
  }
  if (nn::is_run_folder(path)) {
    fail_option("--data", "the folder of a run, which holds run.json", path, kExpectedData);
  }
}

nn::ImageFolder load_folder(const DataOptions& options) {
  try {
    return nn::read_image_folder(options.data, options.image_size, options.channels);
  } catch (const Error&) {
    const auto found = nn::find_idx(options.data);
    std::error_code unseen;
    if (found && fs::is_regular_file(found->images, unseen)) {
      fail_option("--data", "a folder of IDX files", options.data, "--data-dir " + options.data);
    }
    throw;
  }
}

/// True if Fashion-MNIST is at its usual place. A folder without the files does not count. Damaged
/// files count, and reading them is an error.
bool fashion_mnist_installed() { return nn::find_idx(kFashionMnistFolder).has_value(); }

/// Fills in --data and returns the reason for the choice.
std::string choose(DataOptions& options) {
  if (!options.data.empty()) return "chosen by --data";
  options.data = kFashionMnist;
  if (!options.data_dir.empty()) return "chosen by --data-dir";
  if (fashion_mnist_installed()) return "taken since it is installed; --data chooses other images";
  options.data = kDigits;
  return std::string("taken since there is no Fashion-MNIST in ") + kFashionMnistFolder;
}

}  // namespace

std::vector<Option> data_options(DataOptions& options, Kept kept) {
  return {
      text_option("data", options.data, "NAME",
                  "fashion-mnist, digits (drawn by the program), or a folder with PNG and JPEG "
                  "images (default: fashion-mnist if installed, else digits)",
                  kept),
      text_option("data-dir", options.data_dir, "FOLDER",
                  std::string("of the IDX files of fashion-mnist, or of MNIST (default ") +
                      kFashionMnistFolder + ")",
                  kept),
      integer_option("image-size", options.image_size, kSizes,
                     "pixels a side, a multiple of 4 from 16 to 128: that of the data, for digits "
                     "default 28, for a folder default 32",
                     kept),
      integer_option("channels", options.channels, {1, 3, 2},
                     "1 grey, 3 colour: that of the data, for a folder default 3", kept),
  };
}

void resolve_folders(DataOptions& options) {
  const bool is_name =
      options.data.empty() || options.data == kFashionMnist || options.data == kDigits;
  if (!is_name && nn::is_there(absolute(options.data))) options.data = absolute(options.data);
  if (!options.data_dir.empty()) options.data_dir = absolute(options.data_dir);
}

Data load_data(DataOptions& options, uint64_t seed, bool resume) {
  Data data;
  resolve_folders(options);
  data.reason = choose(options);
  if (options.data != kFashionMnist && !options.data_dir.empty()) {
    fail_option("--data-dir", "goes with --data fashion-mnist only", "--data " + options.data,
                "one of the two");
  }
  if (options.data == kFashionMnist) {
    if (options.data_dir.empty()) options.data_dir = kFashionMnistFolder;
    if (resume) check_not_moved("--data-dir", options.data_dir);
    data.images = load_idx(options, nn::IdxPart::kTrain);
    check_given(options, data.images);
  } else if (options.data == kDigits) {
    if (options.image_size == 0) options.image_size = kIdxSize;
    data.images = draw_digits(options, seed, 0, kDigitCount);
    check_given(options, data.images);
  } else {
    if (resume) check_not_moved("--data", options.data);
    check_image_folder(options.data);
    if (options.image_size == 0) options.image_size = kFolderSize;
    if (options.channels == 0) options.channels = kFolderChannels;
    nn::ImageFolder folder = load_folder(options);
    data.images = std::move(folder.images);
    data.skipped = std::move(folder.skipped);
  }
  options.image_size = data.images.height;
  options.channels = data.images.channels;
  data.name = nn::escape(options.data);
  return data;
}

bool has_test_images(const DataOptions& options) {
  return options.data == kFashionMnist || options.data == kDigits;
}

nn::ImageSet load_test_images(const DataOptions& options, uint64_t seed) {
  if (options.data == kDigits) return draw_digits(options, seed, kDigitCount, kTestDigitCount);
  if (options.data != kFashionMnist) {
    fail(options.data, "a folder of images, which has no test set",
         {std::string("expected ") + kFashionMnist + " or " + kDigits}, {});
  }
  nn::ImageSet images = load_idx(options, nn::IdxPart::kTest);
  if (images.height != options.image_size || images.channels != options.channels) {
    fail(images.source, "the test images are of another size than the training images",
         {"found    " + describe_images(images),
          "expected " + square(options.image_size) + " with " + std::to_string(options.channels) +
              (options.channels == 1 ? " channel" : " channels")},
         {});
  }
  return images;
}

std::string describe_images(const nn::ImageSet& images) {
  return grouped(images.count) + (images.channels == 1 ? " grey" : " colour") + " images of " +
         square(images.height);
}

std::string describe_skipped(const Data& data, const std::string& list, size_t reasons) {
  if (data.skipped.empty()) return "";
  const size_t n = data.skipped.size();
  std::vector<std::string> lines = nn::describe_skipped(data.skipped, reasons);
  if (lines.size() < n && !list.empty()) lines.push_back("all of them: " + list);
  std::string text = "skipped  " + std::to_string(n) + (n == 1 ? " file\n" : " files\n");
  for (const std::string& line : lines) text += "         " + line + "\n";
  return text;
}

std::string all_skipped(const Data& data) {
  std::string text;
  for (const nn::SkippedFile& file : data.skipped) {
    text += nn::escape(file.path.string()) + ": " + file.reason + "\n";
  }
  return text;
}

std::string fingerprint(const nn::ImageSet& images) {
  const std::string_view bytes(reinterpret_cast<const char*>(images.pixels.data()),
                               images.pixels.size());
  return std::to_string(images.count) + " images, checksum " + checksum(bytes);
}

void check_same_images(const nn::ImageSet& images, const std::string& expected) {
  const std::string found = fingerprint(images);
  if (found == expected) return;
  fail(images.source, kNotTheSameImages, {"found    " + found, "expected " + expected}, {});
}

std::string inspect(const Data& data) {
  const nn::ImageSet& images = data.images;
  nn::check_images(images);
  std::string text = "data     " + data.name + ", " + data.reason + "\nsource   " + images.source +
                     "\nimages   " + describe_images(images) + "\n";
  uint64_t sum = 0, squares = 0;  // exact: 4 GiB of bytes do not overflow them
  for (const uint64_t byte : images.pixels) {
    sum += byte;
    squares += byte * byte;
  }
  const auto n = static_cast<double>(images.pixels.size());
  const double mean = static_cast<double>(sum) / n;
  const double variance = static_cast<double>(squares) / n - mean * mean;
  char line[100];
  std::snprintf(line, sizeof line, "pixels   mean %.2f, standard deviation %.2f, of 0 to 255\n",
                mean, std::sqrt(std::max(variance, 0.0)));
  text += line;

  std::vector<int64_t> counts(images.class_names.size());
  if (!counts.empty()) {
    for (const int label : images.labels) ++counts[static_cast<size_t>(label)];
  }
  text += "classes  " + (counts.empty() ? "none" : std::to_string(counts.size())) + "\n";
  for (size_t label = 0; label < counts.size(); ++label) {
    const std::string count = grouped(counts[label]);
    text += std::string(count.size() < 18 ? 18 - count.size() : 1, ' ') + count + "  " +
            nn::escape(images.class_names[label]) + "\n";
  }
  return text + describe_skipped(data, "", data.skipped.size());
}

}  // namespace forger::tutorials
