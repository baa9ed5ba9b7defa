#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/source_loc.h"

namespace forger {

/// The only exception type of this project. The first line of what() names the op, file or option
/// and the fault. The next lines show what was found and expected, and the user's line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws an Error in the house style:
///
///     matmul: inner extents differ
///       a  [64, 100]  (M, K)
///       b  [128, 256]  (K, N)
///       at tutorials/03_dcgan/main.cpp:88, in G.fc
///
/// `details` are the middle lines. The module path ("G.fc") is that of the layer that runs, if any.
/// Inside a composite op, the error names that op and its line instead of `op` and `loc`.
[[noreturn]] void fail(std::string_view op, std::string_view what,
                       const std::vector<std::string>& details, SourceLoc loc);

/// Returns the text of such an error. It names `op` and `loc` even inside a composite op.
std::string error_text(std::string_view op, std::string_view what,
                       const std::vector<std::string>& details, SourceLoc loc);

}  // namespace forger
