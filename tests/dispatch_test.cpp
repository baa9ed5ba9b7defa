// Tests the choice of the kernel set, and the errors for sets that cannot be used.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>

#include "autograd/kernels/kernels.h"
#include "message.h"

namespace forger {
namespace {

std::string valid_names() {
  std::string names;
  for (int i = 0; i < kernels::available_count(); ++i) {
    names += (i > 0 ? ", " : "") + std::string(kernels::available(i).name);
  }
#ifdef FORGER_HAVE_LADDER
  if (names.find("avx2") != std::string::npos) {
    names += ", loops, rows, registers, panels, blocks, threads";
  }
#endif
  return names;
}

/// Returns the number of null entries of a set's table. A table contains only pointers.
int null_entries(const kernels::Kernels& set) {
  std::array<const void*, sizeof(kernels::Kernels) / sizeof(void*)> entries{};
  static_assert(sizeof(entries) == sizeof(kernels::Kernels));
  std::memcpy(entries.data(), &set, sizeof(entries));
  return static_cast<int>(std::count(entries.begin(), entries.end(), nullptr));
}

/// Returns what a new process of this program prints as its kernel set, given FORGER_KERNELS.
std::string with_environment(const std::string& value) {
  const std::string command = "FORGER_KERNELS='" + value +
                              "' /proc/$PPID/exe --no-intro --no-skip --minimal "
                              "--test-case='prints the active kernel set' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 256> part;
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  const size_t begin = text.find("<"), end = text.rfind(">");
  if (begin == std::string::npos || end == std::string::npos) return text;
  return text.substr(begin + 1, end - begin - 1);
}

}  // namespace

// Not a test by itself: the next test runs it in a separate process.
TEST_CASE("prints the active kernel set" * doctest::skip()) {
  const std::string error = message_of([] { kernels::active(); });
  std::printf("<%s>\n", error.empty() ? kernels::active().name : error.c_str());
}

TEST_CASE("FORGER_KERNELS selects a set, defaults to the best, and rejects unknown names") {
  const std::string best = kernels::available(kernels::available_count() - 1).name;
  CHECK(with_environment("") == best);
  for (int i = 0; i < kernels::available_count(); ++i) {
    CHECK(with_environment(kernels::available(i).name) == kernels::available(i).name);
  }
  CHECK(with_environment("sse2") ==
        "FORGER_KERNELS: no such kernel set\n  found sse2, expected one of: " + valid_names());
  CHECK(with_environment("AVX2") ==
        "FORGER_KERNELS: no such kernel set\n  found AVX2, expected one of: " + valid_names());
}

TEST_CASE("activate() selects a set by name, and an unknown name changes nothing") {
  const std::string before = kernels::active().name;
  for (int i = 0; i < kernels::available_count(); ++i) {
    kernels::activate(kernels::available(i).name);
    CHECK(&kernels::active() == &kernels::available(i));
  }
  kernels::activate("reference");
  CHECK(message_of([] { kernels::activate("sse2"); }) ==
        "kernels::activate: no such kernel set\n  found sse2, expected one of: " + valid_names());
  CHECK(message_of([] { kernels::activate(""); }) ==
        "kernels::activate: no such kernel set\n  found , expected one of: " + valid_names());
  for (const char* name : {"avx2", "avx512"}) {
    if (valid_names().find(name) != std::string::npos) continue;
    CHECK(message_of([&] { kernels::activate(name); }) ==
          "kernels::activate: this processor does not support that kernel set\n  found " +
              std::string(name) + ", expected one of: " + valid_names());
  }
  CHECK(&kernels::active() == &kernels::kReference);
  kernels::activate(before.c_str());
}

TEST_CASE("the reference set is first, and every set has a description") {
  CHECK(&kernels::available(0) == &kernels::kReference);
  CHECK(std::string(kernels::available(0).name) == "reference");
  for (int i = 0; i < kernels::available_count(); ++i) {
    CHECK(std::string(kernels::available(i).description).size() > 10);
  }
  CHECK(message_of([] { kernels::available(kernels::available_count()); }) ==
        "kernels::available: index out of range");
}

TEST_CASE("no kernel table has a null entry, including the ladder's sets") {
  for (int i = 0; i < kernels::available_count(); ++i) {
    CAPTURE(kernels::available(i).name);
    CHECK(null_entries(kernels::available(i)) == 0);
  }
  const std::string before = kernels::active().name;
  std::istringstream names(valid_names());
  for (std::string name; std::getline(names >> std::ws, name, ',');) {
    CAPTURE(name);
    kernels::activate(name.c_str());
    CHECK(null_entries(kernels::active()) == 0);
  }
  kernels::activate(before.c_str());
  kernels::Kernels forgetful = kernels::kReference;
  forgetful.adam = nullptr;
  CHECK(null_entries(forgetful) == 1);
}

}  // namespace forger
