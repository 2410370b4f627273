// What a client and its daemon say to one another, as plain values.
//
// groupcomm/wire turns lists of them into bytes and back. The two directions are the closed
// alphabets ClientMessage (client to daemon) and DaemonMessage (daemon to client). Messages of one
// connection keep their order. Values that come out of the codec have been validated: names obey
// identity.h, enumerators are known, sizes are within limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "groupcomm/boxed.h"
#include "groupcomm/identity.h"
#include "groupcomm/message.h"
#include "groupcomm/number.h"
#include "groupcomm/payload.h"
#include "groupcomm/protocol/runs.h"
#include "groupcomm/view.h"

namespace groupcomm::protocol {

// Raised when a frame's meaning changes. Unknown fields are ignored at any version.
inline constexpr std::uint32_t kProtocolVersion = 1;

// A larger payload travels as several chunks, so that small messages can pass between them.
inline constexpr std::size_t kChunkBytesMax = 64u << 10;
inline constexpr std::size_t kGroupsPerSendMax = 64;
// Joins of a client that may be without an answer at a time.
inline constexpr std::size_t kJoinsMax = 4096;

// Calls f(message) for each message of a run, as if it had come alone.
template <typename Message, typename F>
void for_each_of_run(const Message& first, F f) {
  Message message = first;
  message.run.clear();
  f(std::as_const(message));
  for (const Payload& payload : first.run) {
    message.count_on();
    message.payload = payload;
    f(std::as_const(message));
  }
}

// --- client to daemon ----------------------------------------------------------------------------

// First message of a connection.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::string name;
  bool operator==(const Hello&) const = default;
};
struct Join {
  RequestId request;
  std::string group;
  GroupOptions options;
  bool operator==(const Join&) const = default;
};
struct Leave {
  RequestId request;
  std::string group;
  bool operator==(const Leave&) const = default;
};
// A part of the payload of the next Multicast, in order; exactly kChunkBytesMax bytes each.
struct MulticastChunk {
  Payload payload;
  bool operator==(const MulticastChunk&) const = default;
};
// A send to `group` and each of `more_groups`, all or none. `payload` is the last part where
// chunks came before. Several groups must be different ones, at most kGroupsPerSendMax.
struct Multicast {
  RequestId request;
  GroupKey group;
  std::vector<GroupKey> more_groups;
  Order order = Order::kTotal;
  bool self_discard = false;
  bool notify_safe = false;
  std::optional<ProcessKey> to;  // deliver to this member only
  // Of `group` and `more_groups`: how many views of the membership the sender had seen; 0 where
  // that does not matter. Empty: it matters nowhere (rule H4).
  std::vector<std::uint64_t> views_seen = {};
  Payload payload;
  // Further sends to the one group, which have no more than these: their requests are the next.
  RunPayloads run = {};

  void count_on() { ++request; }
  bool operator==(const Multicast&) const = default;
};
struct BlockOk {
  RequestId request;
  std::string group;
  std::uint64_t views_seen = 0;  // of the membership: says which block is answered
  bool operator==(const BlockOk&) const = default;
};
// How much of what it was told the application has taken since the welcome, by queue_cost(): the
// daemon bounds what waits for a client by the difference.
struct Consumed {
  std::uint64_t bytes_total = 0;
  bool operator==(const Consumed&) const = default;
};
// A clean end: leaves all groups.
struct Bye {
  bool operator==(const Bye&) const = default;
};
struct StatusQuery {
  RequestId request;
  bool operator==(const StatusQuery&) const = default;
};
struct GroupsQuery {
  RequestId request;
  bool operator==(const GroupsQuery&) const = default;
};
// Asks for the views of these groups, or of all where the list is empty, without being a member.
struct Watch {
  RequestId request;
  std::vector<std::string> groups;
  bool operator==(const Watch&) const = default;
};

// May the daemon go on without a quorum? It shall, without these of its last view, where they are
// named and just they are missing (rule R6).
struct Bootstrap {
  RequestId request;
  std::vector<std::string> without;
  bool operator==(const Bootstrap&) const = default;
};

using ClientMessage = std::variant<Hello, Join, Leave, MulticastChunk, Multicast, BlockOk, Consumed,
                                   Bye, StatusQuery, GroupsQuery, Watch, Bootstrap>;

// --- daemon to client ----------------------------------------------------------------------------

struct Welcome {
  ProcessId process;
  std::string daemon_version;
  std::uint32_t protocol_version = kProtocolVersion;
  std::uint64_t send_window_bytes = 0;     // not yet accepted bytes that the client may have
  std::uint64_t send_window_messages = 0;  // not yet accepted messages that it may have
  std::uint64_t queue_bytes = 0;           // that may wait for it (rule W3)
  bool operator==(const Welcome&) const = default;
};
// Answer to a Hello that cannot be served. The connection is over.
struct Refused {
  std::string reason;
  bool operator==(const Refused&) const = default;
};
// Every Multicast up to this request was accepted, but for those that were Rejected before.
struct Accepted {
  RequestId up_to;
  bool operator==(const Accepted&) const = default;
};
struct Rejected {
  RequestId request;
  GroupKey group;  // which of the groups; 0 where it does not matter
  RejectReason reason = RejectReason::kGone;
  bool operator==(const Rejected&) const = default;
};
// An accepted message that will never be delivered to its sender.
struct SendFail {
  GroupKey group;
  SendNumber number;
  bool operator==(const SendFail&) const = default;
};
struct ViewChanged {
  std::string group;
  GroupView view;
  bool operator==(const ViewChanged&) const = default;
};
// Deliveries from here to the next view hold only within `transitional`.
struct Transition {
  GroupKey group;
  std::vector<ProcessId> transitional;
  bool operator==(const Transition&) const = default;
};
// A part of the payload of the next Deliver, in order.
struct DeliverChunk {
  Payload payload;
  bool operator==(const DeliverChunk&) const = default;
};
inline constexpr Rank kNoRank = 0xFFFFFFFF;
// A message for a member. The sender is the member at `sender_rank` of the receiver's current view
// of the group, or, where that is kNoRank, the process in `sender`.
struct Deliver {
  GroupKey group;
  Rank sender_rank = kNoRank;
  Boxed<ProcessId> sender;
  SendNumber number;
  Order order = Order::kTotal;
  Payload payload;
  bool report_soon = false;  // somebody waits to hear that this was consumed (rule N2)
  RunPayloads run = {};      // further messages of this member, with the next numbers

  void count_on() { ++number; }
  bool operator==(const Deliver&) const = default;
};
// Every member has delivered the receiver's own message.
struct SafeNotice {
  GroupKey group;
  SendNumber number;
  bool operator==(const SafeNotice&) const = default;
};
struct Block {
  GroupKey group;
  bool operator==(const Block&) const = default;
};
struct Suspended {
  GroupKey group;
  bool operator==(const Suspended&) const = default;
};
struct Gone {
  GroupKey group;
  GoneReason reason = GoneReason::kLeft;
  bool operator==(const Gone&) const = default;
};
// Last message of a connection that the daemon ends.
struct Disconnect {
  std::string reason;
  bool operator==(const Disconnect&) const = default;
};

struct MemberStatus {
  DaemonId id;
  std::string address;
  std::string state;                 // "alive", "suspected", "self"
  std::uint64_t unacknowledged = 0;  // messages of the daemon that answers which it has not got
  bool operator==(const MemberStatus&) const = default;
};
// A client of the daemon that answers, and what waits between the two.
struct ClientStatus {
  ProcessId process;
  std::uint64_t groups = 0;           // it is a member of so many
  std::uint64_t waiting_bytes = 0;    // delivered to it and not consumed yet (rule W3)
  std::uint64_t queued_requests = 0;  // of its own that wait to be served
  bool operator==(const ClientStatus&) const = default;
};
// Of more clients, those with the longest queues are named.
inline constexpr std::size_t kClientsShownMax = 256;
// A daemon about itself.
struct DaemonStatus {
  DaemonId daemon;
  std::string cluster;
  std::string version;
  std::string phase;  // "joining", "regular", "flushing", "suspended"
  std::optional<ViewId> view;
  bool primary = false;
  std::vector<MemberStatus> members;  // by rank
  std::uint64_t uptime_ms = 0;
  std::vector<std::pair<std::string, std::uint64_t>> counters;  // name, value; sorted by name
  std::vector<ClientStatus> clients;                            // longest queues first
  bool operator==(const DaemonStatus&) const = default;
};
struct StatusReply {
  RequestId request;
  Boxed<DaemonStatus> status;  // never null
  bool operator==(const StatusReply&) const = default;
};
struct GroupStatus {
  std::string name;
  GroupViewId view;
  GroupOptions options;
  std::vector<ProcessId> members;  // by rank
  bool operator==(const GroupStatus&) const = default;
};
struct GroupsReply {
  RequestId request;
  std::vector<GroupStatus> groups;  // sorted by name
  bool operator==(const GroupsReply&) const = default;
};
// A view of a watched group. An empty member list means that the group is no more.
struct WatchedView {
  std::string group;
  GroupView view;
  bool operator==(const WatchedView&) const = default;
};

// `possible`: the daemon can go on without a quorum, or where it was told to: it has done so.
// `text` says what that would mean, or what came of it, or why not.
struct BootstrapReply {
  RequestId request;
  bool possible = false;
  std::vector<std::string> without;  // who would be, or was, given up
  std::string text;
  bool operator==(const BootstrapReply&) const = default;
};

using DaemonMessage =
    std::variant<Welcome, Refused, Accepted, Rejected, SendFail, ViewChanged, Transition,
                 DeliverChunk, Deliver, SafeNotice, Block, Suspended, Gone, Disconnect, StatusReply,
                 GroupsReply, WatchedView, BootstrapReply>;

}  // namespace groupcomm::protocol
