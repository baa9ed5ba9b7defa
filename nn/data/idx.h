#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nn/data/dataset.h"

/// The IDX format of MNIST and its successors (LeCun, Cortes & Burges): two zero bytes, the type of
/// the elements (8: unsigned byte), the number of axes, each extent as 32 bits big-endian, then
/// the elements in row-major order. Plain or compressed with gzip, told apart by content.
namespace forger::nn {

/// Reads images [count, height, width] or [count, channels, height, width] and, unless the path is
/// empty, their labels [count]. Class names are the labels' numbers. Nothing in the files is
/// believed before it is checked: memory is taken for what the file's size can hold, at most
/// 1 GiB. Throws Error that says what the file looks like and what was expected.
ImageSet read_idx(const std::filesystem::path& images_path,
                  const std::filesystem::path& labels_path = {});

enum class IdxPart { kTrain, kTest };

struct IdxPaths {
  std::filesystem::path images, labels;
};

/// train-images-idx3-ubyte and train-labels-idx1-ubyte, or the pair that begins with t10k, each
/// plain or with .gz (plain first). Nothing when the folder lacks either of the two.
std::optional<IdxPaths> find_idx(const std::filesystem::path& folder,
                                 IdxPart part = IdxPart::kTrain);

/// read_idx() of the pair in a folder. Throws Error that lists the names it looked for.
ImageSet read_idx_folder(const std::filesystem::path& folder, IdxPart part = IdxPart::kTrain);

/// The ten classes of Fashion-MNIST in the order of its labels (Xiao et al. 2017, arXiv
/// 1708.07747).
std::vector<std::string> fashion_mnist_classes();

/// Writes images as [count, height, width], or with more than one channel as
/// [count, channels, height, width]; labels as [count]. Plain, through write_file().
void write_idx_images(const std::filesystem::path& path, const ImageSet& images);
/// Throws Error for a label outside 0 .. 255.
void write_idx_labels(const std::filesystem::path& path, const std::vector<int>& labels);

}  // namespace forger::nn
