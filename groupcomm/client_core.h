// The pure half of the client library: what a client knows, with no socket, clock or thread.
//
// The host (Client, or the simulator) feeds it the application's wishes and the daemon's messages,
// and drains what is to be sent and what the application is to be told, in order.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/protocol/client_frames.h"
#include "groupcomm/view.h"

namespace groupcomm {

// What the application is told, in the order in which it happened: the closed alphabet of outputs.
namespace upcall {
struct Connected {
  ProcessId process;
  std::string daemon_version;
};
struct ViewInstalled {
  std::string group;
  GroupView view;
};
struct Transition {
  std::string group;
  std::vector<ProcessId> transitional;
};
struct Delivered {
  std::string group;
  GroupViewId view;
  Message message;
};
// The daemon accepted a send: one for each of its groups.
struct Accepted {
  RequestId request;
  std::string group;
  SendNumber number;
};
struct Rejected {
  RequestId request;
  std::string group;  // which of the groups; empty where it does not matter
  RejectReason reason = RejectReason::kGone;
};
struct SendFailed {
  std::string group;
  SendNumber number;
};
struct Safe {
  std::string group;
  SendNumber number;
};
struct Suspended {
  std::string group;
};
struct Block {
  std::string group;
};
struct Gone {
  std::string group;
  GoneReason reason = GoneReason::kLeft;
};
struct Disconnected {
  std::string reason;
};
struct Status {
  RequestId request;
  protocol::DaemonStatus status;
};
struct Groups {
  RequestId request;
  std::vector<protocol::GroupStatus> groups;
};
struct Watched {
  std::string group;
  GroupView view;
};
}  // namespace upcall

using Upcall =
    std::variant<upcall::Connected, upcall::ViewInstalled, upcall::Transition, upcall::Delivered,
                 upcall::Accepted, upcall::Rejected, upcall::SendFailed, upcall::Safe,
                 upcall::Suspended, upcall::Block, upcall::Gone, upcall::Disconnected,
                 upcall::Status, upcall::Groups, upcall::Watched>;

// One send, as the application asks for it.
struct SendOptions {
  Order order = Order::kTotal;
  std::optional<ProcessId> to;  // to this member only
  bool self_discard = false;    // not to myself
  bool notify_safe = false;     // tell me when every member has delivered it
};

// What a call gives at once: the request that later events name, or why it is refused.
struct Queued {
  RequestId request;
  std::optional<RejectReason> refused;  // set: nothing was queued
};

class ClientCore {
 public:
  explicit ClientCore(std::string name);

  // --- the application's wishes. Each may be refused at once, with no effect.
  Queued join(std::string_view group, GroupOptions options);
  Queued leave(std::string_view group);
  // `groups`: 1 to protocol::kGroupsPerSendMax different names. Refused with kWouldBlock while the
  // daemon's send window is full, kGone while not connected, kTooBig over kPayloadBytesMax, ...
  Queued multicast(const std::vector<std::string>& groups, Payload payload,
                   const SendOptions& options);
  Queued block_ok(std::string_view group);
  RequestId query_status();
  RequestId query_groups();
  RequestId watch(std::vector<std::string> groups);
  void bye();

  // --- the host's inputs
  // A connection begins: queues the Hello. Everything of an earlier connection is forgotten.
  void on_connecting();
  // Messages of the daemon. Returns a Failure where they break the protocol: the host disconnects.
  Result<std::monostate> on_daemon_messages(std::vector<protocol::DaemonMessage> messages);
  // The connection broke: every membership is over (Gone kDaemonLost), then Disconnected. Sends
  // that were not accepted are reported as Rejected kGone first.
  void on_disconnected(std::string_view reason);

  // --- outputs
  std::vector<protocol::ClientMessage> take_outgoing();
  std::vector<Upcall> take_upcalls();

  // --- state
  bool connected() const;  // a Welcome came
  const std::optional<ProcessId>& process() const;
  const GroupView* view(std::string_view group) const;  // of a group that I am in, or nullptr
  bool has_credit() const;  // a multicast would not be refused with kWouldBlock
};

}  // namespace groupcomm
