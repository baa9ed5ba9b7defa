#pragma once

#include <string>

namespace forger {

/// A line of the user's program. As the last default argument of a function, SourceLoc::here() is
/// evaluated where the function is called. (clang 14 does not have std::source_location.)
struct SourceLoc {
  const char* file = "";
  int line = 0;

  // Declared so that SourceLoc is not an aggregate: the {0} of sum(x, {0}) must not become one.
  constexpr SourceLoc() = default;

  static constexpr SourceLoc here(const char* file = __builtin_FILE(),
                                  int line = __builtin_LINE()) {
    SourceLoc loc;
    loc.file = file;
    loc.line = line;
    return loc;
  }
  static constexpr SourceLoc at(const char* file, int line) { return here(file, line); }
  /// Returns "tutorials/03_dcgan/main.cpp:88". Files of this project are relative to its root.
  std::string str() const;
};

}  // namespace forger
