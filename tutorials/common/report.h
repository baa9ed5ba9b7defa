#pragma once

namespace forger::tutorials {

/// What a chapter's main() returns: body's status, or, when it throws, the message on stderr and 2
/// for a UsageError, 1 for anything else. Standard output that cannot be written is such an error.
int report_errors(int argc, char** argv, int (*body)(int argc, char** argv));

}  // namespace forger::tutorials
