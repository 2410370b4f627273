// Frames as a later version of the protocol may write them.
#pragma once

#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::simulation {

// Between daemons. The same frame with a field that this version does not know: it must be read
// like the original.
Payload with_unknown_field(const Payload& frame);
// A frame whose body is of a kind that this version does not know: it must be dropped.
Payload with_unknown_body(const Payload& frame);

// Between clients and daemons. A frame with these messages behind one of an unknown kind, which
// must be left out.
Payload with_unknown_message(std::vector<protocol::ClientMessage> messages);
Payload with_unknown_message(std::vector<protocol::DaemonMessage> messages);

}  // namespace groupcomm::simulation
