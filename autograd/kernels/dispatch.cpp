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

struct Candidate {
  const char* name;
  const Kernels* kernels;  // null if this build has no such set
  bool supported;
};

struct Candidates {
  Candidate all[3];
};

const Candidates& candidates() {
#ifdef FORGER_HAVE_SIMD
  static const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  static const bool avx512 =
      avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  static const Candidates instance = {
      {{"reference", &kReference, true}, {"avx2", &kAvx2, avx2}, {"avx512", &kAvx512, avx512}}};
#else
  static const Candidates instance = {
      {{"reference", &kReference, true}, {"avx2", nullptr, false}, {"avx512", nullptr, false}}};
#endif
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
  throw Error(std::string(asked_by) + ": " +
              (known ? "this processor does not support that kernel set" : "no such kernel set") +
              "\n  found " + std::string(name) + ", expected one of: " + valid);
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
