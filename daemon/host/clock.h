// The host's clocks: the only place where the daemon asks for the time.
#pragma once

#include "groupcomm/identity.h"
#include "groupcomm/time_point.h"

namespace groupcomm::daemon {

// CLOCK_BOOTTIME: what the core is driven by. It goes on while the machine sleeps.
TimePoint monotonic_now();

// Milliseconds since 1970 above, 20 bits of the kernel's random device below; larger than
// `previous` in any case.
Incarnation draw_incarnation(Incarnation previous);

}  // namespace groupcomm::daemon
