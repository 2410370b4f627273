// SIGTERM and SIGINT as input of the event loop.
#pragma once

#include "daemon/host/descriptor.h"
#include "daemon/host/readiness.h"

namespace groupcomm::daemon {

// From its construction on the two signals are kept from the process and counted here, and SIGPIPE
// and SIGXFSZ are ignored: what cannot be written is an error of write(). To be made before any
// thread is.
class StopSignals {
 public:
  StopSignals();

  Source source() { return {descriptor_.get(), &is_ready_}; }

  // How many came since the last call.
  int take();

 private:
  Descriptor descriptor_;
  bool is_ready_ = true;
};

}  // namespace groupcomm::daemon
