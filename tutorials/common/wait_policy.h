#pragma once

#include <string>

/// How OpenMP's threads wait for each other. By default they spin: each runs a loop until the
/// others are ready. If other programs use the processor too, such a loop takes the time that the
/// others need to get ready, and a training step takes many times as long.
namespace forger::tutorials {

/// Makes threads spin for some 50 us at most and then sleep, unless the environment chooses
/// something else. OpenMP reads the environment before main() begins. Therefore, this function sets
/// OMP_WAIT_POLICY and GOMP_SPINCOUNT and starts the program again, in the same process and with
/// the same arguments. It returns at once if the environment sets
/// a variable that wait_policy() lists, as it does after the second start. Call it first in main().
/// A program that cannot be started again keeps OpenMP's default.
void choose_wait_policy(char** argv);

/// Returns the environment's choice, such as "OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=3000", or ""
/// if there is none. The other variables are KMP_BLOCKTIME and KMP_LIBRARY, which LLVM's OpenMP
/// reads.
std::string wait_policy();

}  // namespace forger::tutorials
