// SIGTERM and SIGINT as input of the event loop.
#pragma once

#include "daemon/host/descriptor.h"

namespace groupcomm::daemon {

// From its construction on the two signals are kept from the process and counted here, and SIGPIPE
// and SIGXFSZ are ignored: what cannot be written is an error of write(). To be made before any
// thread is.
class StopSignals {
 public:
  StopSignals();

  int descriptor() const { return descriptor_.get(); }

  // How many came since the last call.
  int take();

 private:
  Descriptor descriptor_;
};

}  // namespace groupcomm::daemon
