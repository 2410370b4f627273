// Puts the parts of the daemon together.
#pragma once

#include "daemon/host/options.h"

namespace groupcomm::daemon {

// Runs the daemon until it ends. Returns the process's exit code: 0 where it has left its view, 1
// where it had to end otherwise, 2 where it could not start; one line of the log says why.
int run_daemon(const Options& options);

}  // namespace groupcomm::daemon
