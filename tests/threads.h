#pragma once

#include <omp.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "autograd/scalar.h"

namespace forger {

/// While in scope, parallel regions have this many threads.
class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

inline bool same_bits(const std::vector<Scalar>& a, const std::vector<Scalar>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0);
}

/// "" if f gives the same bits with 1, 2, 3, 4 and 8 threads, else the first count that differs.
inline std::string thread_dependence(const std::function<std::vector<Scalar>()>& f) {
  std::vector<Scalar> alone;
  for (const int count : {1, 2, 3, 4, 8}) {
    const Threads threads(count);
    const std::vector<Scalar> found = f();
    if (count == 1) {
      alone = found;
    } else if (!same_bits(found, alone)) {
      return "other bits with " + std::to_string(count) + " threads";
    }
  }
  return "";
}

}  // namespace forger
