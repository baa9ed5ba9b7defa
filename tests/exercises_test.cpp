// Tests the exercises of all chapters: every stub fails its check and every solution passes.
// chapter/exercises holds one for the framework itself.
#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "dcgan_program.h"
#include "tutorials/common/exercise.h"

namespace forger {
namespace {

struct Exercise {
  std::string number, stub, solution;
};

// The programs of each exercise, made by CMakeLists.txt.
const std::vector<Exercise> kExercises = {
#include "exercises.inc"
};

Result run(const std::string& program) {
  const TempFolder folder;
  Subprocess process(program, {}, folder.path());
  const int status = process.wait();
  return {status, process.out(), process.err()};
}

}  // namespace

TEST_CASE("every stub of an exercise fails its check, and every solution passes") {
  for (const Exercise& exercise : kExercises) {
    CAPTURE(exercise.number);
    const Result stub = run(exercise.stub);
    CHECK(stub.status == 1);
    CHECK(stub.out.find("\n  WRONG  ") != std::string::npos);
    CHECK(stub.err == "");
    const Result solution = run(exercise.solution);
    CHECK(solution.status == 0);
    CHECK(solution.out.find("WRONG") == std::string::npos);
    CHECK(solution.err == "");
  }
}

TEST_CASE("a check prints what was found and what was expected") {
  const Exercise& sum = kExercises.back();
  REQUIRE(sum.number == "99_1");
  CHECK(run(sum.stub).out ==
        "exercise 99.1: The sum of two numbers\n"
        "  WRONG  0.5 + 0.25\n           found    0\n           expected 0.75 +- 1e-06\n"
        "  WRONG  1 + 1\n           found    0\n           expected at least 2\n"
        "  right  1 - 1\n           found    0\n           expected at most 0\n"
        "1 of 3 checks are right\n");
  CHECK(run(sum.solution).out.ends_with("3 of 3 checks are right\n"));
}

TEST_CASE("NaN, an exception and a missing check are wrong") {
  using tutorials::Check;
  using tutorials::check_exercise;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  CHECK(check_exercise("9.1", "", [](Check& check) { check.equal("", 1, 1); }) == 0);
  CHECK(check_exercise("9.1", "", [](Check& check) { check.equal("", "a", "b"); }) == 1);
  CHECK(check_exercise("9.1", "", [](Check& check) { check.about("", kNan, 1, 1); }) == 1);
  CHECK(check_exercise("9.1", "", [](Check& check) { check.at_least("", kNan, 1); }) == 1);
  CHECK(check_exercise("9.1", "", [](Check& check) { check.at_most("", kNan, 1); }) == 1);
  CHECK(check_exercise("9.1", "", [](Check&) {}) == 1);
  CHECK(check_exercise("9.1", "", [](Check& check) {
          check.equal("", 1, 1);
          throw std::runtime_error("no");
        }) == 1);
}

}  // namespace forger
