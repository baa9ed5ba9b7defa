#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/data/image_folder.h"
#include "tutorials/common/options.h"

/// Which images a chapter learns from.
namespace forger::tutorials {

/// The options of the command line. load_data() fills in those that are empty or 0, which were not
/// given.
struct DataOptions {
  std::string data;      // fashion-mnist, digits, or a folder of images
  std::string data_dir;  // of the IDX files
  int64_t image_size = 0, channels = 0;
};
std::vector<Option> data_options(DataOptions& options, Kept kept);

/// Makes the paths of the folders absolute. A run can then be continued from anywhere, and two ways
/// of writing one folder compare equal.
void resolve_folders(DataOptions& options);

struct Data {
  nn::ImageSet images;
  std::string name, reason;              // "fashion-mnist", and why these were taken
  std::vector<nn::SkippedFile> skipped;  // of a folder
};

/// Reads or draws the images that the options ask for. They are square, with 1 or 3 channels. Their
/// side is a multiple of 4 from 16 to 128, because the networks halve it. Throws UsageError when
/// the options contradict each other or the data, or when --data names no folder of images. Throws
/// Error when files are not what they should be. With `resume` the options are those of a run that
/// is continued, and the message about a missing folder says that the images may have moved.
Data load_data(DataOptions& options, uint64_t seed, bool resume = false);

/// True if the images that load_data() returned for these options have a test set: those of
/// fashion-mnist and the digits, but not those of a folder.
bool has_test_images(const DataOptions& options);

/// Returns that test set: the files t10k-* beside the training files, or the 10,000 digits that
/// follow the training digits in the sequence of `seed`. Throws Error for a folder of images, and
/// for files that are missing, damaged, or of another size than the training images.
nn::ImageSet load_test_images(const DataOptions& options, uint64_t seed);

/// "60,000 grey images of 28 x 28"
std::string describe_images(const nn::ImageSet& images);

/// The number of skipped files, and a line for each of the first reasons: damaged pictures come
/// first. Names the file `list` if that holds all_skipped() and not every file is shown. Empty if
/// no file was skipped.
std::string describe_skipped(const Data& data, const std::string& list = "", size_t reasons = 5);

/// Returns a line for each skipped file, in the same order: its path, escaped, and the reason.
std::string all_skipped(const Data& data);

/// The number of images and a checksum of all pixels, which identify a set wherever it is.
std::string fingerprint(const nn::ImageSet& images);

/// What is wrong if a run finds other images than those with which it began.
inline constexpr const char* kNotTheSameImages = "not the images with which the run began";
/// Throws Error unless `expected` is the fingerprint() of the images.
void check_same_images(const nn::ImageSet& images, const std::string& expected);

/// Describes a set in several lines: count, size, classes, mean and deviation of the pixels, and
/// every reason for which files were skipped.
std::string inspect(const Data& data);

}  // namespace forger::tutorials
