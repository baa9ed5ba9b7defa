#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "autograd/error.h"

namespace forger {

/// A program that runs in its own folder, with its output captured.
class Subprocess {
 public:
  struct Options {
    rlim_t max_file_bytes = RLIM_INFINITY;  // a write beyond fails, as on a full disk
    const char* output = nullptr;           // a file for standard output instead
    const char* input = nullptr;            // a file for standard input instead
    bool unread = false;                    // standard output is a pipe whose reader has ended
  };

  Subprocess(const std::string& program, const std::vector<std::string>& arguments,
             const std::filesystem::path& folder, Options options)
      : out_(std::tmpfile()), err_(std::tmpfile()) {
    // Everything that allocates happens before fork(): the test may have threads.
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const int out = ::fileno(out_), err = ::fileno(err_);
    // OpenMP's threads wait by spinning, which slows other programs on a busy machine.
    ::setenv("OMP_WAIT_POLICY", "passive", 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    if (options.output != nullptr) {
      if (!std::freopen(options.output, "w", stdout)) ::_exit(127);
    } else if (int ends[2]; options.unread) {
      if (::pipe(ends) != 0) ::_exit(127);
      ::close(ends[0]);
      ::dup2(ends[1], STDOUT_FILENO);
    } else {
      ::dup2(out, STDOUT_FILENO);
    }
    ::dup2(err, STDERR_FILENO);
    if (options.input != nullptr && !std::freopen(options.input, "r", stdin)) ::_exit(127);
    const rlimit limit{options.max_file_bytes, options.max_file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::alarm(3600);  // ends a program that hangs; far more time than a busy machine needs
    if (::chdir(folder.c_str()) == 0) ::execv(program.c_str(), argv.data());
    ::_exit(127);
  }
  Subprocess(const std::string& program, const std::vector<std::string>& arguments,
             const std::filesystem::path& folder)
      : Subprocess(program, arguments, folder, Options()) {}
  ~Subprocess() {
    if (!done_) {
      ::kill(pid_, SIGKILL);
      wait();
    }
    std::fclose(out_);
    std::fclose(err_);
  }
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  void send(int signal) { ::kill(pid_, signal); }
  bool running() {
    if (!done_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) done_ = true;
    return !done_;
  }
  /// The exit status; of a program that a signal ended, 256 + the signal.
  int wait() {
    if (!done_ && ::waitpid(pid_, &status_, 0) != pid_) throw Error("Subprocess: waitpid failed");
    done_ = true;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 256 + WTERMSIG(status_);
  }
  std::string out() const { return text(out_); }
  std::string err() const { return text(err_); }

 private:
  static std::string text(std::FILE* file) {
    std::string text;
    char part[4096];
    std::rewind(file);
    while (const size_t n = std::fread(part, 1, sizeof part, file)) text.append(part, n);
    return text;
  }

  std::FILE *out_, *err_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool done_ = false;
};

}  // namespace forger
