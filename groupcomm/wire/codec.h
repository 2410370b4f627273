// Bytes to values and back: every frame of groupcomm, and all validation of bytes, in one place.
//
// Decoding never throws and never trusts: whatever bytes come, the outcome is a value that obeys
// every limit stated in groupcomm/protocol and groupcomm.capnp, or a Failure that says what is
// wrong. It takes memory in proportion to the frame. Payloads of decoded values share the frame's
// bytes and keep them alive; a frame at an address that 8 does not divide is copied once.
//
// What holds, among others, for decoded values: causal, total and safe messages have a
// causal_number and a context (of any length up to kDaemonsMax: only the view tells which is
// right); a join or leave has its ControlBody; ranks of daemons are below kDaemonsMax; the numbers
// of a Batch rise; the next view of a ViewChangeValue has members.
//
// Encoding does not judge. A frame of more than kFrameBytesMax is made, and refused where it
// arrives.
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
