#pragma once

namespace forger::tutorials {

/// Makes the first SIGINT (Ctrl-C), SIGTERM or SIGHUP be only noted, so that the loop can end after
/// a whole step and save. A second signal ends the process at once. A signal that was ignored, as
/// under nohup, stays ignored. Ignores SIGPIPE: output that nobody reads is an error at the end.
void watch_stop_signals();

/// Returns the signal that was noted, or 0.
int stop_signal();

}  // namespace forger::tutorials
