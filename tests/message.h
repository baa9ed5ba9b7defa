#pragma once

#include <cstddef>
#include <string>

#include "autograd/error.h"

namespace forger {

/// Returns the message of the Error that f throws, without the line "at file:line", or "".
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    std::string text = error.what();
    const size_t at = text.rfind("\n  at ");
    return text.substr(0, at);
  }
  return "";
}

}  // namespace forger
