#include "tutorials/common/report.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "autograd/error.h"
#include "tutorials/common/options.h"
#include "tutorials/common/wait_policy.h"

namespace forger::tutorials {
namespace {

/// Opens /dev/null for standard input, output and error where they are closed. Otherwise the next
/// file, such as a checkpoint, would become standard output, and what is printed would go into it.
/// What a program prints to a closed output remains an error: /dev/null is opened for reading.
void open_standard_files() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);  // takes the lowest free number
  }
}

int failed(const char* message, int status) {
  std::fflush(stdout);  // what was printed before the failure comes before its message
  std::fprintf(stderr, "%s\n", message);
  return status;
}

}  // namespace

int report_errors(int argc, char** argv, int (*body)(int argc, char** argv)) {
  open_standard_files();
  choose_wait_policy(argv);
  // With this a limit on file sizes is an error like a full disk; it does not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int status = body(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      fail("standard output", "cannot be written", {std::strerror(errno)}, {});
    }
    return status;
  } catch (const UsageError& error) {
    return failed(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return failed("out of memory", 1);
  } catch (const std::exception& error) {
    return failed(error.what(), 1);
  }
}

}  // namespace forger::tutorials
