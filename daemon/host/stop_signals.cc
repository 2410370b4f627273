#include "daemon/host/stop_signals.h"

#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "groupcomm/check.h"

namespace groupcomm::daemon {

StopSignals::StopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  CHECK_EQ(sigprocmask(SIG_BLOCK, &signals, nullptr), 0);
  descriptor_ = Descriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  CHECK(descriptor_.valid());
}

int StopSignals::take() {
  signalfd_siginfo information{};
  int count = 0;
  if (!std::exchange(is_ready_, false)) return count;
  while (read(descriptor_.get(), &information, sizeof information) ==
         static_cast<ssize_t>(sizeof information)) {
    ++count;
  }
  return count;
}

}  // namespace groupcomm::daemon
