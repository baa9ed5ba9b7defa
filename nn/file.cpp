#include "nn/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>
#include <system_error>
#include <vector>

#include "nn/content.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxCsvBytes = uint64_t{1} << 30;

int open_file(const char* path, int flags, mode_t mode) { return ::open(path, flags, mode); }

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Throws the Error for a system call that has just failed on `path`.
[[noreturn]] void fail_call(const fs::path& path, const char* what, const std::string& call,
                            int reason, uint64_t needed = 0) {
  std::vector<std::string> details = {call + ": " + std::strerror(reason)};
  if (reason == ENOSPC) {
    std::error_code unknown;
    const fs::space_info space = fs::space(folder_of(path), unknown);
    details.push_back("needed " + std::to_string(needed) + " bytes, free " +
                      (unknown ? "unknown" : std::to_string(space.available) + " bytes"));
  }
  fail(path.string(), what, details, {});
}

/// Repeats a call that a signal interrupted.
template <class Call>
auto without_signals(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Writes all of `bytes`, or returns false with errno set. After a short write it goes on, because
/// the next call returns the reason.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        without_signals([&] { return file_calls().write(fd, bytes.data(), bytes.size()); });
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Linux closes the file even if a signal interrupts close(), so close() is never called twice.
bool close_file(int fd) { return file_calls().close(fd) == 0 || errno == EINTR; }

bool sync_file(int fd) {
  return without_signals([&] { return file_calls().fsync(fd); }) == 0;
}

/// Makes a rename in this folder survive a power cut. Some network file systems cannot sync a
/// folder and return EINVAL, which is ignored.
void sync_folder(const fs::path& folder, const fs::path& path) {
  const auto check = [&](bool ok, const char* call) {
    if (ok) return;
    fail_call(path, "written, but may not survive a power cut", call + (" " + folder.string()),
              errno);
  };
  const int fd = without_signals(
      [&] { return file_calls().open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0); });
  check(fd >= 0, "open");
  const bool synced = sync_file(fd) || errno == EINVAL;
  const int reason = errno;
  const bool closed = close_file(fd);
  if (!synced) errno = reason;
  check(synced, "fsync");
  check(closed, "close");
}

/// Throws the Error for a path that is not a regular file; `mode` is that of stat().
[[noreturn]] void fail_kind(const fs::path& path, mode_t mode) {
  const char* kind = S_ISDIR(mode)                    ? "a folder"
                     : S_ISFIFO(mode)                 ? "a named pipe"
                     : S_ISSOCK(mode)                 ? "a socket"
                     : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                                      : "of an unknown kind";
  fail(path.string(), "not a regular file", {std::string("it is ") + kind}, {});
}

/// Returns the length of the header and of the rows after it whose steps are at most last_step. A
/// row that a crash left incomplete has no line break or no step, and ends the count.
size_t bytes_to_keep(std::string_view text, size_t header_end, int64_t last_step) {
  size_t kept = header_end;
  for (;;) {
    const size_t end = text.find('\n', kept);
    if (end == std::string_view::npos) return kept;
    int64_t step = 0;
    const auto parsed = std::from_chars(text.data() + kept, text.data() + end, step);
    if (parsed.ec != std::errc() || step > last_step) return kept;
    kept = end + 1;
  }
}

/// The first line of a text for a message, or the format of what is no text.
std::string first_line(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, std::min(bytes.find('\n'), size_t{200}));
  const std::string content = describe_content(bytes.substr(0, 512));
  return content == "text" ? std::string(line) : content;
}

}  // namespace

FileCalls& file_calls() {
  static FileCalls calls = {open_file, ::write, ::read, ::fsync, ::close, std::rename};
  return calls;
}

void write_file(const fs::path& path, std::string_view bytes) {
  struct stat before;
  if (::stat(path.c_str(), &before) == 0 && !S_ISREG(before.st_mode)) {
    fail_kind(path, before.st_mode);
  }

  // The name is fixed, so that the next write replaces what a killed process left behind.
  const fs::path temporary = path.string() + ".tmp";
  ::unlink(temporary.c_str());
  int fd = without_signals([&] {
    return file_calls().open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  });
  const auto check = [&](bool ok, const char* call) {
    if (ok) return;
    const int reason = errno;
    if (fd >= 0) file_calls().close(fd);
    ::unlink(temporary.c_str());
    fail_call(path, "cannot be written", call + (" " + temporary.string()), reason, bytes.size());
  };
  check(fd >= 0, "open");
  check(write_all(fd, bytes), "write");
  check(sync_file(fd), "fsync");
  const bool closed = close_file(fd);
  fd = -1;
  check(closed, "close");
  const int renamed =
      without_signals([&] { return file_calls().rename(temporary.c_str(), path.c_str()); });
  check(renamed == 0, "rename");
  sync_folder(folder_of(path), path);
}

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  InputFile file(path);
  if (file.size() > max_bytes) {
    fail(path.string(), "too large",
         {"found " + std::to_string(file.size()) + " bytes, at most " + std::to_string(max_bytes) +
          " expected"},
         {});
  }
  std::string bytes;
  try {
    bytes.resize(file.size());
  } catch (const std::bad_alloc&) {
    fail(path.string(), "too large for the memory",
         {"found " + std::to_string(file.size()) + " bytes"}, {});
  }
  if (const size_t got = file.read(bytes.data(), bytes.size()); got < bytes.size()) {
    fail(path.string(), "became shorter while it was read",
         {"found " + std::to_string(got) + " bytes, " + std::to_string(bytes.size()) + " expected"},
         {});
  }
  return bytes;
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  std::error_code unknown;
  if (!error && !fs::is_directory(path, unknown)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) fail_call(path, "the folder cannot be made", "mkdir", error.value());
}

InputFile::InputFile(const fs::path& path)
    : path_(path),
      // Without O_NONBLOCK, open() would wait for a pipe's writer.
      fd_(without_signals(
          [&] { return file_calls().open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0); })) {
  if (fd_ < 0) fail_call(path, "cannot be read", "open", errno);
  struct stat status;
  const bool known = ::fstat(fd_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    return;
  }
  const int reason = errno;
  file_calls().close(fd_);
  if (!known) fail_call(path, "cannot be read", "fstat", reason);
  fail_kind(path, status.st_mode);
}

InputFile::~InputFile() { file_calls().close(fd_); }

size_t InputFile::read(void* out, size_t count) {
  size_t done = 0;
  while (done < count) {
    const ssize_t got = without_signals(
        [&] { return file_calls().read(fd_, static_cast<char*>(out) + done, count - done); });
    if (got < 0) fail_call(path_, "cannot be read", "read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

CsvWriter::CsvWriter(const fs::path& path, const std::string& header, int64_t last_step)
    : path_(path), fd_(-1) {
  std::string text = header + "\n";
  // A file that is there but cannot be looked at is not begun anew: reading it names the reason.
  struct stat unused;
  if (last_step >= 0 && (::stat(path.c_str(), &unused) == 0 || errno != ENOENT)) {
    const std::string old = read_file(path, kMaxCsvBytes);
    if (!old.starts_with(text)) {
      fail(path.string(), "cannot be continued: its first line differs",
           {"found    " + first_line(old), "expected " + header}, {});
    }
    text = old.substr(0, bytes_to_keep(old, text.size(), last_step));
  }
  write_file(path, text);
  size_ = static_cast<int64_t>(text.size());
  fd_ = without_signals(
      [&] { return file_calls().open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC, 0); });
  if (fd_ < 0) fail_call(path, "cannot be written", "open", errno);
}

CsvWriter::~CsvWriter() { file_calls().close(fd_); }

void CsvWriter::append(std::string_view row) {
  const std::string line = std::string(row) + "\n";
  if (!write_all(fd_, line)) {
    const int reason = errno;
    // If a part of the row cannot be cut off here, the next CsvWriter() does it.
    if (::ftruncate(fd_, size_) != 0) errno = reason;
    fail_call(path_, "cannot be written", "write", reason, line.size());
  }
  size_ += static_cast<int64_t>(line.size());
}

}  // namespace forger::nn
