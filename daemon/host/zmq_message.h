// Payloads in and out of ZeroMQ messages without copying their bytes.
#pragma once

#include <zmq.hpp>

#include "groupcomm/payload.h"

namespace groupcomm::daemon {

// The payload keeps the message alive.
Payload to_payload(zmq::message_t message);

// The message shares the payload's bytes; short ones are copied, which is cheaper.
zmq::message_t to_message(const Payload& payload);

// Of the connection that it came from; -1 where unknown.
int descriptor_of(const zmq::message_t& message);

}  // namespace groupcomm::daemon
