#include "tutorials/common/wait_policy.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace forger::tutorials {

std::string wait_policy() {
  std::string text;
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr) continue;
    if (!text.empty()) text += " ";
    text += std::string(name) + "=" + value;
  }
  return text;
}

void choose_wait_policy(char** argv) {
  if (!wait_policy().empty()) return;
  // libgomp spins for this many turns of a loop, some 50 us on a Xeon, before it sleeps. The count
  // has precedence over the policy, which LLVM's OpenMP reads. bench/programs.py has the same
  // values.
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  ::setenv("GOMP_SPINCOUNT", "3000", 1);
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) ::execv(program.c_str(), argv);
  ::execv("/proc/self/exe", argv);  // works for a file that was deleted, but renames the process
  ::unsetenv("OMP_WAIT_POLICY");
  ::unsetenv("GOMP_SPINCOUNT");
}

}  // namespace forger::tutorials
