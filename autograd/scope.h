#pragma once

#include <string>

#include "autograd/source_loc.h"

namespace forger {

/// Records the module path ("D.conv1") of the layer that runs and the line that called it. A layer
/// opens a scope for the time of its call; ops and errors read it. `module` must outlive every node
/// made in that time, so layers intern their paths. A scope belongs to the thread that opened it.
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

/// Marks an op as composite: written in other ops. The first line of the op's body creates one:
///
///     Tensor mse(const Tensor& a, const Tensor& b, SourceLoc loc) {
///       const Composite here("mse", loc);
///       return mean((a - b) * (a - b));
///     }
///
/// While a Composite exists, nodes and errors on this thread name its line `loc`. Errors name its
/// `op` instead of the op that failed. If several are nested, the outermost one counts, because it
/// is the op that the user called. Nodes keep the names of their own ops, because each derivative
/// belongs to one of these. A Composite has no effect on rules that run while it exists: see
/// Differentiating.
class Composite {
 public:
  /// The composite op that the user called and the line of that call.
  struct Call {
    const char* op;  // null while no composite op runs
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

  /// Returns the composite op that the user called on this thread, or null outside such an op.
  static const Call* outermost() { return outermost_.op ? &outermost_ : nullptr; }
  /// Returns the line to report: that of the composite op if one runs, else `line`.
  static SourceLoc user_line(SourceLoc line) { return outermost_.op ? outermost_.loc : line; }

 private:
  friend class Differentiating;

  static constinit inline thread_local Call outermost_{};  // a copy, so it cannot dangle
  bool is_outermost_;
};

/// Returns a copy of the text that is never freed; equal texts share one copy. Nodes refer to such
/// copies, because they may outlive the layer that they name.
const char* intern(const std::string& text);

/// Returns the module path of the innermost scope on this thread, or "" outside any scope.
const char* current_module();
/// Returns the line that called the innermost layer. A layer passes it to the ops that it calls, so
/// that they name the user's line instead of the library's.
SourceLoc call_site();

}  // namespace forger
