#pragma once

#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include "autograd/error.h"

namespace forger {

/// A new empty folder that is removed with its contents at the end of the scope.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "forger_test_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error("TempFolder: mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// `text` with every mention of the folder as DIR, so that messages can be compared word for word.
inline std::string without_folder(std::string text, const TempFolder& folder) {
  const std::string path = folder.path().string();
  for (size_t at; (at = text.find(path)) != std::string::npos;)
    text.replace(at, path.size(), "DIR");
  return text;
}

}  // namespace forger
