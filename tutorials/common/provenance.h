#pragma once

#include <string>

namespace forger::tutorials {

/// What a result was made with. The files of runs and experiments record it.
struct Provenance {
  std::string commit;    // with "-dirty" behind it if files differed from it
  std::string compiler;  // "g++ 12.2.0"
  std::string kernels;   // the kernel set: "avx2"
  int threads;
  std::string wait_policy;
};
Provenance provenance();

}  // namespace forger::tutorials
