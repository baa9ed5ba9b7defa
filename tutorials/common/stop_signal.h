#pragma once

namespace forger::tutorials {

/// From now on the first SIGINT (Ctrl-C), SIGTERM or SIGHUP is only noted, so that the loop can end
/// after a whole step and save; a second one ends the process at once. A signal that was
/// ignored, as under nohup, stays ignored.
void watch_stop_signals();

/// The signal that was noted, 0 if none.
int stop_signal();

}  // namespace forger::tutorials
