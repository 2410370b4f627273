// What can happen to a daemon: the closed alphabet of inputs of DaemonCore.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "groupcomm/number.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/protocol/peer_frames.h"

namespace groupcomm::daemon {

// Messages of one client, in order. The host gives each connection a SessionId of its own, counted
// from 1 in one daemon incarnation; a session's first message ever is a Hello.
struct ClientFrame {
  SessionId session;
  std::vector<protocol::ClientMessage> messages;
  bool from_operator = false;  // of root or the daemon's own user
};
// The client's process ended, its connection broke, or it sent bytes that are no frame.
struct ClientLost {
  SessionId session;
};
// A frame of another daemon; the codec has validated it.
struct PeerFrameReceived {
  protocol::PeerFrame frame;
};
// A plain connect to the peer's address was refused: no process listens there any more.
struct PeerRefused {
  std::string name;
};
// A connection to the peer was made: it is worth a beacon or heartbeat at once.
struct PeerConnected {
  std::string name;
};
// The deadline that DaemonCore::next_deadline gave has come.
struct TimerExpired {};
// There is nothing more to read at the moment: what was collected is to be sent.
struct InputDrained {};
// The daemon is to leave its view and end (SIGTERM).
struct LeaveRequested {};

using Event = std::variant<ClientFrame, ClientLost, PeerFrameReceived, PeerRefused, PeerConnected,
                           TimerExpired, InputDrained, LeaveRequested>;

}  // namespace groupcomm::daemon
