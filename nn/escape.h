#pragma once

#include <string>
#include <string_view>

/// File names are bytes; JSON and terminals take text. These functions convert one into the other.
namespace forger::nn {

/// Returns the bytes as one line of printable UTF-8. Control characters and bytes that are not
/// UTF-8 become \x0a or \xff, and a backslash becomes two. Everything else stays as it is.
std::string escape(std::string_view bytes);

/// Returns the bytes from which escape() made this text. A backslash that begins none of its
/// escapes stays as it is.
std::string unescape(std::string_view text);

}  // namespace forger::nn
