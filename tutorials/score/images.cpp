#include "tutorials/score/images.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/data/idx.h"
#include "nn/data/image_folder.h"
#include "nn/escape.h"
#include "tutorials/common/features.h"
#include "tutorials/common/options.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImagesName = "images-idx3-ubyte";
constexpr const char* kLabelsName = "labels-idx1-ubyte";

void check_there(const char* name, const std::string& path, const char* expected) {
  if (!nn::is_there(path)) fail_option(name, "no such file or folder", path, expected);
}

/// Returns the class that a folder's name means, or -1.
int class_of(const std::string& name, const std::vector<std::string>& class_names) {
  for (size_t i = 0; i < class_names.size(); ++i) {
    if (name == class_names[i] || name == std::to_string(i)) return static_cast<int>(i);
  }
  return -1;
}

/// Turns the labels of a folder, which number its subfolders, into classes of the data. Drops them
/// if a subfolder's name is no class.
void rename_classes(nn::ImageSet& images, const std::vector<std::string>& class_names) {
  std::vector<int> classes;
  for (const std::string& name : images.class_names) {
    classes.push_back(class_of(name, class_names));
  }
  images.class_names.clear();
  if (std::count(classes.begin(), classes.end(), -1) > 0) images.labels.clear();
  for (int& label : images.labels) label = classes[static_cast<size_t>(label)];
}

/// Throws Error if pictures were skipped for their size: counts those of each size and names one.
void check_sizes(const fs::path& folder, const nn::ImageFolder& read) {
  constexpr std::string_view kFound = "; found ";
  std::map<std::string, int64_t> sizes;  // "64 x 28"
  fs::path first;
  for (const nn::SkippedFile& file : read.skipped) {
    if (!file.reason.starts_with(nn::kOtherSize)) continue;
    const size_t begin = file.reason.find(kFound) + kFound.size();
    ++sizes[file.reason.substr(begin, file.reason.find(',') - begin)];
    if (first.empty()) first = file.path;
  }
  if (sizes.empty()) return;
  std::string found;
  for (const auto& [size, count] : sizes) {
    found += (found.empty() ? "" : ", ") + std::to_string(count) + " of " + size;
  }
  const std::string others =
      read.images.count == 0 ? ""
                             : ", as " + std::to_string(read.images.count) + " of the pictures are";
  fail(folder.string(), "pictures of a size that chapter 1's classifier does not take",
       {"found    " + found + ", such as " + first.string(), "expected 28 x 28" + others}, {});
}

ScoredImages load_pictures(const fs::path& folder, const std::vector<std::string>& class_names) {
  if (nn::is_run_folder(folder)) {
    fail_option(
        "IMAGES", "the folder of a run, not of images", folder.string(),
        "what the chapter's command generate writes, as " + (folder / "generated").string());
  }
  nn::ImageFolder read = nn::read_image_folder(folder, Features::kImageSize, Features::kChannels,
                                               nn::OtherSizes::kSkipped);
  check_sizes(folder, read);
  rename_classes(read.images, class_names);
  return {std::move(read.images), std::move(read.skipped)};
}

}  // namespace

ScoredImages load_images(const std::string& path, const std::string& labels,
                         const std::vector<std::string>& class_names) {
  check_there("IMAGES", path, "an IDX file of images, or a folder of images");
  if (!labels.empty()) check_there("LABELS", labels, "an IDX file of labels");
  std::error_code unseen;
  const bool is_folder = fs::is_directory(path, unseen);
  const bool has_idx = is_folder && nn::is_there(fs::path(path) / kImagesName);
  ScoredImages result;
  if (is_folder && !has_idx) {
    if (!labels.empty()) {
      fail_option("LABELS", "not for a folder of pictures", labels,
                  "subfolders that are named as the classes");
    }
    result = load_pictures(path, class_names);
  } else {
    const fs::path images = has_idx ? fs::path(path) / kImagesName : fs::path(path);
    const fs::path beside = fs::path(path) / kLabelsName;
    result.images = nn::read_idx(
        images, labels.empty() && has_idx && nn::is_there(beside) ? beside : fs::path(labels));
  }
  const nn::ImageSet& images = result.images;
  if (images.height != Features::kImageSize || images.width != Features::kImageSize ||
      images.channels != Features::kChannels) {
    fail(images.source, "images of a size that chapter 1's classifier does not take",
         {"found    " + std::to_string(images.height) + " x " + std::to_string(images.width) +
              " with " + std::to_string(images.channels) +
              (images.channels == 1 ? " channel" : " channels"),
          "expected 28 x 28 with 1 channel"},
         {});
  }
  return result;
}

}  // namespace forger::tutorials
