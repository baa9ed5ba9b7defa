// Tests how the threads of a chapter's program wait. OMP_DISPLAY_ENV makes OpenMP print the
// settings that it has read, once each time the program starts.
#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "dcgan_program.h"
#include "subprocess.h"
#include "temp_folder.h"

namespace forger {
namespace {

struct Outcome {
  int status;
  std::string out;
  std::vector<std::string> starts;  // the settings that OpenMP printed, one entry a start
};

/// Runs a shell's commands, in which $0 is the program, without any choice of a wait policy.
Outcome run(const TempFolder& folder, const std::string& commands) {
  const std::string script =
      "unset OMP_WAIT_POLICY GOMP_SPINCOUNT KMP_BLOCKTIME KMP_LIBRARY\n"
      "export OMP_DISPLAY_ENV=verbose\n" +
      commands;
  Subprocess process("/bin/sh", {"-c", script, FORGER_DCGAN}, folder.path());
  Outcome outcome{process.wait(), process.out(), {}};
  std::string text = process.err();
  INFO(text);
  REQUIRE(outcome.status == 0);
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::string begin = "OPENMPDISPLAYENVIRONMENTBEGIN";
  for (size_t at = text.find(begin); at != std::string::npos;) {
    const size_t next = text.find(begin, at + 1);
    outcome.starts.push_back(text.substr(at, next - at));
    at = next;
  }
  return outcome;
}

#ifdef KMP_VERSION_MAJOR  // LLVM's OpenMP prints its settings when it is used for the first time
constexpr size_t kStarts = 1;
constexpr const char* kPassive = "OMP_WAIT_POLICY='PASSIVE'";
#else  // libgomp prints them when it is loaded, and the policy is PASSIVE if there is none
constexpr size_t kStarts = 2;
constexpr const char* kPassive = "GOMP_SPINCOUNT='3000'";
#endif

/// Checks that the program started again, once, and that OpenMP has then read the passive policy.
void check_passive(const Outcome& outcome) {
  REQUIRE(outcome.starts.size() == kStarts);
  CHECK(outcome.starts.back().find(kPassive) != std::string::npos);
}

const std::string kInspect = " inspect-data --data digits --image-size 16";  // uses threads

}  // namespace

TEST_CASE("a chapter's threads wait passively, and its output is the same") {
  const TempFolder folder;
  const Outcome chosen = run(folder, "OMP_WAIT_POLICY=passive exec \"$0\"" + kInspect);
  const Outcome outcome = run(folder, "exec \"$0\"" + kInspect);
  check_passive(outcome);
  if (kStarts == 2) CHECK(outcome.starts[0].find(kPassive) == std::string::npos);
  CHECK(outcome.out == chosen.out);
  CHECK(outcome.out != "");
}

TEST_CASE("a chapter keeps the way to wait that the user has chosen") {
  const TempFolder folder;
  for (const std::string choice : {"OMP_WAIT_POLICY=active", "GOMP_SPINCOUNT=7", "KMP_BLOCKTIME=5",
                                   "KMP_LIBRARY=turnaround"}) {
    CAPTURE(choice);
    const Outcome outcome = run(folder, choice + " exec \"$0\"" + kInspect);
    REQUIRE(outcome.starts.size() == 1);
    CHECK(outcome.starts[0].find(kPassive) == std::string::npos);
  }
}

TEST_CASE("a chapter finds itself to start again, whatever its name is") {
  const TempFolder folder;
  std::filesystem::copy_file(FORGER_DCGAN, folder / "a copy");
  check_passive(run(folder, "exec './a copy'" + kInspect));
  check_passive(run(folder, "PATH=.:$PATH; exec 'a copy'" + kInspect));
  check_passive(run(folder, "ln -s 'a copy' link; exec ./link" + kInspect));
  // Deleted before it starts; only an open file is left.
  check_passive(run(folder, "exec 3<'a copy'; rm 'a copy'; exec /proc/self/fd/3" + kInspect));
}

}  // namespace forger
