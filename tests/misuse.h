#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "message.h"

namespace forger {

/// A call with wrong arguments, and its expected message.
struct Misuse {
  std::function<void()> f;
  std::string message;
};

inline void check_messages(const std::vector<Misuse>& catalogue) {
  for (const Misuse& misuse : catalogue) CHECK(message_of(misuse.f) == misuse.message);
}

}  // namespace forger
