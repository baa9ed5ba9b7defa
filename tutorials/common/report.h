#pragma once

namespace forger::tutorials {

/// Runs `body` and returns the exit status for main(). If body throws, prints the message to stderr
/// and returns 2 for a UsageError, 1 for any other exception. Standard output that cannot be
/// written is an error as well. No file that the program opens becomes a standard file that was
/// closed. Calls choose_wait_policy() first, which may start the program again.
int report_errors(int argc, char** argv, int (*body)(int argc, char** argv));

}  // namespace forger::tutorials
