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
  /// What the user called, and where.
  struct Call {
    const char* op = nullptr;
    SourceLoc loc;
  };

  Composite(const char* op, SourceLoc loc) : is_outermost_(!outermost_.op) {
    if (is_outermost_) outermost_ = {op, loc};
  }
  ~Composite() {
    if (is_outermost_) outermost_ = {};
  }
  Composite(const Composite&) = delete;
  Composite& operator=(const Composite&) = delete;

  /// The composite op that the user called on this thread, or null outside of any.
  static const Call* outermost() { return outermost_.op ? &outermost_ : nullptr; }
  /// The line to report for what happens at `line`: that of the composite op, if one runs.
  static SourceLoc user_line(SourceLoc line) { return outermost_.op ? outermost_.loc : line; }

 private:
  friend class Differentiating;

  static constinit inline thread_local Call outermost_;  // a copy: it never points to a dead guard
  bool is_outermost_;
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
