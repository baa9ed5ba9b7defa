#pragma once

#include <string>

#include "autograd/error.h"

namespace forger {

/// Returns the whole message of the Error that f throws, or "".
template <class F>
std::string text_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Returns the message of the Error that f throws, without the line "at file:line", or "".
template <class F>
std::string message_of(const F& f) {
  const std::string text = text_of(f);
  return text.substr(0, text.rfind("\n  at "));
}

}  // namespace forger
