#include "tutorials/common/experiment_inputs.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

#include "nn/file.h"
#include "tutorials/common/checksum.h"

namespace forger::tutorials {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = 64 << 20;
/// Files of tutorials/common that print and store numbers and do not compute them.
constexpr const char* kPrinting[] = {"experiment", "experiment_inputs", "experiment_result",
                                     "options",    "progress",          "records",
                                     "checksum"};

/// Returns the length of the string or character literal at text[at], or 0 if there is none. An
/// apostrophe behind a letter or digit separates digits.
size_t literal_length(const std::string& text, size_t at) {
  const char quote = text[at];
  const bool after_word = at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0;
  if (quote != '"' && (quote != '\'' || after_word)) return 0;
  size_t end = at + 1;
  while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
  return std::min(end + 1, text.size()) - at;
}

/// Returns C++ source without comments and white space.
std::string bare_code(const std::string& text) {
  std::string code;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, 2, "//") == 0) {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.compare(at, 2, "/*") == 0) {
      at = std::min(text.find("*/", at), text.size() - 2) + 2;
    } else if (const size_t length = literal_length(text, at); length > 0) {
      code += text.substr(at, length);
      at += length;
    } else {
      if (std::isspace(static_cast<unsigned char>(text[at])) == 0) code += text[at];
      ++at;
    }
  }
  return code;
}

std::vector<std::string> quoted_includes(const std::string& text) {
  constexpr std::string_view kInclude = "#include \"";
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kInclude)) continue;
    line.erase(0, kInclude.size());
    names.push_back(line.substr(0, line.find('"')));
  }
  return names;
}

/// True for those, and for a chapter's list of experiments, which each of them includes.
bool computes_nothing(const fs::path& file) {
  if (file.filename() == "experiments.h") return true;
  return file.parent_path() == "tutorials/common" &&
         std::any_of(std::begin(kPrinting), std::end(kPrinting),
                     [&](const char* name) { return file.stem() == name; });
}

bool is_source(const fs::path& file) {
  return file.extension() == ".h" || file.extension() == ".cpp";
}

}  // namespace

Inputs experiment_inputs(const fs::path& source, const std::vector<std::string>& files) {
  const fs::path chapter = source.parent_path().parent_path();
  const fs::path root = chapter.parent_path().parent_path();
  std::set<fs::path> found;
  std::vector<fs::path> unread;
  const auto add = [&](const fs::path& file) {
    if (!computes_nothing(file) && found.insert(file).second) unread.push_back(file);
  };
  add(source.lexically_relative(root));
  for (const std::string& file : files) add(file);
  while (!unread.empty()) {
    const fs::path file = unread.back();
    unread.pop_back();
    if (!is_source(file)) continue;
    const std::string text = nn::read_file(root / file, kMostBytes);
    for (const std::string& name : quoted_includes(text)) {
      for (const fs::path& folder :
           {root / file.parent_path(), chapter, root / "tutorials", root}) {
        const fs::path header = (folder / name).lexically_normal().lexically_relative(root);
        if (!fs::is_regular_file(root / header)) continue;
        if (*header.begin() == "tutorials") add(header);
        break;
      }
    }
    if (file.extension() == ".h") {
      const fs::path implementation = fs::path(file).replace_extension(".cpp");
      if (fs::is_regular_file(root / implementation)) add(implementation);
    }
  }
  Inputs inputs;
  std::string all;
  for (const fs::path& file : found) {
    const std::string bytes = nn::read_file(root / file, kMostBytes);
    inputs.files.push_back(file.string());
    all += file.string() + "\n" + (is_source(file) ? bare_code(bytes) : bytes) + "\n";
  }
  inputs.checksum = checksum(all);
  return inputs;
}

}  // namespace forger::tutorials
