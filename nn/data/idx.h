#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nn/data/dataset.h"

/// The IDX format of MNIST and its successors (LeCun, Cortes & Burges). A file begins with two zero
/// bytes, the type of the elements (8: unsigned byte), the number of axes, and each extent as a
/// 32-bit big-endian integer. The elements follow in row-major order. A file may be compressed with
/// gzip, which its first bytes tell.
namespace forger::nn {

/// Reads images [count, height, width] or [count, channels, height, width] and, unless the path is
/// empty, their labels [count]. The class names are the labels' numbers. The header is checked
/// against the size of the file before memory is allocated, and 1 GiB is the most. Throws Error
/// that says what the file looks like and what was expected.
ImageSet read_idx(const std::filesystem::path& images_path,
                  const std::filesystem::path& labels_path = {});

enum class IdxPart { kTrain, kTest };

struct IdxPaths {
  std::filesystem::path images, labels;
};

/// Returns the paths of train-images-idx3-ubyte and train-labels-idx1-ubyte, or of the pair that
/// begins with t10k. Some programs write train-images.idx3-ubyte, which is found as well. Each may
/// end with .gz; the plain file comes first. Returns nothing if either file is missing. A file that
/// cannot be read is not missing: reading it gives the reason.
std::optional<IdxPaths> find_idx(const std::filesystem::path& folder,
                                 IdxPart part = IdxPart::kTrain);

/// Reads the pair of files in a folder. Throws Error that lists the names it looked for and similar
/// names that are there. It also tells if the files are in the folder above or in one below.
ImageSet read_idx_folder(const std::filesystem::path& folder, IdxPart part = IdxPart::kTrain);

/// Returns the ten classes of Fashion-MNIST in the order of its labels (Xiao et al. 2017, arXiv
/// 1708.07747).
std::vector<std::string> fashion_mnist_classes();

/// Writes images as [count, height, width], or as [count, channels, height, width] if there are
/// several channels. The file is not compressed; it is written through write_file().
/// Throws Error for a set that check_images() refuses or that has more than 1 GiB of pixels.
void write_idx_images(const std::filesystem::path& path, const ImageSet& images,
                      SourceLoc loc = SourceLoc::here());
/// Writes labels as [count]. Throws Error for a label outside 0 to 255, or if there is none.
void write_idx_labels(const std::filesystem::path& path, const std::vector<int>& labels);

}  // namespace forger::nn
