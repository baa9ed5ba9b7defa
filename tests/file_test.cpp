// Tests the file layer: a file is complete or absent if any system call fails. Messages are
// compared word for word.
#include "nn/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <iterator>
#include <string>

#include "failing_calls.h"
#include "message.h"
#include "temp_folder.h"

namespace forger::nn {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) { return read_file(path, 1 << 20); }

size_t files_in(const TempFolder& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()));
}

/// While in scope, no file can grow beyond a size: the system itself fails in the middle of a
/// write.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;

 private:
  rlimit before_;
  void (*handler_)(int);
};

constexpr int kCallsOfWrite =
    8;  // open, write, fsync, close, rename; open, fsync, close the folder
constexpr int kRename = 4, kWrite = 1, kFolderSync = 6;

}  // namespace

TEST_CASE("a file is written, replaced and read back") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  const std::string bytes("zero\0 and \xff", 11);
  write_file(path, bytes);
  CHECK(contents(path) == bytes);
  write_file(path, "");
  CHECK(contents(path) == "");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a name without a folder refers to the current folder") {
  const TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file("a", "new");
  fs::current_path(before);
  CHECK(contents(folder / "a") == "new");
}

TEST_CASE("if any system call fails, the file is old or new and no temporary file remains") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  {
    const FailingCalls calls(-1, 0);
    write_file(path, "new");
    CHECK(calls.calls() == kCallsOfWrite);
  }
  for (const int reason : {EIO, ENOSPC, EACCES}) {
    for (const auto repeat : {FailingCalls::kOnce, FailingCalls::kForever}) {
      for (int fail_at = 0; fail_at < kCallsOfWrite; ++fail_at) {
        CAPTURE(reason);
        CAPTURE(repeat);
        CAPTURE(fail_at);
        write_file(path, "old");
        std::string message;
        {
          const FailingCalls calls(fail_at, reason, repeat);
          message = message_of([&] { write_file(path, "new"); });
          CHECK(calls.open_files() == 0);
        }
        CHECK(message.find(std::strerror(reason)) != std::string::npos);
        CHECK(contents(path) == (fail_at <= kRename ? "old" : "new"));
        CHECK(files_in(folder) == 1);
      }
    }
  }
}

TEST_CASE("a failed write does not create a file") {
  const TempFolder folder;
  for (int fail_at = 0; fail_at <= kRename; ++fail_at) {
    const FailingCalls calls(fail_at, EIO);
    CHECK(message_of([&] { write_file(folder / "a", "new"); }) != "");
    CHECK(files_in(folder) == 0);
  }
}

TEST_CASE("writing succeeds despite EINTR, short writes and a folder that cannot be synced") {
  const TempFolder folder;
  const fs::path path = folder / "a";
  for (int fail_at = 0; fail_at < kCallsOfWrite; ++fail_at) {
    CAPTURE(fail_at);
    const FailingCalls calls(fail_at, EINTR);
    write_file(path, "interrupted at " + std::to_string(fail_at));
    CHECK(contents(path) == "interrupted at " + std::to_string(fail_at));
    CHECK(calls.open_files() == 0);
  }
  {
    const FailingCalls calls(kWrite, FailingCalls::kShortWrite, FailingCalls::kForever);
    write_file(path, "0123456789");
    CHECK(calls.calls() > kCallsOfWrite);
  }
  CHECK(contents(path) == "0123456789");
  const FailingCalls calls(kFolderSync, EINVAL);
  write_file(path, "new");
  CHECK(contents(path) == "new");
}

TEST_CASE("a failed write reports the system call and its reason") {
  const TempFolder folder;
  const auto message = [&](const fs::path& path) {
    return without_folder(message_of([&] { write_file(path, "0123456789"); }), folder);
  };
  {
    const FailingCalls calls(kWrite, EIO);
    CHECK(message(folder / "a") ==
          "DIR/a: cannot be written\n  write DIR/a.tmp: Input/output error");
  }
  {
    const FailingCalls calls(kWrite, ENOSPC);
    const std::string full = message(folder / "a");
    const std::string start =
        "DIR/a: cannot be written\n  write DIR/a.tmp: No space left on device\n"
        "  needed 10 bytes, free ";
    CHECK(full.starts_with(start));
    CHECK(std::stoull(full.substr(start.size())) > 0);
  }
  {
    const FailingCalls calls(kFolderSync, EIO);
    CHECK(message(folder / "a") ==
          "DIR/a: written, but may not survive a power cut\n  fsync DIR: Input/output error");
  }
  CHECK(message(folder / "no/a") ==
        "DIR/no/a: cannot be written\n  open DIR/no/a.tmp: No such file or directory");
  CHECK(message(folder.path()) == "DIR: not a regular file\n  it is a folder");
  // Uses a pipe in the test's folder: with a real device, a broken check run as root would replace
  // it.
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(message(folder / "pipe") == "DIR/pipe: not a regular file\n  it is a named pipe");
  CHECK(fs::is_fifo(folder / "pipe"));
}

TEST_CASE("a write past the file size limit leaves the old file") {
  const TempFolder folder;
  write_file(folder / "a", "old");
  const SizeLimit limit(1000);
  CHECK(without_folder(message_of([&] { write_file(folder / "a", std::string(2000, 'x')); }),
                       folder) == "DIR/a: cannot be written\n  write DIR/a.tmp: File too large");
  CHECK(contents(folder / "a") == "old");
  CHECK(files_in(folder) == 1);
}

TEST_CASE("writing into a folder without write permission is an error") {
  if (::geteuid() == 0) return;  // root may write anywhere
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(without_folder(message_of([&] { write_file(folder / "a", "new"); }), folder) ==
        "DIR/a: cannot be written\n  open DIR/a.tmp: Permission denied");
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST_CASE("a link in the place of the temporary file is replaced and not followed") {
  const TempFolder folder;
  write_file(folder / "victim", "untouched");
  fs::create_symlink(folder / "victim", folder / "a.tmp");
  write_file(folder / "a", "new");
  CHECK(contents(folder / "a") == "new");
  CHECK(contents(folder / "victim") == "untouched");
  CHECK(files_in(folder) == 2);
}

TEST_CASE("reading a path that is not a regular file is an error") {
  const TempFolder folder;
  write_file(folder / "a", "0123456789");
  CHECK(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto message = [&](const fs::path& path, uint64_t limit) {
    return without_folder(message_of([&] { read_file(path, limit); }), folder);
  };
  CHECK(message(folder / "a", 10) == "");
  CHECK(message(folder / "a", 9) == "DIR/a: too large\n  found 10 bytes, at most 9 expected");
  CHECK(message(folder / "b", 10) == "DIR/b: cannot be read\n  open: No such file or directory");
  CHECK(message(folder.path(), 10) == "DIR: not a regular file\n  it is a folder");
  CHECK(message(folder / "pipe", 10) == "DIR/pipe: not a regular file\n  it is a named pipe");
  CHECK(message("/dev/zero", 10) == "/dev/zero: not a regular file\n  it is a device");
  const FailingCalls calls(1, EIO);
  CHECK(message(folder / "a", 10) == "DIR/a: cannot be read\n  read: Input/output error");
  CHECK(calls.open_files() == 0);
}

// If the system rejects a path, the Error names the file.
TEST_CASE("every operation on a path that the system rejects throws Error") {
  const TempFolder folder;
  write_file(folder / "a", "a file");
  fs::create_symlink(folder / "loop", folder / "loop");
  fs::create_symlink(folder / "nowhere", folder / "dangling");
  const std::string long_name(256, 'n'), long_path(5000, '/');
  struct Refused {
    std::string name, reason;
  };
  const std::string too_long = "File name too long", loop = "Too many levels of symbolic links";
  for (const Refused& refused :
       {Refused{long_name, too_long}, Refused{"a/b", "Not a directory"},
        Refused{"a/b/c", "Not a directory"}, Refused{"loop", loop}, Refused{"loop/b", loop},
        Refused{long_name + "/b", too_long}, Refused{long_path + "b", too_long}}) {
    CAPTURE(refused.name);
    const fs::path path = folder / refused.name;
    const auto check = [&](const std::function<void()>& f) {
      const std::string text = message_of(f);
      CHECK(text.starts_with(path.string() + ": "));
      CHECK(text.ends_with(": " + refused.reason));
    };
    check([&] { read_file(path, 10); });
    check([&] { CsvWriter(path, "step", 3); });
    if (refused.name == "loop") continue;  // A link is replaced, regardless of its target.
    check([&] { write_file(path, "new"); });
    check([&] { CsvWriter(path, "step"); });
    check([&] { make_folder(path); });
  }
  CHECK(message_of([&] { make_folder(folder / "loop"); }) ==
        (folder / "loop").string() + ": the folder cannot be made\n  mkdir: " + loop);
  CHECK(message_of([&] {
          make_folder(folder / "dangling");
        }).starts_with((folder / "dangling").string() + ": the folder cannot be made\n  mkdir: "));
  CHECK(message_of([&] { make_folder(""); }).starts_with(": the folder cannot be made\n  mkdir: "));
  CHECK(message_of([&] { write_file("", "new"); }).starts_with(": cannot be written\n  "));
  CHECK(message_of([&] { read_file("", 10); }) ==
        ": cannot be read\n  open: No such file or directory");
  // With the longest allowed name, the temporary file's name is too long.
  CHECK(message_of([&] {
          write_file(folder / std::string(255, 'n'), "new");
        }).ends_with(".tmp: " + too_long));
  CHECK(contents(folder / "a") == "a file");
}

TEST_CASE("a name that is not UTF-8 can be written and read") {
  const TempFolder folder;
  const fs::path path = folder / "caf\xe9 \xff";
  write_file(path, "new");
  CHECK(contents(path) == "new");
  CsvWriter(folder / "\xfe.csv", "step").append("1");
  CHECK(contents(folder / "\xfe.csv") == "step\n1\n");
  CHECK(message_of([&] {
          read_file(folder / "no \xff", 1);
        }).starts_with((folder / "no \xff").string() + ": cannot be read\n"));
}

TEST_CASE("a folder without permission to enter is an error") {
  if (::geteuid() == 0) return;  // root may enter any
  const TempFolder folder;
  make_folder(folder / "closed");
  fs::permissions(folder / "closed", fs::perms::none);
  const std::string denied = "Permission denied";
  CHECK(message_of([&] { read_file(folder / "closed/a", 1); }).ends_with(denied));
  CHECK(message_of([&] { write_file(folder / "closed/a", ""); }).ends_with(denied));
  CHECK(message_of([&] { make_folder(folder / "closed/a"); }).ends_with(denied));
  CHECK(message_of([&] { CsvWriter(folder / "closed/a", "step", 3); }).ends_with(denied));
  fs::permissions(folder / "closed", fs::perms::owner_all);
}

TEST_CASE("a full disk is an error, also in a folder that was removed") {
  const fs::path before = fs::current_path();
  std::string message;
  {
    const TempFolder folder;
    fs::current_path(folder.path());
    fs::remove(folder.path());
    const FailingCalls calls(0, ENOSPC);
    message = message_of([&] { write_file("a", "new"); });
    fs::current_path(before);
  }
  CHECK(message.starts_with(
      "a: cannot be written\n  open a.tmp: No space left on device\n  needed 3 bytes, free "));
}

TEST_CASE("a file that shrinks while it is read is an error") {
  const TempFolder folder;
  write_file(folder / "a", "0123456789");
  const FileCalls real = file_calls();
  file_calls().read = [](int, void*, size_t) { return ssize_t{0}; };
  const std::string message = message_of([&] { read_file(folder / "a", 10); });
  file_calls() = real;
  CHECK(without_folder(message, folder) ==
        "DIR/a: became shorter while it was read\n  found 0 bytes, 10 expected");
}

TEST_CASE("make_folder creates parent folders and accepts existing ones") {
  const TempFolder folder;
  make_folder(folder / "b/c");
  make_folder(folder / "b/c");
  make_folder(folder / "b/d/");
  CHECK(fs::is_directory(folder / "b/c"));
  CHECK(fs::is_directory(folder / "b/d"));
  write_file(folder / "a", "");
  const auto message = [&](const std::string& name) {
    return without_folder(message_of([&] { make_folder(folder / name); }), folder);
  };
  CHECK(message("a") == "DIR/a: the folder cannot be made\n  mkdir: Not a directory");
  CHECK(message("a/b") == "DIR/a/b: the folder cannot be made\n  mkdir: Not a directory");
}

TEST_CASE("CsvWriter writes each row to the file immediately") {
  const TempFolder folder;
  const fs::path path = folder / "metrics.csv";
  CsvWriter table(path, "step,loss");
  CHECK(contents(path) == "step,loss\n");
  table.append("1,0.5");
  table.append("2,0.25");
  CHECK(contents(path) == "step,loss\n1,0.5\n2,0.25\n");
  const CsvWriter fresh(path, "step,loss");
  CHECK(contents(path) == "step,loss\n");
}

TEST_CASE("CsvWriter continues a table after the given step") {
  const TempFolder folder;
  const fs::path path = folder / "metrics.csv";
  const auto continued = [&](const std::string& old, int64_t last_step) {
    write_file(path, old);
    CsvWriter(path, "step,loss", last_step).append("9,9");
    return contents(path);
  };
  CHECK(continued("step,loss\n1,a\n2,b\n3,c\n", 2) == "step,loss\n1,a\n2,b\n9,9\n");
  CHECK(continued("step,loss\n1,a\n2,b\n", 5) == "step,loss\n1,a\n2,b\n9,9\n");
  CHECK(continued("step,loss\n10,a\n20,b\n", 15) == "step,loss\n10,a\n9,9\n");
  CHECK(continued("step,loss\n", 0) == "step,loss\n9,9\n");
  // rows that a crash left: no line break, no step
  CHECK(continued("step,loss\n1,a\n2,", 5) == "step,loss\n1,a\n9,9\n");
  CHECK(continued("step,loss\n1,a\n\n2,b\n", 5) == "step,loss\n1,a\n9,9\n");
  fs::remove(path);
  CsvWriter(path, "step,loss", 5).append("6,a");
  CHECK(contents(path) == "step,loss\n6,a\n");
  CHECK(without_folder(message_of([&] { CsvWriter(path, "step,loss,time", 5); }), folder) ==
        "DIR/metrics.csv: cannot be continued: its first line differs\n"
        "  found    step,loss\n  expected step,loss,time");
  CHECK(contents(path) == "step,loss\n6,a\n");
}

TEST_CASE("CsvWriter rejects a file of another format and names the format") {
  const TempFolder folder;
  const fs::path path = folder / "metrics.csv";
  const auto found = [&](const std::string& old) {
    write_file(path, old);
    const std::string text = message_of([&] { CsvWriter(path, "step,loss", 5); });
    CHECK(contents(path) == old);
    return without_folder(text, folder);
  };
  const auto expected = [](const std::string& what) {
    return "DIR/metrics.csv: cannot be continued: its first line differs\n  found    " + what +
           "\n  expected step,loss";
  };
  CHECK(found("") == expected("an empty file"));
  CHECK(found("\x89PNG\r\n\x1a\n...") == expected("a PNG image"));
  CHECK(found(std::string(1000, '\0')) == expected("an unknown format"));
  CHECK(found(std::string(1000, 'x')) == expected(std::string(200, 'x')));
}

#ifndef FORGER_SANITIZED  // A sanitizer reserves more addresses than the limit and would end the
                          // program.
TEST_CASE("a file larger than the memory is an error") {
  const TempFolder folder;
  write_file(folder / "a", "");
  fs::resize_file(folder / "a", uint64_t{1} << 40);  // sparse: takes no space on the disk
  rlimit before;
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit limit{rlim_t{1} << 39, before.rlim_max};
  ::setrlimit(RLIMIT_AS, &limit);
  const std::string message = message_of([&] { read_file(folder / "a", uint64_t{1} << 41); });
  ::setrlimit(RLIMIT_AS, &before);
  CHECK(without_folder(message, folder) ==
        "DIR/a: too large for the memory\n  found 1099511627776 bytes");
}
#endif

TEST_CASE("a row that does not fit on the disk is an error and leaves no partial row") {
  const TempFolder folder;
  const fs::path path = folder / "metrics.csv";
  CsvWriter table(path, "step,loss");
  table.append("1,0.5");
  {
    const SizeLimit limit(20);
    CHECK(without_folder(message_of([&] { table.append("2,0.123456789"); }), folder) ==
          "DIR/metrics.csv: cannot be written\n  write: File too large");
  }
  CHECK(contents(path) == "step,loss\n1,0.5\n");
  table.append("2,0.25");
  CHECK(contents(path) == "step,loss\n1,0.5\n2,0.25\n");
}

}  // namespace forger::nn
