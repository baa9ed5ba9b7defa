#pragma once

#include <cstdint>
#include <functional>
#include <string>

/// The tests of the book's exercises. Exercise 1.2 of a chapter is four files:
///
///     exercises/1_2_NAME.h          declares what the reader writes, with its contract
///     exercises/1_2_NAME.cpp        the stub, which begins with "// Exercise 1.2: TITLE"
///     exercises/1_2_NAME_check.cpp  calls check_exercise() in main()
///     solutions/1_2_NAME.cpp        a solution
///
/// `./forger exercise 1.2` copies the stub to out/exercises and builds this copy with the check.
namespace forger::tutorials {

/// Compares what the reader's code returns with what is expected, and prints both, line by line.
class Check {
 public:
  void about(const std::string& what, double found, double expected, double tolerance);
  void at_least(const std::string& what, double found, double bound);
  void at_most(const std::string& what, double found, double bound);
  void equal(const std::string& what, int64_t found, int64_t expected);
  void equal(const std::string& what, const std::string& found, const std::string& expected);

  int64_t right() const { return right_; }
  int64_t wrong() const { return wrong_; }

 private:
  void print(const std::string& what, const std::string& found, const std::string& expected,
             bool is_right);

  int64_t right_ = 0, wrong_ = 0;
};

/// Prints the exercise's first line, runs the checks and prints how many are right. Returns the
/// exit status: 0 if all are right, else 1. An exception of the reader's code is printed and counts
/// as wrong.
int check_exercise(const std::string& number, const std::string& title,
                   const std::function<void(Check&)>& checks);

}  // namespace forger::tutorials
