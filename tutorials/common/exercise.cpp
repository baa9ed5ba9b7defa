#include "tutorials/common/exercise.h"

#include <cmath>
#include <cstdio>
#include <exception>

namespace forger::tutorials {
namespace {

std::string text_of(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", number);
  return text;
}

}  // namespace

void Check::print(const std::string& what, const std::string& found, const std::string& expected,
                  bool is_right) {
  ++(is_right ? right_ : wrong_);
  std::printf("  %s  %s\n           found    %s\n           expected %s\n",
              is_right ? "right" : "WRONG", what.c_str(), found.c_str(), expected.c_str());
  std::fflush(stdout);  // the reader's code may end the program in the next check
}

void Check::about(const std::string& what, double found, double expected, double tolerance) {
  print(what, text_of(found), text_of(expected) + " +- " + text_of(tolerance),
        std::fabs(found - expected) <= tolerance);
}

void Check::at_least(const std::string& what, double found, double bound) {
  print(what, text_of(found), "at least " + text_of(bound), found >= bound);
}

void Check::at_most(const std::string& what, double found, double bound) {
  print(what, text_of(found), "at most " + text_of(bound), found <= bound);
}

void Check::equal(const std::string& what, int64_t found, int64_t expected) {
  equal(what, std::to_string(found), std::to_string(expected));
}

void Check::equal(const std::string& what, const std::string& found, const std::string& expected) {
  print(what, found, expected, found == expected);
}

int check_exercise(const std::string& number, const std::string& title,
                   const std::function<void(Check&)>& checks) {
  std::printf("exercise %s: %s\n", number.c_str(), title.c_str());
  Check check;
  bool failed = false;
  try {
    checks(check);
  } catch (const std::exception& error) {
    std::printf("  WRONG  your code throws an exception\n%s\n", error.what());
    failed = true;
  }
  const int64_t wrong = check.wrong() + (failed ? 1 : 0);
  std::printf("%lld of %lld checks are right\n", static_cast<long long>(check.right()),
              static_cast<long long>(check.right() + wrong));
  return wrong == 0 && check.right() > 0 ? 0 : 1;
}

}  // namespace forger::tutorials
