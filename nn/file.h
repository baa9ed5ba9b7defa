#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "autograd/error.h"

/// All files are written through this layer. It checks the result of every system call. Every
/// failure is an Error that names the file, the call and the system's reason.
namespace forger::nn {

/// Writes a file whole or not at all: it writes `path`.tmp beside it, calls fsync, renames it and
/// calls fsync on the folder (Pillai et al., "All file systems are not created equal", OSDI 2014).
/// After an Error the file is what it was before, and the temporary file is gone. There is one
/// exception: if the last fsync fails, the new file is in place and whole, but may not survive a
/// power cut. Throws Error when `path` is a folder, a pipe or a device. A link is replaced. Only
/// one process at a time may write a path.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Returns all bytes of a regular file. Throws Error when it cannot be read or has more than
/// max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes);

/// Makes a folder and those above it. A folder that exists stays as it is.
void make_folder(const std::filesystem::path& path);

/// A regular file, open for reading from its beginning. The constructor throws Error for a pipe or
/// a device and does not wait for it.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// The file's size when it was opened, in bytes.
  uint64_t size() const { return size_; }
  /// Reads up to `count` bytes and returns how many. They are fewer only at the end of the file.
  size_t read(void* out, size_t count);

 private:
  std::filesystem::path path_;
  int fd_;
  uint64_t size_ = 0;
};

/// A table in a text file (metrics.csv) that grows by whole rows. append() returns after the system
/// has taken the row, so the row survives a crash of the program, but not a power cut.
class CsvWriter {
 public:
  /// Begins a new file with the line `header`. With last_step >= 0 it continues the file of an
  /// interrupted run instead, if there is one. It keeps the rows up to the first whose first column
  /// is no step or is above last_step; the resumed run writes the rest again. Throws Error when the
  /// file has another header.
  CsvWriter(const std::filesystem::path& path, const std::string& header, int64_t last_step = -1);
  ~CsvWriter();
  CsvWriter(const CsvWriter&) = delete;
  CsvWriter& operator=(const CsvWriter&) = delete;

  /// Appends one row, given without its line break. After an Error the file ends with the previous
  /// row.
  void append(std::string_view row);

 private:
  std::filesystem::path path_;
  int fd_;
  int64_t size_;  // in bytes, up to the last whole row
};

/// The system calls of this layer. Tests replace some of them to make any call fail; see
/// tests/failing_calls.h.
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
