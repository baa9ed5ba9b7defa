// Tests README.md: its op works, and its number of lines to read is correct. CTest runs its
// program (tests/CMakeLists.txt), and .ci/run builds the project that uses its CMake lines.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "autograd/debug/gradcheck.h"
#include "forger.h"

namespace forger {
namespace {

#include "readme_own_op.h"

int64_t lines_to_read() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen("\"" FORGER_SOURCE_DIR "/forger\" read | tail -1", "r"), ::pclose);
  REQUIRE(pipe != nullptr);
  long long lines = 0;
  REQUIRE(std::fscanf(pipe.get(), "%lld lines in", &lines) == 1);
  return lines;
}

}  // namespace

TEST_CASE("the op in README.md passes gradcheck and gradgradcheck") {
  Random random(1);
  Tensor x = random.normal({3, 4});
  x.set_requires_grad(true);
  CHECK(cube(x).at({1, 2}) == x.at({1, 2}) * x.at({1, 2}) * x.at({1, 2}));
  const auto f = [](const std::vector<Tensor>& inputs) { return cube(inputs[0]); };
  CHECK(gradcheck(f, {x}).nonzero > 0);
  CHECK(gradgradcheck(f, {x}).nonzero > 0);
}

TEST_CASE("README.md states the number of lines to read, rounded to a hundred") {
  const int64_t lines = (lines_to_read() + 50) / 100 * 100;
  const std::string number =
      std::to_string(lines / 1000) + "," + std::to_string(lines % 1000 + 1000).substr(1);
  std::ifstream file(FORGER_SOURCE_DIR "/README.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CAPTURE(number);
  CHECK(text.find("some " + number + " lines") != std::string::npos);
}

}  // namespace forger
