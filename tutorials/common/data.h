#pragma once

#include <string>
#include <vector>

#include "nn/data/image_folder.h"
#include "tutorials/common/options.h"

/// Which images a chapter learns from.
namespace forger::tutorials {

/// As on the command line; what is empty or 0 was not said, and load_data() fills it in.
struct DataOptions {
  std::string data;      // fashion-mnist, digits, or a folder of images
  std::string data_dir;  // of the IDX files
  int64_t image_size = 0, channels = 0;
};
std::vector<Option> data_options(DataOptions& options, Kept kept);

/// Makes the folders that were given absolute, so that a run can be continued from anywhere and
/// two ways of writing one folder compare equal.
void resolve_folders(DataOptions& options);

struct Data {
  nn::ImageSet images;
  std::string name, reason;              // "fashion-mnist", and why these were taken
  std::vector<nn::SkippedFile> skipped;  // of a folder
};

/// Reads or draws the images that the options ask for: square ones of a size that networks which
/// halve it can take, a multiple of 4 from 16 to 128, with 1 or 3 channels. Throws UsageError when
/// the options contradict each other or the data, Error when files are not what they should be.
Data load_data(DataOptions& options, uint64_t seed);

/// "60,000 grey images of 28 x 28"
std::string describe_images(const nn::ImageSet& images);

/// How many files of the folder were no images, and the first of them; empty if none.
std::string describe_skipped(const Data& data);

/// A checksum of all pixels, to know a set again.
std::string fingerprint(const nn::ImageSet& images);

/// Count, size, classes, mean and deviation of the pixels, skipped files: a text of several lines.
std::string inspect(const Data& data);

}  // namespace forger::tutorials
