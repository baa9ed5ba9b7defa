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

struct Candidate {
  const char* name;
  const Kernels* built;  // null if this build leaves the set out
  bool supported;        // true if this processor can run it

  bool usable() const { return built != nullptr && supported; }
};

struct Candidates {
  Candidate all[3];  // from the plainest to the best
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
  static const Candidates instance = {{{"reference", &kReference, true},
                                       {"avx2", kBuiltAvx2, avx2},
                                       {"avx512", kBuiltAvx512, avx512}}};
  return instance;
}

std::vector<const Kernels*>& offered() {
  static std::vector<const Kernels*> instance;
  return instance;
}

constexpr const char* kLeftOut = "this build leaves that kernel set out";
constexpr const char* kHint = "\n  `./forger build` adds it";

/// Returns the set of that name. `asked_by` is the option or function that names it, for the error.
const Kernels& find(std::string_view name, const char* asked_by) {
  std::string valid;
  const char* what = "no such kernel set";
  const char* hint = "";
  for (const Candidate& candidate : candidates().all) {
    if (candidate.usable()) {
      if (candidate.name == name) return *candidate.built;
      valid += (valid.empty() ? "" : ", ") + std::string(candidate.name);
    } else if (candidate.name == name) {
      what = candidate.supported ? kLeftOut : "this processor does not support that kernel set";
      hint = candidate.supported ? kHint : "";
    }
  }
  for (const Kernels* set : offered()) {
    if (set->name == name) return *set;
    valid += ", " + std::string(set->name);
  }
  throw Error(std::string(asked_by) + ": " + what + "\n  found " + std::string(name) +
              ", expected one of: " + valid + hint);
}

const Kernels& first_choice() {
#ifndef FORGER_SCALAR_DOUBLE  // FORGER_KERNELS is for the float engine; float64 has the reference
  if (const char* name = std::getenv("FORGER_KERNELS"); name != nullptr && *name != '\0') {
    return find(name, "FORGER_KERNELS");
  }
#endif
  // A chapter's first build holds the best set of the processor that built it. On another one it
  // would run the reference, a hundred times as slow, without a word.
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates().all) {
    if (candidate.supported) best = &candidate;
  }
  if (best->built == nullptr) {
    throw Error("kernels: " + std::string(kLeftOut) + "\n  " + best->name +
                " is the best of this processor" + kHint);
  }
  return *best->built;
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
  for (const Candidate& candidate : candidates().all) count += candidate.usable();
  return count;
}

const Kernels& available(int i) {
  for (const Candidate& candidate : candidates().all) {
    if (candidate.usable() && i-- == 0) return *candidate.built;
  }
  throw Error("kernels::available: index out of range");
}

void offer(const Kernels& set) { offered().push_back(&set); }

void activate(const char* name) {
  chosen.store(&find(name, "kernels::activate"), std::memory_order_release);
}

}  // namespace forger::kernels
