// Bytes to values and back: every frame of groupcomm, and all validation of bytes, in one place.
//
// Decoding never throws and never trusts: whatever bytes come, the outcome is a value that obeys
// every limit stated in groupcomm/protocol, or a Failure that says what is wrong. Payloads of
// decoded values share the frame's bytes and keep them alive.
#pragma once

#include <span>
#include <vector>

#include "groupcomm/payload.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"
#include "groupcomm/result.h"

namespace groupcomm::wire {

inline constexpr std::size_t kFrameBytesMax = 16u << 20;

// Client to daemon.
Payload encode(std::span<const protocol::ClientMessage> messages);
Result<std::vector<protocol::ClientMessage>> decode_client_messages(const Payload& frame);

// Daemon to client.
Payload encode(std::span<const protocol::DaemonMessage> messages);
Result<std::vector<protocol::DaemonMessage>> decode_daemon_messages(const Payload& frame);

// Daemon to daemon. Frames carry a checksum: a damaged one is a Failure.
Payload encode(const protocol::PeerFrame& frame);
Result<protocol::PeerFrame> decode_peer_frame(const Payload& frame);

// The durable record, with a checksum.
Payload encode(const protocol::DurableRecord& record);
Result<protocol::DurableRecord> decode_durable_record(const Payload& bytes);

}  // namespace groupcomm::wire
