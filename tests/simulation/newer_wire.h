// Frames between daemons as a later version of the protocol may write them.
#pragma once

#include "groupcomm/payload.h"

namespace groupcomm::simulation {

// The same frame with a field that this version does not know: it must be read like the original.
Payload with_unknown_field(const Payload& frame);
// A frame whose body is of a kind that this version does not know: it must be dropped.
Payload with_unknown_body(const Payload& frame);

}  // namespace groupcomm::simulation
