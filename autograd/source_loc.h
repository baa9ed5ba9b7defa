#pragma once

#include <string>

namespace forger {

/// The user's line. As the last default argument of a function, SourceLoc::here() is evaluated
/// where the function is called. (std::source_location would do, but clang 14 does not have it.)
struct SourceLoc {
  const char* file = "";
  int line = 0;

  // Declared, so that SourceLoc is no aggregate and sum(x, {0}) cannot mean one.
  constexpr SourceLoc() = default;

  static constexpr SourceLoc here(const char* file = __builtin_FILE(),
                                  int line = __builtin_LINE()) {
    SourceLoc loc;
    loc.file = file;
    loc.line = line;
    return loc;
  }
  static constexpr SourceLoc at(const char* file, int line) { return here(file, line); }
  /// "tutorials/03_dcgan/main.cpp:88"; files of this project relative to its root.
  std::string str() const;
};

}  // namespace forger
