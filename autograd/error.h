#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/source_loc.h"

namespace forger {

/// The one exception type. The first line of what() says which op, file or option and what is
/// wrong; the following lines show what was found and expected, and the user's line.
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
/// `details` are the middle lines. The module path is that of the layer being called, if any.
/// Inside of a composite op the error names that op and its line instead of `op` and `loc`.
[[noreturn]] void fail(std::string_view op, std::string_view what,
                       const std::vector<std::string>& details, SourceLoc loc);

/// The text of such an error, which names `op` and `loc` in any case.
std::string error_text(std::string_view op, std::string_view what,
                       const std::vector<std::string>& details, SourceLoc loc);

}  // namespace forger
