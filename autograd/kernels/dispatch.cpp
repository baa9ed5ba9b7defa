#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/error.h"
#include "autograd/kernels/kernels.h"

// The one place that decides which kernels may run. It is compiled for the plainest processor, and
// nothing in the SIMD files is entered before it has asked this one what it can do.
namespace forger::kernels {
namespace {

#ifdef FORGER_HAVE_AVX2
constexpr const Kernels* kBuiltAvx2 = &kAvx2;
#else
constexpr const Kernels* kBuiltAvx2 = nullptr;
#endif
#ifdef FORGER_HAVE_AVX512
constexpr const Kernels* kBuiltAvx512 = &kAvx512;
#else
constexpr const Kernels* kBuiltAvx512 = nullptr;
#endif

// What `./forger run` builds first holds one SIMD set; see CMakeLists.txt.
#ifdef FORGER_CHAPTERS_ONLY
constexpr const char* kUnusable = "this build leaves that kernel set out";
constexpr const char* kHint = "\n  `./forger build` adds the others";
#else
constexpr const char* kUnusable = "this processor does not support that kernel set";
constexpr const char* kHint = "";
#endif

struct Candidate {
  const char* name;
  const Kernels* kernels;  // null if this build has no such set
  bool supported;
};

struct Candidates {
  Candidate all[3];
};

const Candidates& candidates() {
#if defined(FORGER_HAVE_AVX2) || defined(FORGER_HAVE_AVX512)
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const bool avx512 =
      avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
  constexpr bool avx2 = false, avx512 = false;
#endif
  const auto candidate = [](const char* name, const Kernels* kernels, bool supported) {
    return Candidate{name, kernels, kernels != nullptr && supported};
  };
  static const Candidates instance = {{candidate("reference", &kReference, true),
                                       candidate("avx2", kBuiltAvx2, avx2),
                                       candidate("avx512", kBuiltAvx512, avx512)}};
  return instance;
}

std::vector<const Kernels*>& offered() {
  static std::vector<const Kernels*> instance;
  return instance;
}

/// The set of that name. `asked_by` is what the user wrote, for the message.
const Kernels& find(std::string_view name, const char* asked_by) {
  std::string valid;
  bool known = false;
  for (const Candidate& candidate : candidates().all) {
    if (candidate.supported && candidate.name == name) return *candidate.kernels;
    known = known || candidate.name == name;
    if (candidate.supported) valid += (valid.empty() ? "" : ", ") + std::string(candidate.name);
  }
  for (const Kernels* set : offered()) {
    if (set->name == name) return *set;
    valid += ", " + std::string(set->name);
  }
  throw Error(std::string(asked_by) + ": " + (known ? kUnusable : "no such kernel set") +
              "\n  found " + std::string(name) + ", expected one of: " + valid + kHint);
}

const Kernels& first_choice() {
#ifndef FORGER_SCALAR_DOUBLE  // float64 has the reference alone, whatever the float engine shall
                              // use
  if (const char* name = std::getenv("FORGER_KERNELS"); name != nullptr && *name != '\0') {
    return find(name, "FORGER_KERNELS");
  }
#endif
  return available(available_count() - 1);
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels& active() {
  const Kernels* kernels = chosen.load(std::memory_order_acquire);
  if (kernels == nullptr) {
    kernels = &first_choice();
    chosen.store(kernels, std::memory_order_release);
  }
  return *kernels;
}

int available_count() {
  int count = 0;
  for (const Candidate& candidate : candidates().all) count += candidate.supported;
  return count;
}

const Kernels& available(int i) {
  for (const Candidate& candidate : candidates().all) {
    if (candidate.supported && i-- == 0) return *candidate.kernels;
  }
  throw Error("kernels::available: index out of range");
}

void offer(const Kernels& set) { offered().push_back(&set); }

void activate(const char* name) {
  chosen.store(&find(name, "kernels::activate"), std::memory_order_release);
}

}  // namespace forger::kernels
