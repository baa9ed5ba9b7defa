#pragma once

#include <doctest/doctest.h>

#include <string>

#include "autograd/kernels/kernels.h"

namespace forger {

/// Runs f with each kernel set that this processor supports, and restores the active set.
template <class F>
void on_every_kernel_set(const F& f) {
  struct Restored {
    std::string name = kernels::active().name;
    ~Restored() { kernels::activate(name.c_str()); }
  } before;
  for (int i = 0; i < kernels::available_count(); ++i) {
    const std::string set = kernels::available(i).name;
    kernels::activate(set.c_str());
    CAPTURE(set);
    f();
  }
}

}  // namespace forger
