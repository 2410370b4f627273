// What a message to a client takes of the bytes that may wait for it (rule W3).
#pragma once

#include <cstdint>

#include "groupcomm/protocol/client_frames.h"

namespace groupcomm::protocol {

// Bytes: about what the message takes in memory and in a frame. The daemon adds up what it sent,
// the client what it read, so it must be the same at both ends of a connection: it depends on
// nothing but fields that are transmitted, and not on the counters of a status, which its host
// completes. The greeting and the farewell cost nothing.
std::uint64_t queue_cost(const DaemonMessage& message);
std::uint64_t queue_cost(const Deliver& deliver);
// What another message with this payload adds to a run that this one begins.
std::uint64_t queue_cost_in_run(const Deliver& first, const Payload& payload);
std::uint64_t queue_cost(const DeliverChunk& chunk);

}  // namespace groupcomm::protocol
