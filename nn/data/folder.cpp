#include "nn/data/folder.h"

#include <cstddef>
#include <string>
#include <system_error>

#include "autograd/error.h"
#include "nn/content.h"
#include "nn/file.h"

namespace forger::nn {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code unseen;
  return fs::symlink_status(path, unseen).type() != fs::file_type::not_found;
}

std::string read_beginning(const fs::path& path) {
  InputFile file(path);
  std::string bytes(512, '\0');
  bytes.resize(file.read(bytes.data(), bytes.size()));
  return bytes;
}

std::string describe_file(const fs::path& path) {
  const std::string content = describe_content(read_beginning(path));
  const bool packed = content.ends_with(" archive") || path.stem().extension() == ".tar";
  return "a file that looks like " + content + (packed ? ": unpack it" : "");
}

void check_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return;
  if (status.type() == fs::file_type::not_found) {
    fail(path.string(), is_there(path) ? "a link that leads nowhere" : "no such folder", {}, {});
  }
  if (error) fail(path.string(), "cannot be read", {error.message()}, {});
  fail(path.string(), "not a folder", {"it is " + describe_file(path)}, {});
}

fs::path absolute_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) fail(path.string(), "the working folder is not known", {error.message()}, {});
  return absolute.lexically_normal();
}

}  // namespace forger::nn
