#pragma once

#include <string>
#include <string_view>

namespace forger::tutorials {

/// Returns the 64-bit FNV-1a hash (Fowler, Noll & Vo) of the bytes, in 16 hexadecimal digits.
std::string checksum(std::string_view bytes);

}  // namespace forger::tutorials
