#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// The one layer through which the project writes files. Every result of the system is checked, and
/// every failure is an Error that names the file, the call and the system's reason.
namespace forger::nn {

/// Writes a file whole or not at all: a temporary `path`.tmp beside it, fsync, rename, fsync of the
/// folder. After an Error the file is what it was before and the temporary is gone. One exception:
/// when the last fsync fails, the new file is in place and whole, but may not survive a power
/// cut. The order of the calls is that of Pillai et al., "All file systems are not created
/// equal", OSDI 2014. `path` must not be a folder or a device; one process at a time may write it.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// All bytes of a regular file. Throws Error when it cannot be read or has more than max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// Makes a folder and those above it; one that is there is left alone.
void make_folder(const std::filesystem::path& path);

/// A regular file, open for reading from its beginning. A pipe or device is refused, not waited
/// for.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// The file's size when it was opened, in bytes.
  uint64_t size() const { return size_; }
  /// Reads up to `count` bytes and returns how many; fewer only at the end of the file.
  size_t read(void* out, size_t count);

 private:
  std::filesystem::path path_;
  int fd_;
  uint64_t size_ = 0;
};

/// A table in a text file (metrics.csv) that grows by whole rows. Each row is in the system's hands
/// when append() returns.
class CsvWriter {
 public:
  /// Begins a new file with the line `header`, or, with last_step >= 0, continues the one of an
  /// interrupted run: rows are kept as long as their first column is a step of at most last_step,
  /// the rest is cut off, since the resumed run writes it again. Throws Error when a file to be
  /// continued has another header.
  CsvWriter(const std::filesystem::path& path, const std::string& header, int64_t last_step = -1);
  ~CsvWriter();
  CsvWriter(const CsvWriter&) = delete;
  CsvWriter& operator=(const CsvWriter&) = delete;

  /// Appends one row, given without its line break. After an Error the file ends with the row
  /// before.
  void append(std::string_view row);

 private:
  std::filesystem::path path_;
  int fd_;
  int64_t size_;  // bytes, up to the last whole row
};

/// The system calls behind all of the above. Tests replace some, to see what happens when the
/// system says no at any point; see tests/failing_calls.h.
struct FileCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int fd, const void* bytes, size_t count);
  ssize_t (*read)(int fd, void* bytes, size_t count);
  int (*fsync)(int fd);
  int (*close)(int fd);
  int (*rename)(const char* from, const char* to);
};
FileCalls& file_calls();

}  // namespace forger::nn
