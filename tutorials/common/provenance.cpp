#include "tutorials/common/provenance.h"

#include <omp.h>

#include "autograd/kernels/kernels.h"
#include "commit.h"
#include "tutorials/common/wait_policy.h"

namespace forger::tutorials {

Provenance provenance() {
#if defined(__clang__)
  constexpr const char* compiler = "clang " __clang_version__;
#else
  constexpr const char* compiler = "g++ " __VERSION__;
#endif
  return {kCommit, compiler, kernels::active().name, omp_get_max_threads(), wait_policy()};
}

}  // namespace forger::tutorials
