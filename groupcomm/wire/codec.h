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

// Client to daemon. Messages of an unknown kind, which a later version may send, are left out; the
// second form adds their number to `unknown_kinds`.
Payload encode(std::span<const protocol::ClientMessage> messages);
Result<std::vector<protocol::ClientMessage>> decode_client_messages(const Payload& frame);
Result<std::vector<protocol::ClientMessage>> decode_client_messages(const Payload& frame,
                                                                    std::uint64_t& unknown_kinds);

// Daemon to client. Unknown kinds as above.
Payload encode(std::span<const protocol::DaemonMessage> messages);
Result<std::vector<protocol::DaemonMessage>> decode_daemon_messages(const Payload& frame);
Result<std::vector<protocol::DaemonMessage>> decode_daemon_messages(const Payload& frame,
                                                                    std::uint64_t& unknown_kinds);

// Daemon to daemon. Frames carry a checksum: a damaged one is a Failure.
Payload encode(const protocol::PeerFrame& frame);
Result<protocol::PeerFrame> decode_peer_frame(const Payload& frame);

// The durable record, with a checksum.
Payload encode(const protocol::DurableRecord& record);
Result<protocol::DurableRecord> decode_durable_record(const Payload& bytes);

}  // namespace groupcomm::wire
