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

void check_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) return;
  if (status.type() == fs::file_type::not_found) {
    fail(path.string(), is_there(path) ? "a link that leads nowhere" : "no such folder", {}, {});
  }
  if (error) fail(path.string(), "cannot be read", {error.message()}, {});
  InputFile file(path);  // refuses what is no file either
  std::string first(512, '\0');
  first.resize(file.read(first.data(), first.size()));
  fail(path.string(), "not a folder", {"it is a file that looks like " + describe_content(first)},
       {});
}

fs::path absolute_path(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) fail(path.string(), "the working folder is not known", {error.message()}, {});
  return absolute.lexically_normal();
}

}  // namespace forger::nn
