#include "daemon/ctl/program_input.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "groupcomm/check.h"

namespace groupcomm::ctl {

ProgramInput::ProgramInput() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  CHECK_EQ(sigprocmask(SIG_BLOCK, &signals, nullptr), 0);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  CHECK_LE(0, signals_);
}

ProgramInput::~ProgramInput() { close(signals_); }

ProgramInput::Ready ProgramInput::wait(int client_descriptor, bool with_input, int timeout_ms) {
  pollfd descriptors[] = {
      {.fd = client_descriptor, .events = POLLIN, .revents = 0},
      {.fd = signals_, .events = POLLIN, .revents = 0},
      {.fd = with_input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
  };
  if (poll(descriptors, 3, timeout_ms) <= 0) return {};
  return {.client = descriptors[0].revents != 0,
          .input = descriptors[2].revents != 0,
          .stop = descriptors[1].revents != 0};
}

}  // namespace groupcomm::ctl
