#pragma once

#include <unistd.h>

#include "autograd/error.h"

namespace forger {

/// While one exists, root gives up its right to read everything, so permissions apply. A test's
/// temporary folder belongs to root, so its permissions must allow what the test reads.
class Unprivileged {
 public:
  Unprivileged() {
    if (was_root_ && ::seteuid(kNobody) != 0) throw Error("Unprivileged: seteuid failed");
  }
  ~Unprivileged() {
    if (was_root_ && ::seteuid(0) != 0) ::_exit(3);  // later tests would fail for no reason
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool was_root_ = ::geteuid() == 0;
};

}  // namespace forger
