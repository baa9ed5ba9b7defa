#pragma once

#include <cerrno>
#include <cstddef>

#include "nn/file.h"

namespace forger {

/// While in scope, the system call number `fail_at` (from 0) of the file layer fails with `reason`;
/// with kForever every later one, too. A reason of kShortWrite makes a write store half of its
/// bytes and succeed, and the others succeed. calls() counts, so that a run without a failure
/// (fail_at = -1) tells how many points of failure there are.
class FailingCalls {
 public:
  enum Repeat { kOnce, kForever };
  static constexpr int kShortWrite = -1;

  FailingCalls(int fail_at, int reason, Repeat repeat = kOnce) {
    fail_at_ = fail_at;
    reason_ = reason;
    repeat_ = repeat;
    count_ = open_files_ = 0;
    real_ = nn::file_calls();
    nn::file_calls() = {
        [](const char* path, int flags, mode_t mode) {
          const int fd = fails() ? -1 : real_.open(path, flags, mode);
          if (fd >= 0) ++open_files_;
          return fd;
        },
        [](int fd, const void* bytes, size_t count) {
          const bool now = due();
          if (now && reason_ == kShortWrite) count = (count + 1) / 2;
          return refuse(now) ? ssize_t{-1} : real_.write(fd, bytes, count);
        },
        [](int fd, void* bytes, size_t count) {
          return fails() ? ssize_t{-1} : real_.read(fd, bytes, count);
        },
        [](int fd) { return fails() ? -1 : real_.fsync(fd); },
        // As on Linux, a close() that fails has closed all the same.
        [](int fd) {
          const int result = real_.close(fd);
          --open_files_;
          return fails() ? -1 : result;
        },
        [](const char* from, const char* to) { return fails() ? -1 : real_.rename(from, to); }};
  }
  ~FailingCalls() { nn::file_calls() = real_; }
  FailingCalls(const FailingCalls&) = delete;
  FailingCalls& operator=(const FailingCalls&) = delete;

  static int calls() { return count_; }
  /// Files opened and not yet closed since the start of the scope.
  static int open_files() { return open_files_; }

 private:
  static bool due() {
    const int now = count_++;
    return fail_at_ >= 0 && (now == fail_at_ || (repeat_ == kForever && now > fail_at_));
  }
  static bool refuse(bool now) {
    if (!now || reason_ == kShortWrite) return false;
    errno = reason_;
    return true;
  }
  static bool fails() { return refuse(due()); }

  inline static int fail_at_, reason_, count_, open_files_;
  inline static Repeat repeat_;
  inline static nn::FileCalls real_;
};

}  // namespace forger
