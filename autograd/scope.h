#pragma once

#include <string>

#include "autograd/source_loc.h"

namespace forger {

/// While a layer runs: its module path ("D.conv1") and the line that called it. Layers open one;
/// ops and errors read it. `module` must outlive every node that is made meanwhile (the layers
/// intern their paths). A scope belongs to the thread that opened it.
class Scope {
 public:
  Scope(const char* module, SourceLoc call_site);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  const char* outer_module_;
  SourceLoc outer_call_site_;
};

/// A copy of the text that is never freed, one for equal texts: nodes outlive what they are named
/// after.
const char* intern(const std::string& text);

/// The module path of the innermost scope, "" outside of any.
const char* current_module();
/// The line that called the innermost layer: what a layer's own code hands to the ops it calls, so
/// that they name the user's line and not the library's.
SourceLoc call_site();

}  // namespace forger
