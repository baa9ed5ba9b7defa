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

/// Names an op that is written in other ops, in the first line of its body:
///
///     Tensor mse(const Tensor& a, const Tensor& b, SourceLoc loc) {
///       const Composite here("mse", loc);
///       return mean((a - b) * (a - b));
///     }
///
/// While it exists, what runs on this thread belongs to that op: nodes and errors name the line
/// `loc`, and errors name `op` instead of the op that found them. The outermost of several wins, so
/// that the user reads the name that he wrote. Nodes keep the names of their own ops, because a
/// derivative belongs to these. A rule starts afresh: see Differentiating.
class Composite {
 public:
  Composite(const char* name, SourceLoc line) : op(name), loc(line), first_(!outermost_) {
    if (first_) outermost_ = this;
  }
  ~Composite() {
    if (first_) outermost_ = nullptr;
  }
  Composite(const Composite&) = delete;
  Composite& operator=(const Composite&) = delete;

  /// The composite op that the user called on this thread, or null outside of any.
  static const Composite* outermost() { return outermost_; }
  /// The line to report for what happens at `line`: that of the composite op, if one runs.
  static SourceLoc user_line(SourceLoc line) { return outermost_ ? outermost_->loc : line; }

  const char* const op;
  const SourceLoc loc;

 private:
  friend class Differentiating;

  static constinit inline thread_local const Composite* outermost_ = nullptr;
  bool first_;
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
