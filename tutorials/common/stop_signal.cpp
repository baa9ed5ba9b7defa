#include "tutorials/common/stop_signal.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace forger::tutorials {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int signal) {
  if (noted != 0) ::_exit(128 + signal);
  noted = signal;
}

}  // namespace

void watch_stop_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before;
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
  // A reader of the output that ends, such as `| head`, must not end the run.
  std::signal(SIGPIPE, SIG_IGN);
}

int stop_signal() { return noted; }

}  // namespace forger::tutorials
