#include "nn/data/image_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "autograd/error.h"
#include "nn/data/folder.h"
#include "nn/data/image.h"
#include "nn/file.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = 64 << 20;
constexpr size_t kMaxSetBytes = size_t{4} << 30;
constexpr size_t kFilesAtOnce = 64;  // decoded before their pixels are put together
constexpr size_t kReasons = 5;       // for skipped files, in the Error for a folder without images

struct Listing {
  std::vector<fs::path> files;  // whatever is no folder, relative to the root
  std::vector<SkippedFile> skipped;
};

/// Identifies a folder, however it was reached. Its canonical path would do as well, but can be
/// longer than the system allows.
using FolderId = std::pair<dev_t, ino_t>;

/// True if `path` is a folder or a link to one; `id` is then set. False as well if the system
/// refuses to tell: reading it as a file then gives the reason.
bool is_folder(const fs::path& path, FolderId& id) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  id = {status.st_dev, status.st_ino};
  return true;
}

/// Returns why a file or folder is left out unread, or "".
std::string left_out(const fs::path& path, bool folder) {
  const std::string name = path.filename().string();
  if (name.starts_with("."))
    return folder ? "left out: a hidden folder" : "left out: a hidden file";
  if (!folder) return "";
  // Left behind by macOS, Windows, the file servers of Synology and QNAP, fsck and Python.
  for (const char* leftover : {"__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir",
                               "#recycle", "@Recycle", "lost+found", "__pycache__"}) {
    if (name == leftover) return "left out: a folder that other programs leave behind";
  }
  return is_run_folder(path) ? "left out: the folder of a run, which holds run.json" : "";
}

/// Lists everything in a folder and those below it, and follows links. A folder that is reached
/// again is skipped, so a circle of links ends.
Listing list_files(const fs::path& root) {
  Listing listing;
  FolderId id;
  std::set<FolderId> seen;
  if (is_folder(root, id)) seen.insert(id);
  std::vector<fs::path> open = {fs::path()};
  while (!open.empty()) {
    const fs::path folder = open.back();
    open.pop_back();
    std::error_code error;
    std::vector<std::pair<fs::path, FolderId>> folders;
    for (auto entry = fs::directory_iterator(root / folder, error);
         !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const fs::path path = folder / entry->path().filename();
      const bool is_a_folder = is_folder(root / path, id);
      if (std::string reason = left_out(root / path, is_a_folder); !reason.empty()) {
        listing.skipped.push_back({path, std::move(reason)});
      } else if (is_a_folder) {
        folders.emplace_back(path, id);
      } else {
        listing.files.push_back(path);
      }
    }
    if (error && folder.empty()) fail(root.string(), "cannot be read", {error.message()}, {});
    if (error) listing.skipped.push_back({folder, "cannot be read: " + error.message()});
    std::sort(folders.begin(), folders.end());
    for (const auto& [path, folder_id] : folders) {
      if (seen.insert(folder_id).second) {
        open.push_back(path);
      } else {
        listing.skipped.push_back({path, "a link to a folder that is read already"});
      }
    }
  }
  std::sort(listing.files.begin(), listing.files.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return listing;
}

/// Returns the message of an Error about `path` on one line, without the path. Throws what is no
/// Error, such as std::bad_alloc.
std::string reason_of(const std::exception_ptr& error, const fs::path& path) {
  std::string reason;
  try {
    std::rethrow_exception(error);
  } catch (const Error& found) {
    reason = found.what();
  }
  if (reason.starts_with(path.string() + ": ")) reason.erase(0, path.string().size() + 2);
  for (size_t at; (at = reason.find("\n  ")) != std::string::npos;) reason.replace(at, 3, "; ");
  return reason;
}

/// Reads an image file as [channels, size, size].
std::vector<uint8_t> read_pixels(const fs::path& path, int64_t size, int64_t channels,
                                 OtherSizes other_sizes) {
  image_format(read_beginning(path), path.string());  // so that no video is read whole
  const std::string bytes = read_file(path, kMaxFileBytes);
  if (is_grid_png(bytes)) fail(path.string(), "left out: a grid of images, made by forger", {}, {});
  Image image = decode_image(bytes, channels, path.string());
  if (other_sizes == OtherSizes::kSkipped && (image.width != size || image.height != size)) {
    const std::string side = std::to_string(size);
    fail(path.string(), kOtherSize,
         {"found " + std::to_string(image.width) + " x " + std::to_string(image.height) +
          ", expected " + side + " x " + side},
         {});
  }
  image = square_image(image, size);
  std::vector<uint8_t> pixels;
  for (int64_t c = 0; c < channels; ++c) {
    for (size_t i = static_cast<size_t>(c); i < image.pixels.size();
         i += static_cast<size_t>(channels)) {
      pixels.push_back(image.pixels[i]);
    }
  }
  return pixels;
}

std::string class_of(const fs::path& path) {
  return path.has_parent_path() ? path.begin()->string() : ".";
}

/// Sets labels and class names from the paths of the images.
void label(ImageSet& images, const std::vector<fs::path>& paths) {
  std::set<std::string> classes;
  for (const fs::path& path : paths) classes.insert(class_of(path));
  if (classes == std::set<std::string>{"."}) return;
  images.class_names.assign(classes.begin(), classes.end());
  for (const fs::path& path : paths) {
    images.labels.push_back(
        static_cast<int>(std::distance(classes.begin(), classes.find(class_of(path)))));
  }
}

}  // namespace

bool is_run_folder(const fs::path& folder) {
  std::error_code unseen;
  return fs::exists(fs::symlink_status(folder / "run.json", unseen));
}

ImageFolder read_image_folder(const fs::path& folder, int64_t size, int64_t channels,
                              OtherSizes other_sizes, SourceLoc loc) {
  if (size < 1 || size > 1024 || (channels != 1 && channels != 3)) {
    fail("read_image_folder", "size must be 1 to 1024, channels 1 or 3",
         {"size " + std::to_string(size) + ", channels " + std::to_string(channels)}, loc);
  }
  check_folder(folder);
  if (is_run_folder(folder)) {
    fail(folder.string(), "the folder of a run, not of images", {"it holds run.json"}, {});
  }
  Listing listing = list_files(folder);
  ImageFolder result;
  result.skipped = std::move(listing.skipped);
  ImageSet& images = result.images;
  images = {.count = 0,
            .channels = channels,
            .height = size,
            .width = size,
            .pixels = {},
            .labels = {},
            .class_names = {},
            .source = folder.string()};
  std::vector<fs::path> used;
  for (size_t begin = 0; begin < listing.files.size(); begin += kFilesAtOnce) {
    const size_t n = std::min(kFilesAtOnce, listing.files.size() - begin);
    std::vector<std::vector<uint8_t>> pixels(n);
    std::vector<std::exception_ptr> errors(n);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < n; ++i) {
      try {
        pixels[i] = read_pixels(folder / listing.files[begin + i], size, channels, other_sizes);
      } catch (...) {  // an exception that leaves the region would end the program
        errors[i] = std::current_exception();
      }
    }
    for (size_t i = 0; i < n; ++i) {
      const fs::path& path = listing.files[begin + i];
      if (errors[i]) {
        result.skipped.push_back({path, reason_of(errors[i], folder / path)});
        continue;
      }
      used.push_back(path);
      images.pixels.insert(images.pixels.end(), pixels[i].begin(), pixels[i].end());
    }
    if (images.pixels.size() > kMaxSetBytes) {
      fail(folder.string(), "the images take more than 4 GiB of memory",
           {"found more than " + std::to_string(used.size()) + " of " +
            std::to_string(images.image_bytes()) + " bytes each"},
           {});
    }
  }
  sort_skipped(result.skipped);
  const bool has_other_sizes =
      std::any_of(result.skipped.begin(), result.skipped.end(),
                  [](const SkippedFile& file) { return file.reason.starts_with(kOtherSize); });
  if (used.empty() && !has_other_sizes) {
    std::vector<std::string> details = describe_skipped(result.skipped, kReasons);
    const std::string count = std::to_string(result.skipped.size());
    details.insert(details.begin(), "found " + count + " other files or folders");
    fail(folder.string(), "no PNG or JPEG image in this folder", details, {});
  }
  images.count = static_cast<int64_t>(used.size());
  label(images, used);
  return result;
}

}  // namespace forger::nn
